/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/child-slot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/child-setup.h"
#include "util/error.h"

/* How many buffers to read from one pipe at a time: more than a pipe holds, but so few that a child
 * that never stops writing cannot hold up the others, its own time limit and the cancel descriptor.
 */
#define DRAIN_READS 16

static void
set_start_error(struct child *child, const GError *cause)
{
    const char *program = child->argv[0];

    if (g_error_matches(cause, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT))
        g_set_error(&child->error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "cannot run '%s': it is not installed, or not in PATH", program);
    else
        g_set_error(&child->error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "cannot run '%s': %s",
                    program, cause->message);
}

/* Fork and execute. */
static bool
spawn(struct child_slot *slot, struct child *child, const struct child_common *common)
{
    bool confined = common->mode != SANDBOX_OFF && !child->trusted;
    char **environment = child->trusted ? common->whole_environment : common->environment;
    scoped_fd ruleset = confined ? sandbox_open(child->sandbox, child->argv[0], &child->error) : -1;
    struct child_setup setup = {getpid(), child, common->inherited, ruleset,
                                common->mode == SANDBOX_REQUIRE};
    g_autoptr(GError) cause = NULL;

    if (confined && ruleset < 0)
        return false;
    if (g_spawn_async_with_pipes(NULL, child->argv, environment,
                                 G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH, child_setup_apply,
                                 &setup, &slot->pid, NULL, &slot->fds[0], &slot->fds[1], &cause))
        return true;
    set_start_error(child, cause);
    return false;
}

void
child_slot_start(struct child_slot *slot, struct child *child, const struct child_common *common)
{
    child_clear(child);
    child->out = g_string_new(NULL);
    child->err = g_string_new(NULL);
    if (!spawn(slot, child, common))
        return;
    child->started = true;
    slot->child = child;
    slot->tick = 0;
    slot->deadline = 0;
    if (child->limits.wall_seconds)
        slot->deadline =
            g_get_monotonic_time() + (gint64)child->limits.wall_seconds * G_USEC_PER_SEC;
    for (int i = 0; i < 2; i++)
        fcntl(slot->fds[i], F_SETFL, O_NONBLOCK);
    /* G_SPAWN_CLOEXEC_PIPES came with GLib 2.70; GLib closes them in its children all the same */
    for (int i = 0; i < 2; i++)
        fcntl(slot->fds[i], F_SETFD, FD_CLOEXEC);
}

void
child_slot_kill(struct child_slot *slot)
{
    /* its group as well: exec has happened, so the group exists */
    kill(-slot->pid, SIGKILL);
    kill(slot->pid, SIGKILL);
}

static void
close_clear(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Read what the pipe holds. */
static void
drain(struct child_slot *slot, int which)
{
    GString *text = which == 0 ? slot->child->out : slot->child->err;
    char buffer[16384];

    for (int i = 0; i < DRAIN_READS && slot->fds[which] >= 0; i++) {
        ssize_t got = read(slot->fds[which], buffer, sizeof(buffer));

        if (got > 0) {
            size_t room = CHILD_OUTPUT_MAX - text->len;

            g_string_append_len(text, buffer, (gssize)MIN((size_t)got, room));
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else if (got == 0 || errno != EINTR) {
            if (got < 0 && !slot->child->error)
                offshot_set_error_errno(&slot->child->error, errno,
                                        "cannot read the output of '%s'", slot->child->argv[0]);
            close_clear(&slot->fds[which]);
        }
    }
}

void
child_slot_drain(struct child_slot *slot, int which)
{
    struct child *child = slot->child;
    size_t before = child->out->len;

    drain(slot, which);
    if (child->on_output && child->out->len > before)
        child->on_output(child, child->on_output_data);
}

/* The child is dead: read what it left behind and free the slot. */
static void
slot_finish(struct child_slot *slot, int status)
{
    slot->child->status = status;
    for (int i = 0; i < 2; i++) {
        child_slot_drain(slot, i);
        close_clear(&slot->fds[i]); /* a process that it left behind may hold the other end */
    }
    slot->child = NULL;
}

void
child_slot_reap(struct child_slot *slot, bool wait)
{
    pid_t got;
    int status = 0;

    do
        got = waitpid(slot->pid, &status, wait ? 0 : WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return;
    if (got < 0 && !slot->child->error)
        offshot_set_error_errno(&slot->child->error, errno, "cannot learn how '%s' ended",
                                slot->child->argv[0]);
    slot_finish(slot, status);
}
