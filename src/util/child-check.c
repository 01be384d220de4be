/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/child-check.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "util/child.h"
#include "util/error.h"

/* How much of a complaint goes into a message, in bytes. */
#define COMPLAINT_MAX 500

char *
child_command_name(char *const *argv)
{
    g_autofree char *program = g_path_get_basename(argv[0]);

    if (argv[1] && g_ascii_isalpha(argv[1][0]))
        return g_strdup_printf("%s %s", program, argv[1]);
    return g_steal_pointer(&program);
}

static const char consequence[] = "qemu-img: Error when deleting file /proc/self/fd/";

/* The first line of what CHILD said on stderr, fit for a message. */
static char *
first_complaint(const struct child *child)
{
    const char *first = child->err->str;
    size_t length;
    char *line;

    /* it could not remove what it failed to make, which is none of its business */
    while (strstr(first, consequence) == first && strchr(first, '\n'))
        first = strchr(first, '\n') + 1;
    length = MIN(strcspn(first, "\n"), COMPLAINT_MAX);
    line = g_utf8_make_valid(first, (gssize)length);

    for (char *c = line; *c; c++) {
        if (g_ascii_iscntrl(*c))
            *c = '?';
    }
    return line;
}

static bool
says_no_space(const char *text)
{
    return strstr(text, "No space left on device") || strstr(text, "Disk quota exceeded");
}

/* What a program says that gets no more memory: libc, GLib, QEMU. */
static const char *const out_of_memory[] = {
    "Cannot allocate memory",
    "Could not allocate",
    "ailed to allocate",
    "memory exhausted",
    "qemu_thread_create: Resource temporarily unavailable",
};

static bool
says_no_memory(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(out_of_memory); i++) {
        if (strstr(text, out_of_memory[i]))
            return true;
    }
    return false;
}

static bool
was_killed_by(const struct child *child, int number)
{
    return WIFSIGNALED(child->status) && WTERMSIG(child->status) == number;
}

/* Which of its limits CHILD seems to have met, as part of a message; "" when none. */
static char *
limit_met(const struct child *child)
{
    const struct child_limits *limits = &child->limits;
    const char *text = child->err->str;

    if (limits->cpu_seconds && was_killed_by(child, SIGXCPU))
        return g_strdup_printf(", at its limit of %u s of processor time", limits->cpu_seconds);
    if (limits->writes_nothing && was_killed_by(child, SIGXFSZ))
        return g_strdup(", since it may write to no file");
    if (limits->memory && says_no_memory(text))
        return g_strdup_printf(", at its limit of %" PRIu64 " MiB of memory", limits->memory >> 20);
    if (limits->files && strstr(text, "Too many open files"))
        return g_strdup_printf(", at its limit of %u open files", limits->files);
    return g_strdup("");
}

static char *
ending(const struct child *child)
{
    int status = child->status;

    if (WIFSIGNALED(status))
        return g_strdup_printf("was killed by signal %d (%s)", WTERMSIG(status),
                               g_strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0)
        return g_strdup("exited with status 0 but complained");
    return g_strdup_printf("failed with exit status %d", WEXITSTATUS(status));
}

bool
child_check(const struct child *child, GError **error)
{
    g_autofree char *name = child_command_name(child->argv);
    g_autofree char *line = NULL;
    g_autofree char *how = NULL;
    g_autofree char *limit = NULL;
    int code = OFFSHOT_ERROR_FAILED;

    if (child->error) {
        g_propagate_error(error, g_error_copy(child->error));
        return false;
    }
    if (child->started && WIFEXITED(child->status) && WEXITSTATUS(child->status) == 0 &&
        child->err->len == 0)
        return true;
    if (!child->started) {
        g_set_error(error, OFFSHOT_ERROR, code, "'%s' was not started", name);
        return false;
    }
    if (says_no_space(child->err->str))
        code = OFFSHOT_ERROR_NO_SPACE;
    line = first_complaint(child);
    how = ending(child);
    limit = limit_met(child);
    g_set_error(error, OFFSHOT_ERROR, code, "'%s' %s%s%s%s", name, how, limit, *line ? ": " : "",
                line);
    return false;
}
