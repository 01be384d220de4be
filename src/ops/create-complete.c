/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/create.h"

#include "conf/snapshot-align.h"
#include "ops/create-disk.h"
#include "util/error.h"

/* Default name: local time, as a person would write it. */
static char *
default_name(int64_t now)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(now);

    return g_date_time_format(time, "%Y%m%d-%H%M%S");
}

/* Memory of a domain that is shut off has nothing in it. */
static bool
check_memory(const struct snapshot_def *requested, GError **error)
{
    if (requested->memory == SNAPSHOT_LOCATION_DEFAULT || requested->memory == SNAPSHOT_LOCATION_NO)
        return true;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "a domain that is shut off has no memory to save: leave --memspec (or <memory>) out");
    return false;
}

bool
create_check_name(const struct state *state, const char *name, GError **error)
{
    if (!snapshot_name_check(name, error))
        return false;
    if (!snapshot_tree_find(state->snapshots->tree, name))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "domain '%s' has a snapshot '%s' already: choose another name", state->domain->name,
                name);
    return false;
}

/* The name of an overlay that was not given one. */
static bool
name_overlay(const struct state *state, struct snapshot_disk *disk, const char *snapshot,
             GError **error)
{
    const struct state_disk *mine = state_get_disk(state, disk->name);

    if (mine->def->type == DISK_TYPE_FILE && disk->type == DISK_TYPE_FILE &&
        !(mine->image && mine->image->block)) {
        disk->source = snapshot_overlay_name(mine->def->source, snapshot);
        disk->has_source = true;
        return true;
    }
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
        "disk '%s' is on a block device, so its overlay has no name of its own: give one with "
        "--diskspec %s,file=PATH",
        disk->name, disk->name);
    return false;
}

/* What an aligned disk still lacks. */
static bool
complete_disk(const struct state *state, const struct create_request *request,
              struct snapshot_disk *disk, const char *snapshot, GError **error)
{
    const struct domain_disk *def = state_get_disk(state, disk->name)->def;

    if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL)
        return create_disk_check_definition(def, error);
    if (disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL)
        return true;
    if (disk->type != DISK_TYPE_FILE && disk->type != DISK_TYPE_BLOCK) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s': an overlay can be a file or a block device, not of type '%s'",
                    disk->name, disk_type_format(disk->type));
        return false;
    }
    if (!create_disk_check_definition(def, error))
        return false;
    if (!disk->format)
        disk->format = g_strdup("qcow2");
    if (disk->source || request->keep_filename)
        return true;
    return name_overlay(state, disk, snapshot, error);
}

/* Two overlays must not have one name. */
static bool
check_collisions(const struct snapshot_def *def, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    bool selected = false;

    for (guint i = 0; i < def->disks->len; i++) {
        struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);
        const struct snapshot_disk *other =
            disk->source ? g_hash_table_lookup(seen, disk->source) : NULL;

        selected = selected || disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL ||
                   disk->snapshot == SNAPSHOT_LOCATION_INTERNAL;
        if (other) {
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                        "disks '%s' and '%s' would get the same overlay '%s': name them with "
                        "--diskspec %s,file=PATH",
                        other->name, disk->name, disk->source, disk->name);
            return false;
        }
        if (disk->source)
            g_hash_table_insert(seen, disk->source, disk);
    }
    if (!selected)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "no disk is selected for the snapshot");
    return selected;
}

/* What only makes sense of an overlay must not be ignored where there is none. */
static bool
check_overlay_wanted(const struct create_request *request, const struct snapshot_def *def,
                     GError **error)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        if (disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
            return true;
    }
    if (!request->keep_filename && !request->reuse_external && !request->overlay_options)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "an option about overlays is given, and no disk gets one: add --disk-only");
    return false;
}

struct snapshot_def *
create_complete(const struct state *state, const struct create_request *request, GError **error)
{
    const struct snapshot_def *current = snapshot_tree_current(state->snapshots->tree);
    scoped(snapshot_def) def = snapshot_def_new();

    def->name = request->def->name ? g_strdup(request->def->name) : default_name(state->now);
    def->description = g_strdup(request->def->description);
    def->state = g_strdup("shutoff");
    def->parent = current ? g_strdup(current->name) : NULL;
    def->creation_time = state->now;
    def->memory = SNAPSHOT_LOCATION_NO;
    def->active = true;
    for (guint i = 0; i < request->def->disks->len; i++)
        g_ptr_array_add(def->disks, snapshot_disk_copy(g_ptr_array_index(request->def->disks, i)));
    if (!create_check_name(state, def->name, error) || !check_memory(request->def, error) ||
        !snapshot_def_align_disks(def, state->domain, request->mode, error))
        return NULL;
    for (guint i = 0; i < def->disks->len; i++) {
        if (!complete_disk(state, request, g_ptr_array_index(def->disks, i), def->name, error))
            return NULL;
    }
    if (!check_collisions(def, error) || !check_overlay_wanted(request, def, error))
        return NULL;
    return g_steal_pointer(&def);
}
