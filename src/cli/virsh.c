/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/virsh.h"

#include <string.h>
#include <sys/wait.h>

#include "util/child.h"
#include "util/error.h"

/* A daemon that hangs must not hang us. */
#define VIRSH_SECONDS 60

/* virsh says what it could not do first and why last, each behind "error: "; the part of a document
 * that a message is about may follow. Free with g_free().
 */
static char *
find_reason(const char *complaint)
{
    static const char mark[] = "error: ";
    g_autofree char *text = g_utf8_make_valid(complaint, -1);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
    const char *reason = "";

    for (size_t i = 0; lines[i]; i++) {
        if (g_str_has_prefix(lines[i], mark))
            reason = lines[i] + strlen(mark);
        else if (reason[0] == '\0' && !lines[i + 1])
            reason = lines[i];
    }
    return g_strdup(reason);
}

static bool
check(const struct child *child, GError **error)
{
    g_autofree char *reason = NULL;

    if (!child->started || child->error || !WIFEXITED(child->status))
        return child_check(child, error);
    if (WEXITSTATUS(child->status) == 0)
        return true;
    reason = find_reason(child->err->str);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "'virsh %s' failed: %s", child->argv[3],
                reason);
    return false;
}

static void
free_child(gpointer child)
{
    child_clear(child);
    g_free(child);
}

GPtrArray *
virsh_run_all(const GPtrArray *argvs, unsigned jobs, GError **error)
{
    g_autoptr(GPtrArray) children = g_ptr_array_new_with_free_func(free_child);
    g_autoptr(GPtrArray) answers = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < argvs->len; i++) {
        struct child *child = g_new0(struct child, 1);

        child->argv = g_ptr_array_index(argvs, i);
        child->trusted =
            true; /* which daemon is meant, and how to reach it, is in the environment */
        child->limits.wall_seconds = VIRSH_SECONDS;
        g_ptr_array_add(children, child);
    }
    if (children->len > 0 &&
        !child_run((struct child *const *)children->pdata, children->len, jobs, error))
        return NULL;
    for (guint i = 0; i < children->len; i++) {
        const struct child *child = g_ptr_array_index(children, i);

        if (!check(child, error))
            return NULL;
        g_ptr_array_add(answers, g_strdup(child->out->str));
    }
    return g_steal_pointer(&answers);
}

char *
virsh_run(char **argv, GError **error)
{
    g_autoptr(GPtrArray) argvs = g_ptr_array_new();
    g_autoptr(GPtrArray) answers = NULL;

    g_ptr_array_add(argvs, argv);
    answers = virsh_run_all(argvs, 1, error);
    return answers ? g_ptr_array_steal_index(answers, 0) : NULL;
}
