/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/record.h"

#include <string.h>

#include "ops/record-stale.h"
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

static bool
makes_directory(const struct plan *plan, const char *path)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(plan->prepare, i);

        if (step->kind == STEP_MAKE_DIRECTORY && strcmp(step->path, path) == 0)
            return true;
    }
    return false;
}

static void
plan_store_directory(struct plan *plan, const struct state *state)
{
    if (state->snapshots->exists)
        plan_check_install(plan, state->snapshots->directory);
    for (guint i = 0; i < state->missing->len; i++) {
        const char *path = g_ptr_array_index(state->missing, i);

        if (!makes_directory(plan, path))
            plan_add_make_directory(plan, RANK_DIRECTORIES, path);
    }
}

/* What RECORD means for every stored snapshot. */
struct rewrite {
    const struct record *record;
    const char *current;  /* the snapshot that is it afterwards; NULL: none */
    bool set_current;     /* whether CURRENT counts */
    GArray *moves;        /* of struct snapshot_def_move */
    GHashTable *changing; /* path of an image -> struct step that changes it */
};

static GArray *
collect_moves(GHashTable *moved)
{
    GArray *moves = g_array_new(FALSE, FALSE, sizeof(struct snapshot_def_move));
    GHashTableIter iter;
    gpointer path;
    gpointer value;

    if (!moved)
        return moves;
    g_hash_table_iter_init(&iter, moved);
    while (g_hash_table_iter_next(&iter, &path, &value)) {
        const struct record_place *place = value;
        struct snapshot_def_move move = {path, place->path, place->format, place->set_type,
                                         place->type};

        g_array_append_val(moves, move);
    }
    return moves;
}

/* What happens to STORED; DEF is what is to be recorded in its place, or NULL. */
static struct snapshot_def_change
change_of(const struct rewrite *rewrite, const struct snapshot_def *stored,
          const struct snapshot_def *def)
{
    struct snapshot_def_change change = {
        .active = -1,
        .moves = (const struct snapshot_def_move *)rewrite->moves->data,
        .move_count = rewrite->moves->len,
        .merged = rewrite->record->merged,
    };
    GHashTable *parents = rewrite->record->parents;
    bool active = def ? def->active : stored->active;
    gpointer parent = def ? def->parent : stored->parent;

    if (rewrite->set_current)
        active = g_strcmp0(rewrite->current, stored->name) == 0;
    if (active != stored->active)
        change.active = active;
    change.drop_revert_disks = stored->active && !active;
    if (parents && g_hash_table_contains(parents, stored->name))
        parent = g_hash_table_lookup(parents, stored->name);
    change.set_parent = g_strcmp0(parent, stored->parent) != 0;
    change.parent = parent;
    if (def) {
        change.disks = def->disks;
        change.revert_disks = def->revert_disks;
    }
    return change;
}

/* Nothing is read again that does not change, since there may be very many. */
static bool
changes_nothing(const struct snapshot_def_change *change)
{
    return change->active < 0 && !change->set_parent && !change->drop_revert_disks &&
           !change->disks && !change->revert_disks && change->move_count == 0 && !change->merged &&
           !change->refiled;
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

/* Plan that the stored file of DEF goes. */
static void
plan_remove_stored(struct plan *plan, const struct state *state, const struct snapshot_def *def)
{
    const struct snapshot_file *file = snapshot_store_find_file(state->snapshots, def->name);
    struct step *step;

    plan_check_unchanged(plan, file->path, &file->identity);
    step = plan_add_unlink(plan, RANK_SNAPSHOTS, file->path);
    step->old = file->identity;
    step->yields = true;
}

/* Plan a file for DEF, which is not there yet, or not as it is in the user's document. */
static bool
plan_whole_file(struct plan *plan, const struct state *state, const struct snapshot_def *def,
                const struct snapshot_def *stored, GError **error)
{
    g_autofree char *path = snapshot_store_path(state->snapshots, def->name);
    g_autofree char *stage = stage_name(state, plan, path);
    g_autofree char *text = snapshot_def_format(def, true, error);

    if (!text)
        return false;
    if (stored) {
        plan_replace_stored(plan, state, stored, text);
        return true;
    }
    if (state->snapshots->exists)
        plan_check_absent(plan, path);
    plan_add_stage_file(plan, RANK_MAKE, stage, text, NULL);
    plan_add_install(plan, RANK_SNAPSHOTS, stage, path);
    return true;
}

/* Plan what becomes of STORED. */
static bool
plan_stored(struct plan *plan, const struct state *state, const struct rewrite *rewrite,
            const struct snapshot_def *stored, GError **error)
{
    const struct record *record = rewrite->record;
    const struct snapshot_def *def =
        record->def && strcmp(record->def->name, stored->name) == 0 ? record->def : NULL;
    g_autoptr(GHashTable) stale = record_find_stale(state, stored, rewrite->changing);
    struct snapshot_def_change change;
    g_autofree char *text = NULL;

    if (def && g_strcmp0(def->document, stored->document) != 0)
        return plan_whole_file(plan, state, def, stored, error);
    change = change_of(rewrite, stored, def);
    change.refiled = stale;
    if (changes_nothing(&change))
        return true;
    text = snapshot_def_rewrite(stored, &change, error);
    if (!text)
        return false;
    if (strcmp(text, stored->document) != 0)
        plan_replace_stored(plan, state, stored, text);
    return true;
}

/* Plan what becomes of all that is in the store: first what stays, then what goes. */
static bool
plan_store(struct plan *plan, const struct state *state, const struct rewrite *rewrite,
           GError **error)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    g_autoptr(GPtrArray) removed = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++) {
        struct snapshot_def *stored = g_ptr_array_index(all, i);
        GHashTable *names = rewrite->record->removed;

        if (names && g_hash_table_contains(names, stored->name))
            g_ptr_array_add(removed, stored);
        else if (!plan_stored(plan, state, rewrite, stored, error))
            return false;
    }
    for (guint i = 0; i < removed->len; i++)
        plan_remove_stored(plan, state, g_ptr_array_index(removed, i));
    return true;
}

bool
record_snapshots(struct plan *plan, const struct state *state, const struct record *record,
                 GError **error)
{
    const struct snapshot_def *def = record->def;
    g_autoptr(GArray) moves = collect_moves(record->moved);
    g_autoptr(GHashTable) changing = record_find_changing(plan);
    bool becomes_current = def && def->active;
    const struct rewrite rewrite = {
        .record = record,
        .current = becomes_current ? def->name : record->current,
        .set_current = becomes_current || record->set_current,
        .moves = moves,
        .changing = changing,
    };

    g_return_val_if_fail(!def || record->replace == (snapshot_tree_find(state->snapshots->tree,
                                                                        def->name) != NULL),
                         false);
    if (def || state->snapshots->exists)
        plan_store_directory(plan, state);
    if (!plan_store(plan, state, &rewrite, error))
        return false;
    return !def || record->replace || plan_whole_file(plan, state, def, NULL, error);
}

/* A file that is renamed over the domain XML leaves its other names behind, with the old images as
 * the disks.
 */
static bool
check_one_name(const struct state *state, GError **error)
{
    if (state->domain_is_symlink)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the domain XML '%s' is a symbolic link: name the file itself",
                    state->location->xml);
    else if (state->domain_links > 1)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the domain XML '%s' has further names (hard links), which would go on naming "
                    "the images of now: remove them, or put a copy of the file in its place",
                    state->location->xml);
    else
        return true;
    return false;
}

bool
record_domain(struct plan *plan, const struct state *state, const char *text, GError **error)
{
    const char *path = state->location->xml;
    g_autofree char *stage = record_temporary_name(state, plan, path);
    struct step *replace;

    if (!check_one_name(state, error))
        return false;
    plan_check_unchanged(plan, path, &state->domain_identity);
    plan_add_stage_file(plan, RANK_MAKE, stage, text, path);
    replace = plan_add_replace(plan, RANK_DOMAIN, stage, path, &state->domain_identity);
    replace->digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, state->domain->document, -1);
    return true;
}

bool
record_disks(struct plan *plan, const struct state *state, const GArray *changes, GError **error)
{
    g_autofree char *text = NULL;

    if (changes->len == 0)
        return true;
    text = domain_def_rewrite(state->domain, (const struct domain_disk_change *)changes->data,
                              changes->len, false, error);
    return text && record_domain(plan, state, text, error);
}

void
record_watch(struct plan *plan, const struct state *state)
{
    g_autoptr(GList) all =
        g_list_sort(g_hash_table_get_keys(state->searched), (GCompareFunc)strcmp);

    g_autofree char *definitions = g_path_get_dirname(state->location->xml);

    plan->watched = state->loaded;
    plan_know_file(plan, &state->domain_identity);
    plan_watch_directory(plan, definitions);
    for (GList *directory = all; directory; directory = directory->next)
        plan_watch_directory(plan, directory->data);
}

void
record_removal(struct plan *plan, const char *path, const struct file_identity *identity)
{
    struct step *step = plan_add_unlink(plan, RANK_REMOVE, path);

    step->old = *identity;
    step->guarded = true;
}
