/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/neighbours.h"

#include <string.h>

#include "load/domain-files.h"

void
state_neighbour_free(struct state_neighbour *neighbour)
{
    g_free(neighbour->domain);
    g_free(neighbour->xml);
    g_free(neighbour->target);
    g_free(neighbour->path);
    storage_free(neighbour->storage);
    g_free(neighbour);
}

static void
note_disk(struct state *state, const struct domain_def *domain, const char *xml,
          const struct domain_disk *disk)
{
    struct state_neighbour *neighbour;
    struct stat st;

    if ((disk->type != DISK_TYPE_FILE && disk->type != DISK_TYPE_BLOCK) || !disk->source ||
        !g_path_is_absolute(disk->source))
        return;
    neighbour = g_new0(struct state_neighbour, 1);
    neighbour->domain = g_strdup(domain->name);
    neighbour->xml = g_strdup(xml);
    neighbour->target = g_strdup(disk->target);
    neighbour->path = g_strdup(disk->source);
    neighbour->writes = !disk->readonly && !disk->transient;
    neighbour->storage = stat(disk->source, &st) == 0 ? storage_new(&st) : NULL;
    g_ptr_array_add(state->neighbours, neighbour);
}

static void
note_domain(struct state *state, const char *xml)
{
    scoped(domain_def) domain = domain_files_read(xml);

    if (!domain || domain_def_is_same_domain(state->domain, domain))
        return;
    for (guint i = 0; i < domain->disks->len; i++)
        note_disk(state, domain, xml, g_ptr_array_index(domain->disks, i));
}

static void
note_writers(struct state *state, const struct image *image)
{
    scoped(storage) storage = NULL;
    struct stat st;

    if (!image || state->neighbours->len == 0 || stat(image->path, &st) < 0)
        return;
    storage = storage_new(&st);
    for (guint i = 0; i < state->neighbours->len; i++) {
        struct state_neighbour *neighbour = g_ptr_array_index(state->neighbours, i);

        if (!neighbour->writes || !neighbour->storage ||
            !storage_overlaps(storage, neighbour->storage))
            continue;
        g_hash_table_insert(state->writers, (gpointer)image, neighbour);
        return;
    }
}

void
state_load_neighbours(struct state *state)
{
    g_autofree char *directory = g_path_get_dirname(state->location->xml);
    g_autoptr(GPtrArray) paths = domain_files_beside(directory, NULL);

    state->neighbours =
        g_ptr_array_new_with_free_func((GDestroyNotify)(gpointer)state_neighbour_free);
    state->writers = g_hash_table_new(NULL, NULL);
    for (guint i = 0; paths && i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);

        if (strcmp(path, state->location->xml) != 0)
            note_domain(state, path);
    }
    for (guint i = 0; i < state->disks->len; i++)
        note_writers(state, g_array_index(state->disks, struct state_disk, i).image);
}

const struct state_neighbour *
state_find_writer(const struct state *state, const struct image *image)
{
    return state->writers ? g_hash_table_lookup(state->writers, image) : NULL;
}
