/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/backing.h"

#include <string.h>

#include "util/error.h"

#define BACKING_MAX 1023

/* Whether QEMU takes what stands before the first ":" for the name of a protocol. */
static bool
is_protocol(const char *name)
{
    return name[strcspn(name, ":/")] == ':';
}

/* The components of the directory of PATH, without empty ones and ".". */
static GPtrArray *
directory_components(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_auto(GStrv) parts = g_strsplit(directory, "/", -1);
    GPtrArray *components = g_ptr_array_new_with_free_func(g_free);

    for (char **part = parts; *part; part++) {
        if (**part && strcmp(*part, ".") != 0)
            g_ptr_array_add(components, g_strdup(*part));
    }
    return components;
}

/* The way from the directory of OVERLAY to BASE; NULL when it cannot be told from the names. */
static char *
relative_path(const char *overlay, const char *base)
{
    g_autoptr(GPtrArray) from = directory_components(overlay);
    g_autoptr(GPtrArray) to = directory_components(base);
    GString *path = g_string_new(NULL);
    guint common = 0;

    while (common < from->len && common < to->len &&
           strcmp(from->pdata[common], to->pdata[common]) == 0)
        common++;
    for (guint i = common; i < from->len; i++) {
        if (strcmp(from->pdata[i], "..") == 0) {
            g_string_free(path, TRUE);
            return NULL;
        }
        g_string_append(path, "../");
    }
    for (guint i = common; i < to->len; i++)
        g_string_append_printf(path, "%s/", (const char *)to->pdata[i]);
    g_string_append(path, strrchr(base, '/') + 1);
    if (is_protocol(path->str))
        g_string_prepend(path, "./");
    return g_string_free(path, FALSE);
}

char *
backing_string(const char *overlay, const char *base, bool relative, GError **error)
{
    g_autofree char *backing = relative ? relative_path(overlay, base) : NULL;

    if (!backing)
        backing = g_strdup(base);
    if (strlen(backing) <= BACKING_MAX)
        return g_steal_pointer(&backing);
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "the path from '%s' to its backing image is longer than %d bytes: use shorter names%s",
        overlay, BACKING_MAX, relative ? "" : ", or --backing-path=relative");
    return NULL;
}

char *
backing_string_resolve(const char *path, const char *backing, GError **error)
{
    g_autofree char *directory = NULL;

    if (!*backing) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' has an empty backing name", path);
        return NULL;
    }
    if (is_protocol(backing)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' has backing '%s', which is no plain path: give it one with "
                    "'qemu-img rebase -u'",
                    path, backing);
        return NULL;
    }
    if (*backing == '/')
        return g_strdup(backing);
    while (g_str_has_prefix(backing, "./"))
        backing += 2 + strspn(backing + 2, "/");
    directory = g_path_get_dirname(path);
    return g_strdup_printf("%s%s%s", directory, g_str_has_suffix(directory, "/") ? "" : "/",
                           backing);
}
