/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"

#include <string.h>

struct snapshot_disk *
snapshot_disk_new(const char *name)
{
    struct snapshot_disk *disk = g_new0(struct snapshot_disk, 1);

    disk->name = g_strdup(name);
    return disk;
}

struct snapshot_disk *
snapshot_disk_copy(const struct snapshot_disk *disk)
{
    struct snapshot_disk *copy = snapshot_disk_new(disk->name);

    copy->snapshot = disk->snapshot;
    copy->implied = disk->implied;
    copy->type = disk->type;
    copy->type_implied = disk->type_implied;
    copy->format = g_strdup(disk->format);
    copy->source = g_strdup(disk->source);
    copy->has_source = disk->has_source;
    copy->element = g_strdup(disk->element);
    return copy;
}

void
snapshot_disk_free(struct snapshot_disk *disk)
{
    if (!disk)
        return;
    g_free(disk->name);
    g_free(disk->format);
    g_free(disk->source);
    g_free(disk->element);
    g_free(disk);
}

bool
snapshot_disk_is_same(const struct snapshot_disk *a, const struct snapshot_disk *b)
{
    return strcmp(a->name, b->name) == 0 && a->snapshot == b->snapshot && a->type == b->type &&
           g_strcmp0(a->format, b->format) == 0 && g_strcmp0(a->source, b->source) == 0 &&
           a->has_source == b->has_source && g_strcmp0(a->element, b->element) == 0;
}

struct snapshot_def *
snapshot_def_new(void)
{
    struct snapshot_def *def = g_new0(struct snapshot_def, 1);

    def->creation_time = -1;
    def->disks = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_disk_free);
    def->revert_disks = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_disk_free);
    def->unknown = g_ptr_array_new_with_free_func(g_free);
    return def;
}

void
snapshot_def_free(struct snapshot_def *def)
{
    if (!def)
        return;
    g_free(def->name);
    g_free(def->description);
    g_free(def->state);
    g_free(def->parent);
    g_free(def->memory_file);
    g_ptr_array_unref(def->disks);
    g_ptr_array_unref(def->revert_disks);
    domain_def_free(def->domain);
    domain_def_free(def->inactive_domain);
    g_free(def->cookie);
    g_ptr_array_unref(def->unknown);
    g_free(def->document);
    g_free(def);
}

static void
copy_disks(GPtrArray *to, const GPtrArray *from)
{
    for (unsigned i = 0; i < from->len; i++)
        g_ptr_array_add(to, snapshot_disk_copy(g_ptr_array_index(from, i)));
}

struct snapshot_def *
snapshot_def_copy(const struct snapshot_def *def)
{
    struct snapshot_def *copy = snapshot_def_new();

    copy->name = g_strdup(def->name);
    copy->description = g_strdup(def->description);
    copy->state = g_strdup(def->state);
    copy->parent = g_strdup(def->parent);
    copy->creation_time = def->creation_time;
    copy->memory_implied = def->memory_implied;
    copy->memory = def->memory;
    copy->memory_file = g_strdup(def->memory_file);
    copy_disks(copy->disks, def->disks);
    copy_disks(copy->revert_disks, def->revert_disks);
    if (def->domain)
        copy->domain = domain_def_copy(def->domain);
    if (def->inactive_domain)
        copy->inactive_domain = domain_def_copy(def->inactive_domain);
    copy->cookie = g_strdup(def->cookie);
    for (unsigned i = 0; i < def->unknown->len; i++)
        g_ptr_array_add(copy->unknown, g_strdup(g_ptr_array_index(def->unknown, i)));
    copy->has_active = def->has_active;
    copy->active = def->active;
    copy->document = g_strdup(def->document);
    return copy;
}

const struct snapshot_disk *
snapshot_def_find_disk(const struct snapshot_def *def, const char *target)
{
    for (unsigned i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        if (strcmp(disk->name, target) == 0)
            return disk;
    }
    return NULL;
}

const char *
snapshot_def_frozen_path(const struct snapshot_def *def, const char *target)
{
    const struct snapshot_disk *covered = snapshot_def_find_disk(def, target);

    if (!covered || covered->snapshot == SNAPSHOT_LOCATION_NO || !def->domain)
        return NULL;
    for (unsigned i = 0; i < def->domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(def->domain->disks, i);

        if (strcmp(disk->target, target) == 0)
            return disk->source;
    }
    return NULL;
}

enum snapshot_location
snapshot_def_location(const struct snapshot_def *def)
{
    bool internal = def->memory == SNAPSHOT_LOCATION_INTERNAL;

    if (def->memory == SNAPSHOT_LOCATION_EXTERNAL)
        return SNAPSHOT_LOCATION_EXTERNAL;
    for (unsigned i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        if (disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
            return SNAPSHOT_LOCATION_EXTERNAL;
        if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL)
            internal = true;
    }
    return internal ? SNAPSHOT_LOCATION_INTERNAL : SNAPSHOT_LOCATION_NO;
}
