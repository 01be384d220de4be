/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/domain-files.h"

#include <string.h>
#include <sys/stat.h>

#include "store/location.h"
#include "util/error.h"
#include "util/file.h"

#define DOMAIN_XML_MAX (1024 * 1024)

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
add_owner(GPtrArray *paths, const char *directory, const char *entry)
{
    g_autofree char *owner = domain_location_find_owner(entry);
    g_autofree char *path = owner && *owner ? g_build_filename(directory, owner, NULL) : NULL;
    struct stat st;

    /* an image may be called so as well, but none is as small */
    if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= DOMAIN_XML_MAX &&
        !g_ptr_array_find_with_equal_func(paths, path, g_str_equal, NULL))
        g_ptr_array_add(paths, g_steal_pointer(&path));
}

static GPtrArray *
list(const char *directory, bool owners, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) local = NULL;
    g_autoptr(GDir) entries = g_dir_open(directory, 0, &local);
    const char *entry;

    if (!entries && !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT) &&
        !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOTDIR)) {
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, local->message);
        return NULL;
    }
    while (entries && (entry = g_dir_read_name(entries))) {
        if (g_str_has_suffix(entry, ".xml"))
            g_ptr_array_add(paths, g_build_filename(directory, entry, NULL));
        else if (owners)
            add_owner(paths, directory, entry);
    }
    g_ptr_array_sort(paths, compare_names);
    return g_steal_pointer(&paths);
}

GPtrArray *
domain_files_list(const char *directory, GError **error)
{
    return list(directory, false, error);
}

GPtrArray *
domain_files_beside(const char *directory, GError **error)
{
    return list(directory, true, error);
}

struct domain_def *
domain_files_read(const char *path)
{
    size_t length;
    g_autofree char *text = file_read(path, DOMAIN_XML_MAX, &length, NULL, NULL);

    return text ? domain_def_parse(text, length, path, NULL) : NULL;
}
