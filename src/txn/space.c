/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/space.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "util/error.h"

/* From st_dev to the bytes asked for so far, both allocated. */
GHashTable *
space_new(void)
{
    return g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
}

static uint64_t
add_up(GHashTable *space, dev_t device, uint64_t bytes)
{
    gint64 key = (gint64)device;
    uint64_t *sum = g_hash_table_lookup(space, &key);

    if (!sum) {
        gint64 *kept = g_new(gint64, 1);

        *kept = key;
        sum = g_new0(uint64_t, 1);
        g_hash_table_insert(space, kept, sum);
    }
    *sum = bytes > UINT64_MAX - *sum ? UINT64_MAX : *sum + bytes;
    return *sum;
}

bool
space_ask(GHashTable *space, const char *directory, uint64_t bytes, GError **error)
{
    struct statvfs fs;
    struct stat st;
    uint64_t available;
    uint64_t needed;

    if (statvfs(directory, &fs) < 0 || stat(directory, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot look at '%s'", directory);
        return false;
    }
    available = (uint64_t)fs.f_bavail * fs.f_frsize;
    needed = add_up(space, st.st_dev, bytes);
    if (available >= needed)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NO_SPACE,
                "'%s' has %" G_GUINT64_FORMAT " bytes free and %" G_GUINT64_FORMAT " are needed",
                directory, available, needed);
    return false;
}
