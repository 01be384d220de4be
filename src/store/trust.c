/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/trust.h"

#include "util/error.h"
#include "util/owner.h"

/* What is not there cannot lead us astray. */
static bool
check_path(const char *path, GError **error)
{
    struct stat st;

    return stat(path, &st) < 0 || owner_check(path, &st, error);
}

/* Whether nobody but the owner of a file can put another in its place. */
static bool
check_directory(const char *file, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(file);
    struct stat st;

    if (stat(directory, &st) < 0 || (st.st_mode & (S_IWOTH | S_ISVTX)) != S_IWOTH)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "everybody may replace '%s' in directory '%s': chmod the directory", file,
                directory);
    return false;
}

bool
store_check_trust(const struct domain_location *location, const struct snapshot_store *store,
                  GError **error)
{
    GHashTableIter iter;
    gpointer file;

    if (!check_path(location->xml, error) || !check_directory(location->xml, error) ||
        !check_path(store->directory, error))
        return false;
    g_hash_table_iter_init(&iter, store->files);
    while (g_hash_table_iter_next(&iter, NULL, &file)) {
        if (!check_path(((const struct snapshot_file *)file)->path, error))
            return false;
    }
    return true;
}
