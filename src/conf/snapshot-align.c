/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-align.h"

#include <string.h>

#include "util/error.h"

/* What the domain says of DISK. Read-only counts as saying no, also to a request without a mode. */
static enum snapshot_location
location_in_domain(const struct domain_disk *disk, enum snapshot_location default_location)
{
    if (disk->snapshot != SNAPSHOT_LOCATION_DEFAULT)
        return disk->snapshot;
    return disk->readonly ? SNAPSHOT_LOCATION_NO : default_location;
}

/* A copy of DISK, a request for DOMAIN_DISK, with nothing left open; or NULL. */
static struct snapshot_disk *
complete_request(const struct snapshot_disk *disk, const struct domain_disk *domain_disk,
                 enum snapshot_location default_location, GError **error)
{
    scoped(snapshot_disk) full = snapshot_disk_copy(disk);

    g_free(full->name);
    full->name = g_strdup(domain_disk->target);
    if (full->snapshot == SNAPSHOT_LOCATION_DEFAULT)
        full->snapshot = location_in_domain(domain_disk, default_location);
    if (full->snapshot == SNAPSHOT_LOCATION_EXTERNAL || !full->has_source)
        return g_steal_pointer(&full);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "disk '%s': a path needs an external snapshot, not '%s'", full->name,
                snapshot_location_format(full->snapshot));
    return NULL;
}

/* Map each domain disk that DEF asks for to its request: REQUESTS borrows both. */
static bool
match_requests(GHashTable *requests, const struct snapshot_def *def,
               const struct domain_def *domain, GError **error)
{
    for (unsigned i = 0; i < def->disks->len; i++) {
        struct snapshot_disk *request = g_ptr_array_index(def->disks, i);
        const struct domain_disk *disk = domain_def_find_disk(domain, request->name, error);

        if (!disk)
            return false;
        if (!g_hash_table_insert(requests, (void *)disk, request)) {
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "disk '%s' is given twice",
                        disk->target);
            return false;
        }
    }
    return true;
}

bool
snapshot_def_align_disks(struct snapshot_def *def, const struct domain_def *domain,
                         enum snapshot_location default_location, GError **error)
{
    g_autoptr(GHashTable) requests = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) disks = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_disk_free);

    if (!match_requests(requests, def, domain, error))
        return false;
    for (unsigned i = 0; i < domain->disks->len; i++) {
        const struct domain_disk *domain_disk = g_ptr_array_index(domain->disks, i);
        const struct snapshot_disk *request = g_hash_table_lookup(requests, domain_disk);
        struct snapshot_disk *disk;

        if (request) {
            disk = complete_request(request, domain_disk, default_location, error);
            if (!disk)
                return false;
        } else {
            disk = snapshot_disk_new(domain_disk->target);
            disk->snapshot = domain_disk->has_source
                                 ? location_in_domain(domain_disk, default_location)
                                 : SNAPSHOT_LOCATION_NO;
        }
        g_ptr_array_add(disks, disk);
    }
    g_ptr_array_unref(def->disks);
    def->disks = g_steal_pointer(&disks);
    return true;
}

/* Where ".suffix" begins in the file name of PATH, or NULL. */
static const char *
find_suffix(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot && !strchr(dot, '/') ? dot : NULL;
}

char *
snapshot_overlay_name(const char *path, const char *name)
{
    const char *suffix = find_suffix(path);
    size_t stem = suffix ? (size_t)(suffix - path) : strlen(path);

    return g_strdup_printf("%.*s.%s", (int)stem, path, name);
}

char *
snapshot_frozen_name(const char *path, const char *name)
{
    const char *suffix = find_suffix(path);

    if (!suffix || suffix == path || suffix[-1] == '/') /* ".name" is no suffix of nothing */
        return g_strdup_printf("%s.%s", path, name);
    return g_strdup_printf("%.*s.%s%s", (int)(suffix - path), path, name, suffix);
}
