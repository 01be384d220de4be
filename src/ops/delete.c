/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/delete.h"

#include <string.h>

#include "image/tags.h"
#include "ops/delete-memory.h"
#include "ops/delete-record.h"
#include "ops/record.h"
#include "util/error.h"

GPtrArray *
delete_selection(const struct state *state, const struct delete_request *request)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    GPtrArray *selection;

    if (request->children || request->children_only)
        selection = snapshot_tree_descendants(tree, request->target->name);
    else
        selection = g_ptr_array_new();
    if (!request->children_only)
        g_ptr_array_insert(selection, 0, (gpointer)request->target);
    return selection;
}

static snapshot_set *
make_set(const GPtrArray *selection)
{
    snapshot_set *set = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < selection->len; i++)
        g_hash_table_add(set, ((struct snapshot_def *)g_ptr_array_index(selection, i))->name);
    return set;
}

/* What cannot be read may be a snapshot that needs any of the images. */
static bool
check_store(const struct state *state, GError **error)
{
    if (state->snapshots->problems->len == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the snapshot store '%s' has entries that are not in order (%s), and it cannot be "
                "told which images they need: mend or remove them, or use --metadata to leave all "
                "images as they are",
                state->snapshots->directory,
                (const char *)g_ptr_array_index(state->snapshots->problems, 0));
    return false;
}

static bool
check_frozen(const struct state *state, snapshot_set *removed, GError **error)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if ((frozen->image && !frozen->error) || !g_hash_table_contains(removed, frozen->def->name))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "snapshot '%s': disk '%s' cannot be deleted, since %s: --metadata forgets the "
                    "snapshot and leaves all images as they are",
                    frozen->def->name, frozen->disk->name,
                    frozen->error ? frozen->error->message : "its image is not known");
        return false;
    }
    return true;
}

/* Of what is left of a delete that libvirt has not finished, only the snapshot whose overlay it was
 * writing into tells. It stays as long as another is kept there.
 */
static bool
check_overwritten(const struct state *state, snapshot_set *removed, GError **error)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);
        const struct snapshot_def *maker = frozen->overwriter;

        if (!maker || !g_hash_table_contains(removed, maker->name) ||
            g_hash_table_contains(removed, frozen->def->name))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "snapshot '%s' has to stay: disk '%s' of snapshot '%s' cannot be used, since "
                    "%s",
                    maker->name, frozen->disk->name, frozen->def->name, frozen->error->message);
        return false;
    }
    return true;
}

/* What lies beside the disks and stays; METADATA: the memory does, as well. */
static void
note_remains(const struct snapshot_def *def, bool metadata, GPtrArray *notes)
{
    if (metadata && def->memory == SNAPSHOT_LOCATION_EXTERNAL)
        g_ptr_array_add(notes, g_strdup_printf("snapshot '%s': its memory stays in '%s': remove "
                                               "the file if nothing needs it",
                                               def->name, def->memory_file));
    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        if (disk->snapshot == SNAPSHOT_LOCATION_MANUAL)
            g_ptr_array_add(notes, g_strdup_printf("snapshot '%s': disk '%s' was to be kept by "
                                                   "hand, and what holds it stays",
                                                   def->name, disk->name));
    }
}

/* How many tags of IMAGE go already; *PLANNED: TAG is one of them. */
static unsigned
count_tags(const struct plan *plan, const struct image *image, const char *tag, bool *planned)
{
    unsigned count = 0;

    *planned = false;
    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->kind != STEP_DELETE_TAG || strcmp(step->path, image->path) != 0)
            continue;
        count++;
        *planned = *planned || strcmp(step->tag, tag) == 0;
    }
    return count;
}

/* Whether the tag NAME is ours alone, and qemu-img can be told to delete it and no other. */
static bool
check_tag(const struct state *state, const struct image *image, const char *name, GError **error)
{
    const GPtrArray *tags = state_get_tags(state, image);
    const char *claim = state_find_claim(state, image, name);
    g_autofree char *shared = claim ? g_strdup_printf("%s is kept in it as well", claim) : NULL;
    const char *why = NULL;

    if (shared)
        why = shared;
    else if (image_tags_count(tags, name) > 1)
        why = "there are several of that name";
    else if (!image_tags_selector(tags, image_tags_find(tags, name), 'd'))
        why = "qemu-img would take its name for the ID of another one";
    else if (!image->writable)
        why = "the image is read-only";
    if (why)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "internal snapshot '%s' of '%s' cannot be deleted: %s; --metadata forgets the "
                    "snapshot and leaves all images as they are",
                    name, image->path, why);
    return why == NULL;
}

/* The tag that FROZEN is stays, since its image is not the one that REPLACED had been. */
static void
note_tag(const struct state_frozen *frozen, const struct state_frozen *replaced, GPtrArray *notes)
{
    g_ptr_array_add(notes,
                    g_strdup_printf("disk '%s': internal snapshot '%s' stays in '%s', which is not "
                                    "the file that snapshot '%s' froze, and may be anybody's",
                                    frozen->disk->name, frozen->def->name, frozen->image->path,
                                    replaced->def->name));
}

/* An image that goes takes its tags along. */
static bool
plan_tag(struct plan *plan, const struct state *state, const struct merges *merges,
         const struct state_frozen *frozen, GPtrArray *notes, GError **error)
{
    const struct image *image = frozen->image;
    const struct step_image_spec spec = {image->path, image->format->qemu, image->block};
    const GPtrArray *tags = state_get_tags(state, image);
    const char *name = frozen->def->name;
    const struct image_tag *tag = image_tags_find(tags, name);
    const struct state_frozen *replaced = usage_find_replaced(state, image);
    struct step *step;
    bool planned;
    unsigned before = count_tags(plan, image, name, &planned);

    if (!tag) {
        g_ptr_array_add(notes,
                        g_strdup_printf("disk '%s': '%s' has no internal snapshot '%s' any more",
                                        frozen->disk->name, image->path, name));
        return true;
    }
    if (planned || merges_remove(merges, image))
        return true;
    if (replaced) {
        note_tag(frozen, replaced, notes);
        return true;
    }
    if (!check_tag(state, image, name, error))
        return false;
    plan_check_exclusive(plan, image->path, &image->identity);
    /* one after the other: each program rewrites the table of the image */
    step = plan_add_delete_tag(plan, RANK_REMOVE + before, &spec, name);
    step->tag_id = g_strdup(tag->id);
    step->tag_date = image_tag_time(tag);
    return true;
}

static bool
plan_tags(struct plan *plan, const struct state *state, snapshot_set *removed,
          const struct merges *merges, GPtrArray *notes, GError **error)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->disk->snapshot == SNAPSHOT_LOCATION_INTERNAL &&
            g_hash_table_contains(removed, frozen->def->name) &&
            !plan_tag(plan, state, merges, frozen, notes, error))
            return false;
    }
    return true;
}

static bool
plan_images(struct plan *plan, const struct state *state, const struct delete_request *request,
            snapshot_set *removed, GPtrArray *notes, GError **error)
{
    scoped(merges) merges = NULL;

    if (!check_store(state, error) || !check_frozen(state, removed, error))
        return false;
    merges = merges_decide(state, removed, request->strategy, notes, error);
    if (!merges || !merges_plan(plan, state, merges, error) ||
        !plan_tags(plan, state, removed, merges, notes, error) ||
        !delete_record_plan(plan, state, removed, merges, error))
        return false;
    delete_memory_plan(plan, state, removed, notes);
    merges_order(plan, merges);
    record_watch(plan, state);
    return true;
}

struct plan *
delete_plan(const struct state *state, const struct delete_request *request, GPtrArray *notes,
            GError **error)
{
    scoped(plan) plan = plan_new("delete", state->domain->name, request->target->name);
    g_autoptr(GPtrArray) selection = delete_selection(state, request);
    snapshot_set *removed = make_set(selection);
    bool fine;

    for (guint i = 0; i < selection->len; i++)
        note_remains(g_ptr_array_index(selection, i), request->metadata, notes);
    fine = check_overwritten(state, removed, error) &&
           (request->metadata ? delete_record_plan_metadata(plan, state, removed, error)
                              : plan_images(plan, state, request, removed, notes, error));
    g_hash_table_unref(removed);
    return fine ? g_steal_pointer(&plan) : NULL;
}
