/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* No command of this test takes a second; one that runs for so long never ends. */
#define COMMAND_SECONDS 300

void
run_fault(const struct run *run, const char *format, ...)
{
    g_autofree char *what = NULL;
    va_list arguments;

    va_start(arguments, format);
    what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    printf("FAULT: seed %u, step %u: %s\n", run->seed, run->step, what);
    printf("commands so far, in %s:\n%s", run->directory, run->log->str);
    exit(1);
}

GPtrArray *
argv_new(const char *program, ...)
{
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    const char *argument = program;
    va_list arguments;

    va_start(arguments, program);
    for (; argument; argument = va_arg(arguments, const char *))
        g_ptr_array_add(argv, g_strdup(argument));
    va_end(arguments);
    return argv;
}

void
argv_add(GPtrArray *argv, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_ptr_array_add(argv, g_strdup_vprintf(format, arguments));
    va_end(arguments);
}

int
run_command(struct run *run, GPtrArray *argv, struct child *child)
{
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(argv, NULL);
    *child = (struct child){.argv = (char **)argv->pdata,
                            .trusted = true,
                            .limits = {.wall_seconds = COMMAND_SECONDS}};
    if (!child_run(&child, 1, 1, &error))
        run_fault(run, "cannot run %s: %s", child->argv[0], error->message);
    if (child->error)
        run_fault(run, "%s: %s", child->argv[0], child->error->message);
    if (!WIFEXITED(child->status))
        run_fault(run, "%s was killed by signal %d: %s", child->argv[0], WTERMSIG(child->status),
                  child->err->str);
    return WEXITSTATUS(child->status);
}

int
run_noted(struct run *run, GPtrArray *argv, struct child *child)
{
    int status;

    g_string_append_printf(run->log, "%3u:", run->step);
    for (guint i = 0; i < argv->len; i++) {
        g_autofree char *quoted = g_shell_quote(g_ptr_array_index(argv, i));
        const char *plain = g_ptr_array_index(argv, i);
        bool is_plain = plain[0] && !plain[strcspn(plain, " \t\n'\"\\$`&;|<>()*?[]#~!{}")];

        g_string_append_printf(run->log, " %s", is_plain ? plain : quoted);
    }
    status = run_command(run, argv, child);
    g_string_append_printf(run->log, "%s\n", status ? "   # failed" : "");
    return status;
}

char *
text_replace(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, -1);

    return g_strjoinv(to, parts);
}

void
run_tool(struct run *run, GPtrArray *argv)
{
    struct child child;
    int status = run_noted(run, argv, &child);

    if (status != 0 || child.err->len > 0 || strstr(child.out->str, "failed"))
        run_fault(run, "the test's own %s failed (%d): %s%s", child.argv[0], status, child.out->str,
                  child.err->str);
    child_clear(&child);
}
