/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "util/child-check.h"
#include "util/child-slot.h"
#include "util/error.h"

/* A child is dead some microseconds after its output ends: ask after it soon, then less and less
 * often. In between ask after all, since a process that a child leaves behind may hold its output
 * open. Microseconds.
 */
#define TICK_MIN 20
#define TICK_MAX 10000
#define TICK_ALL 100000

static GArray *inherited_fds;
static void (*trace_argv)(char *const *argv);
static int cancel_fd = -1;
static enum sandbox_mode sandbox_mode = SANDBOX_OFF;

static bool
set_no_sandbox(GError **error)
{
    struct utsname kernel = {0};

    uname(&kernel);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the kernel (%s %s) offers no sandbox: it needs Landlock, built in and switched on "
                "(lsm=landlock,...); --sandbox=auto goes on without",
                kernel.sysname, kernel.release);
    return false;
}

/* A child that fails in the middle of an operation would be worse. */
static bool
check_sandbox(GError **error)
{
    int failure = sandbox_try();

    if (failure == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "cannot enter a sandbox: %s; --sandbox=auto goes on without",
                failure == E2BIG ? "offshot runs inside too many already" : g_strerror(failure));
    return false;
}

bool
child_set_sandbox(enum sandbox_mode mode, GError **error)
{
    bool offered = sandbox_version() > 0;

    sandbox_mode = offered ? mode : SANDBOX_OFF;
    if (mode != SANDBOX_REQUIRE)
        return true;
    return offered ? check_sandbox(error) : set_no_sandbox(error);
}

void
child_set_inherited(GArray *fds)
{
    inherited_fds = fds;
}

void
child_set_trace(void (*trace)(char *const *argv))
{
    trace_argv = trace;
}

void
child_trace(char *const *argv)
{
    if (trace_argv)
        trace_argv(argv);
}

void
child_set_cancel(int fd)
{
    cancel_fd = fd;
}

void
child_clear(struct child *child)
{
    if (child->out)
        g_string_free(child->out, TRUE);
    if (child->err)
        g_string_free(child->err, TRUE);
    child->out = child->err = NULL;
    g_clear_error(&child->error);
    child->started = false;
    child->status = 0;
}

static void
deadline_enforce(struct child_slot *slot, gint64 now)
{
    struct child *child = slot->child;
    g_autofree char *name = NULL;

    if (!slot->deadline || slot->deadline > now)
        return;
    slot->deadline = 0;
    child_slot_kill(slot);
    name = child_command_name(child->argv);
    if (!child->error)
        g_set_error(&child->error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "'%s' ran for more than %u s and was killed", name, child->limits.wall_seconds);
}

static bool
slot_is_silent(const struct child_slot *slot)
{
    return slot->fds[0] < 0 && slot->fds[1] < 0;
}

/* How many microseconds may pass before SLOT needs a look again. */
static gint64
slot_patience(struct child_slot *slot, gint64 now)
{
    if (slot_is_silent(slot)) {
        slot->tick = CLAMP(2 * slot->tick, TICK_MIN, TICK_MAX);
        return slot->tick;
    }
    return slot->deadline ? CLAMP(slot->deadline - now, 0, TICK_ALL) : TICK_ALL;
}

/* Sleep until something can be read, or a child needs a look. Returns what ppoll() does. */
static int
slots_poll(struct child_slot *slots, unsigned jobs, struct pollfd *polled)
{
    gint64 now = g_get_monotonic_time();
    gint64 patience = TICK_ALL;
    struct timespec timeout = {0};

    for (unsigned i = 0; i < jobs; i++) {
        struct child_slot *slot = &slots[i];

        for (int k = 0; k < 2; k++)
            polled[2 * i + k] = (struct pollfd){slot->child ? slot->fds[k] : -1, POLLIN, 0};
        if (slot->child) {
            deadline_enforce(slot, now);
            patience = MIN(patience, slot_patience(slot, now));
        }
    }
    polled[2 * jobs] = (struct pollfd){cancel_fd, POLLIN, 0};
    timeout.tv_nsec = patience * 1000;
    return ppoll(polled, 2 * jobs + 1, &timeout, NULL);
}

/* Wait until something happens and deal with it. Returns false when cancelled. */
static bool
slots_wait(struct child_slot *slots, unsigned jobs, struct pollfd *polled)
{
    int ready = slots_poll(slots, jobs, polled);

    if (ready < 0)
        return true; /* a signal: its handler makes the cancel descriptor readable */
    if (polled[2 * jobs].revents)
        return false;
    for (unsigned i = 0; i < jobs; i++) {
        struct child_slot *slot = &slots[i];

        for (int k = 0; k < 2 && slot->child; k++) {
            if (polled[2 * i + k].revents)
                child_slot_drain(slot, k);
        }
        if (slot->child && (ready == 0 || slot_is_silent(slot)))
            child_slot_reap(slot, false);
    }
    return true;
}

static void
slots_kill(struct child_slot *slots, unsigned jobs)
{
    for (unsigned i = 0; i < jobs; i++) {
        if (slots[i].child)
            child_slot_kill(&slots[i]);
    }
    for (unsigned i = 0; i < jobs; i++) {
        if (slots[i].child)
            child_slot_reap(&slots[i], true);
    }
}

/* All that a program gets to know of our environment: how others are found. */
static char **
environment_new(void)
{
    char **environment = g_environ_setenv(NULL, "LC_ALL", "C", TRUE);
    const char *path = g_getenv("PATH");

    return path ? g_environ_setenv(environment, "PATH", path, TRUE) : environment;
}

static void
start(struct child_slot *slot, struct child *child, const struct child_common *common)
{
    child_trace(child->argv);
    child_slot_start(slot, child, common);
}

/* Fill free slots from CHILDREN, the next one being *NEXT. Returns how many children run now. */
static unsigned
slots_fill(struct child_slot *slots, unsigned jobs, struct child *const *children, size_t count,
           size_t *next, const struct child_common *common)
{
    unsigned active = 0;

    for (unsigned i = 0; i < jobs; i++) {
        while (!slots[i].child && *next < count)
            start(&slots[i], children[(*next)++], common);
        active += slots[i].child != NULL;
    }
    return active;
}

static bool
is_cancelled(void)
{
    struct pollfd polled = {cancel_fd, POLLIN, 0};

    return poll(&polled, 1, 0) > 0;
}

static bool
set_cancelled(GError **error)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "stopped by a signal");
    return false;
}

bool
child_run(struct child *const *children, size_t count, unsigned jobs, GError **error)
{
    g_auto(GStrv) environment = environment_new();
    g_auto(GStrv) whole = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
    const struct child_common common = {environment, whole, inherited_fds, sandbox_mode};
    g_autofree struct child_slot *slots = NULL;
    g_autofree struct pollfd *polled = NULL;
    size_t next = 0;

    if (is_cancelled())
        return set_cancelled(error);
    /* with SIGCHLD ignored, as some callers leave it to us, no status can be had */
    signal(SIGCHLD, SIG_DFL);
    jobs = (unsigned)CLAMP(MIN((size_t)jobs, count), 1, 1024);
    slots = g_new0(struct child_slot, jobs);
    polled = g_new0(struct pollfd, 2 * (size_t)jobs + 1);
    while (slots_fill(slots, jobs, children, count, &next, &common) > 0) {
        if (!slots_wait(slots, jobs, polled)) {
            slots_kill(slots, jobs);
            return set_cancelled(error);
        }
    }
    return true;
}
