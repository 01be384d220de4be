/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "cli/output.h"

/* "external", "internal", "mixed" or "none": what the disks and the memory of a snapshot are. */
static const char *
location_name(const struct snapshot_def *def)
{
    bool external = def->memory == SNAPSHOT_LOCATION_EXTERNAL;
    bool internal = def->memory == SNAPSHOT_LOCATION_INTERNAL;

    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        external = external || disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL;
        internal = internal || disk->snapshot == SNAPSHOT_LOCATION_INTERNAL;
    }
    if (external && internal)
        return "mixed";
    if (external)
        return "external";
    return internal ? "internal" : "none";
}

static const char *
memory_name(enum snapshot_location memory)
{
    return memory == SNAPSHOT_LOCATION_DEFAULT ? "no" : snapshot_location_format(memory);
}

/* The format of the domain's disk in the snapshot, as libvirt reads a missing one. */
static const char *
domain_format(const struct snapshot_def *def, const char *target)
{
    for (guint i = 0; def->domain && i < def->domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(def->domain->disks, i);

        if (strcmp(disk->target, target) == 0)
            return disk->format ? disk->format : "raw";
    }
    return NULL;
}

static json_t *
json_disk(const struct snapshot_def *def, const struct snapshot_disk *disk)
{
    bool external = disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL;
    bool kept = external || disk->snapshot == SNAPSHOT_LOCATION_INTERNAL;
    const char *format = external ? disk->format : domain_format(def, disk->name);

    return json_pack("{s:o, s:s, s:o, s:o, s:o}", "name", output_json_string(disk->name),
                     "snapshot", snapshot_location_format(disk->snapshot), "format",
                     output_json_string(format), "overlay",
                     output_json_string(external ? disk->source : NULL), "frozen",
                     output_json_string(kept ? snapshot_def_frozen_path(def, disk->name) : NULL));
}

static json_t *
json_children(const struct snapshot_tree *tree, const char *name)
{
    g_autoptr(GPtrArray) children = snapshot_tree_children(tree, name);
    json_t *names = json_array();

    for (guint i = 0; i < children->len; i++) {
        const struct snapshot_def *child = g_ptr_array_index(children, i);

        json_array_append_new(names, output_json_string(child->name));
    }
    return names;
}

static json_t *
json_snapshot(const struct snapshot_tree *tree, const struct snapshot_def *def)
{
    const struct snapshot_def *current = snapshot_tree_current(tree);
    bool is_current = current && strcmp(current->name, def->name) == 0;
    json_t *disks = json_array();

    for (guint i = 0; i < def->disks->len; i++)
        json_array_append_new(disks, json_disk(def, g_ptr_array_index(def->disks, i)));
    return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:I, s:s, s:s, s:o}", "name",
                     output_json_string(def->name), "parent", output_json_string(def->parent),
                     "children", json_children(tree, def->name), "current", is_current, "state",
                     output_json_string(def->state), "description",
                     output_json_string(def->description), "creation_time",
                     (json_int_t)def->creation_time, "location", location_name(def), "memory",
                     memory_name(def->memory), "disks", disks);
}

json_t *
output_snapshots(const struct state *state, const struct snapshot_tree *tree, const GPtrArray *defs)
{
    json_t *snapshots = json_array();

    for (guint i = 0; i < defs->len; i++)
        json_array_append_new(snapshots, json_snapshot(tree, g_ptr_array_index(defs, i)));
    return json_pack("{s:i, s:{s:o, s:o, s:o, s:o}, s:o}", "schema", 1, "domain", "name",
                     output_json_string(state->domain->name), "uuid",
                     output_json_string(state->domain->uuid), "xml",
                     output_json_string(state->location->xml), "store",
                     output_json_string(state->location->store), "snapshots", snapshots);
}

void
output_snapshot(const struct state *state, const struct snapshot_def *def)
{
    g_autoptr(GPtrArray) one = g_ptr_array_new();

    g_ptr_array_add(one, (void *)def);
    output_json(output_snapshots(state, state->snapshots->tree, one));
}
