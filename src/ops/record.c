/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/record.h"

#include <string.h>

#include "util/error.h"

char *
record_temporary_name(const struct state *state, const struct plan *plan, const char *path)
{
    g_autofree char *token = g_strdup_printf("%s%u", state->token, plan->prepare->len);

    return file_temporary_name(path, token);
}

/* A temporary name for what will be PATH in the store: beside the store's directory, never in it,
 * since libvirt reads every entry there.
 */
static char *
stage_name(const struct state *state, const struct plan *plan, const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *beside = g_strconcat(state->snapshots->directory, ".", name, NULL);

    return record_temporary_name(state, plan, beside);
}

static void
plan_store_directory(struct plan *plan, const struct state *state)
{
    if (state->snapshots->exists)
        plan_check_install(plan, state->snapshots->directory);
    for (guint i = 0; i < state->missing->len; i++)
        plan_add_make_directory(plan, RANK_DIRECTORIES, g_ptr_array_index(state->missing, i));
}

/* The stored text of DEF after all that happens to it: no longer current (when CLEAR_ACTIVE), and
 * its images renamed. NULL without an error when nothing does.
 */
static char *
rewrite_stored(const struct snapshot_def *def, bool clear_active, GHashTable *renames,
               GError **error)
{
    struct snapshot_def_change change = {.active = clear_active ? 0 : -1};
    g_autofree char *text = NULL;
    GHashTableIter iter;
    gpointer path;
    gpointer new_path;

    if (clear_active) {
        text = snapshot_def_rewrite(def, &change, error);
        if (!text)
            return NULL;
    }
    change.active = -1;
    g_hash_table_iter_init(&iter, renames);
    while (g_hash_table_iter_next(&iter, &path, &new_path)) {
        scoped(snapshot_def) again = NULL;

        if (!snapshot_def_names_path(def, path))
            continue;
        change.path = path;
        change.new_path = new_path;
        if (text) {
            again = snapshot_def_parse(text, strlen(text), def->name, SNAPSHOT_DEF_STORED, error);
            if (!again)
                return NULL;
            g_free(g_steal_pointer(&text));
        }
        text = snapshot_def_rewrite(again ? again : def, &change, error);
        if (!text)
            return NULL;
    }
    return g_steal_pointer(&text);
}

/* Plan to replace the stored file of one other snapshot. */
static void
plan_replace_stored(struct plan *plan, const struct state *state, const struct snapshot_def *def,
                    const char *text)
{
    const struct snapshot_file *file = snapshot_store_find_file(state->snapshots, def->name);
    g_autofree char *stage = stage_name(state, plan, file->path);

    plan_check_unchanged(plan, file->path, &file->identity);
    plan_add_stage_file(plan, RANK_MAKE, stage, text, NULL);
    plan_add_replace(plan, RANK_SNAPSHOTS, stage, file->path, &file->identity)->yields = true;
}

/* Plan the new file of DEF itself. */
static bool
plan_own_file(struct plan *plan, const struct state *state, const struct snapshot_def *def,
              bool replace, GError **error)
{
    const struct snapshot_file *file = snapshot_store_find_file(state->snapshots, def->name);
    g_autofree char *path = snapshot_store_path(state->snapshots, def->name);
    g_autofree char *stage = stage_name(state, plan, path);
    g_autofree char *text = snapshot_def_format(def, true, error);

    if (!text)
        return false;
    if (file && replace) {
        plan_replace_stored(plan, state, def, text);
        return true;
    }
    if (state->snapshots->exists)
        plan_check_absent(plan, path);
    plan_add_stage_file(plan, RANK_MAKE, stage, text, NULL);
    plan_add_install(plan, RANK_SNAPSHOTS, stage, path);
    return true;
}

bool
record_snapshot(struct plan *plan, const struct state *state, const struct snapshot_def *def,
                bool replace, GHashTable *renames, GError **error)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);

    if (def || state->snapshots->exists)
        plan_store_directory(plan, state);
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *other = g_ptr_array_index(all, i);
        g_autoptr(GError) local = NULL;
        g_autofree char *text = NULL;

        if (def && strcmp(other->name, def->name) == 0)
            continue;
        text = rewrite_stored(other, def && def->active && other->active, renames ? renames : none,
                              &local);
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        if (text)
            plan_replace_stored(plan, state, other, text);
    }
    return !def || plan_own_file(plan, state, def, replace, error);
}

void
record_domain(struct plan *plan, const struct state *state, const char *text)
{
    const char *path = state->location->xml;
    g_autofree char *stage = record_temporary_name(state, plan, path);

    plan_check_unchanged(plan, path, &state->domain_identity);
    plan_add_stage_file(plan, RANK_MAKE, stage, text, path);
    plan_add_replace(plan, RANK_DOMAIN, stage, path, &state->domain_identity);
}
