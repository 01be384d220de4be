/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/record-stale.h"

#include "conf/snapshot-facts.h"

static bool
changes_image(const struct step *step)
{
    return step->kind == STEP_TAKE_TAG || step->kind == STEP_APPLY_TAG ||
           step->kind == STEP_COMMIT || step->kind == STEP_REBASE || step->kind == STEP_RELINK ||
           step->kind == STEP_DELETE_TAG;
}

static void
add_changing(GHashTable *changing, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        struct step *step = g_ptr_array_index(steps, i);

        if (changes_image(step))
            g_hash_table_insert(changing, step->path, step);
    }
}

GHashTable *
record_find_changing(const struct plan *plan)
{
    GHashTable *changing = g_hash_table_new(g_str_hash, g_str_equal);

    add_changing(changing, plan->prepare);
    add_changing(changing, plan->apply);
    return changing;
}

/* The file that holds what IMAGE holds when STEP, which changes it, is done. Free with g_free(). */
static struct frozen_record *
find_file(const struct image *image, const struct step *step)
{
    struct frozen_record *record = g_new0(struct frozen_record, 1);

    for (unsigned depth = step->kind == STEP_COMMIT ? step->depth : 0; depth > 0; depth--)
        image = image->backing;
    record->identity.inode = image->identity.inode;
    record->directory = image->directory;
    return record;
}

GHashTable *
record_find_stale(const struct state *state, const struct snapshot_def *def, GHashTable *changing)
{
    GHashTable *stale = NULL;

    if (!state->frozen || g_hash_table_size(changing) == 0)
        return NULL;
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);
        const struct step *step;

        if (frozen->def != def || !frozen->image)
            continue;
        step = g_hash_table_lookup(changing, frozen->image->path);
        if (!step)
            continue;
        if (!stale)
            stale = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        g_hash_table_insert(stale, frozen->disk->name, find_file(frozen->image, step));
    }
    return stale;
}
