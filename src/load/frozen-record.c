/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/frozen-record.h"

#include <string.h>

#include "conf/snapshot-facts.h"
#include "util/error.h"

/* The image of the graph that IDENTITY, inode, size and time, is of. */
static const struct image *
find_unchanged(const struct state *state, const struct file_identity *identity)
{
    g_autoptr(GPtrArray) all = image_graph_all(state->graph);

    for (guint i = 0; i < all->len; i++) {
        const struct image *image = g_ptr_array_index(all, i);

        if (image->identity.inode == identity->inode && image->identity.size == identity->size &&
            image->identity.mtime == identity->mtime)
            return image;
    }
    return NULL;
}

static void
check_frozen(const struct state *state, struct state_frozen *frozen, GHashTable *facts)
{
    const struct frozen_record *then = g_hash_table_lookup(facts, frozen->disk->name);
    const struct image *image = frozen->image;
    const struct image *other;

    /* the node of a device is made anew when the host starts */
    if (!then || image->block)
        return;
    other = image->identity.inode != then->identity.inode ? find_unchanged(state, &then->identity)
                                                          : NULL;
    if (other)
        g_set_error(&frozen->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "its state is in '%s', not in '%s', which the snapshot names since virsh "
                    "forgot its parent: correct the source in its <domain> with `offshot create "
                    "--redefine`",
                    other->path, frozen->path);
    else if (snapshot_facts_match(then, &image->identity))
        frozen->record = STATE_RECORD_SAME;
    else if (snapshot_facts_exclude(then, image->directory))
        frozen->record = STATE_RECORD_OTHER;
}

void
state_check_records(const struct state *state)
{
    const struct snapshot_def *def = NULL;
    g_autoptr(GHashTable) facts = NULL;

    for (guint i = 0; i < state->frozen->len; i++) {
        struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->error || !frozen->image || frozen->disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL)
            continue;
        if (frozen->def != def) {
            g_autofree char *element = domain_def_element(frozen->def->domain);

            def = frozen->def;
            g_clear_pointer(&facts, g_hash_table_unref);
            facts = snapshot_facts_frozen(element);
        }
        check_frozen(state, frozen, facts);
    }
}
