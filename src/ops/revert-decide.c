/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-facts.h"
#include "ops/merge-rules.h"
#include "ops/revert-parts.h"
#include "util/error.h"

void
revert_free(struct revert *revert)
{
    if (!revert)
        return;
    for (guint i = 0; i < revert->disks->len; i++) {
        struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        g_free(disk->path);
        g_free(disk->saved);
    }
    g_array_unref(revert->disks);
    g_hash_table_unref(revert->leaving);
    domain_def_free(revert->text);
    g_free(revert);
}

static bool
kept_names(const struct snapshot_def *def)
{
    g_autofree char *element = def && def->domain ? domain_def_element(def->domain) : NULL;

    return element && snapshot_facts_keep_filename(element);
}

/* The disk of the domain as it is now that is called TARGET, or NULL. */
static const struct state_disk *
find_active(const struct state *state, const char *target)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (strcmp(disk->def->target, target) == 0)
            return disk;
    }
    return NULL;
}

/* Whether all that stands on IMAGE leaves as well. */
static bool
nothing_stays_on(const struct revert *revert, const struct image *image)
{
    g_autoptr(GPtrArray) overlays = usage_overlays(revert->state, image);

    for (guint i = 0; i < overlays->len; i++) {
        if (!g_hash_table_contains(revert->leaving, g_ptr_array_index(overlays, i)))
            return false;
    }
    return state_find_dependents(revert->state, image) == NULL;
}

/* How many disks of the domain have IMAGE as their active one. */
static unsigned
count_active(const struct state *state, const struct image *image)
{
    unsigned count = 0;

    for (guint i = 0; i < state->disks->len; i++)
        count += g_array_index(state->disks, struct state_disk, i).image == image;
    return count;
}

/* Why IMAGE has to stay, or NULL. */
static const char *
find_reason(const struct revert *revert, const struct image *image)
{
    const struct state *state = revert->state;
    const char *obstacle = usage_find_obstacle(state, image);

    if (state->snapshots->problems->len > 0)
        return "the snapshot store is not in order";
    if (!revert->all_known)
        return "not all images of disks and snapshots can be read";
    if (obstacle)
        return obstacle;
    if (usage_find_snapshot(state, image, NULL))
        return "a snapshot needs it";
    if (!usage_is_ours_while_active(state, image))
        return "no snapshot made it";
    if (!nothing_stays_on(revert, image))
        return "other images stand on it";
    return count_active(state, image) > 1 ? "another disk has it, too" : NULL;
}

bool
revert_can_leave(const struct revert *revert, const struct image *image)
{
    return !find_reason(revert, image);
}

/* Whether the definition that comes back has the disk: one that was plugged into a running VM may
 * be missing there.
 */
static bool
is_defined(const struct revert *revert, const struct snapshot_disk *disk)
{
    const struct snapshot_def *target = revert->request->target;
    const struct domain_def *then =
        target->inactive_domain ? target->inactive_domain : target->domain;

    for (guint i = 0; i < then->disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(then->disks, i);

        if (strcmp(def->target, disk->name) == 0)
            return true;
    }
    return false;
}

static void
note_disk(const struct revert *revert, const struct snapshot_disk *disk, const char *what)
{
    if (revert->notes)
        g_ptr_array_add(revert->notes, g_strdup_printf("disk '%s' of snapshot '%s' %s", disk->name,
                                                       revert->request->target->name, what));
}

static bool
add_disk(struct revert *revert, const struct snapshot_disk *def, GError **error)
{
    const char *name = revert->request->target->name;
    const struct state_frozen *frozen = state_find_frozen(revert->state, name, def->name);
    struct revert_disk disk = {.frozen = frozen};

    if (frozen->error) {
        g_propagate_prefixed_error(error, g_error_copy(frozen->error),
                                   "disk '%s' of snapshot '%s': ", def->name, name);
        return false;
    }
    if (frozen->record == STATE_RECORD_OTHER)
        note_disk(
            revert, def,
            "is in another file than the one that was frozen under that name: look at what it "
            "holds before you rely on it");
    disk.active = find_active(revert->state, def->name);
    /* what the domain has as another format than it is would be given the wrong one */
    if (disk.active && disk.active->error && disk.active->image) {
        g_propagate_prefixed_error(error, g_error_copy(disk.active->error),
                                   "disk '%s' of the domain: ", def->name);
        return false;
    }
    disk.how = def->snapshot == SNAPSHOT_LOCATION_INTERNAL ? REVERT_TAG : REVERT_ANEW;
    if (disk.how == REVERT_TAG) {
        disk.path = g_strdup(frozen->path);
        disk.format = frozen->image->format;
    }
    g_array_append_val(revert->disks, disk);
    return true;
}

static bool
add_disks(struct revert *revert, GError **error)
{
    const GPtrArray *disks = revert->request->target->disks;

    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *def = g_ptr_array_index(disks, i);

        if (def->snapshot == SNAPSHOT_LOCATION_MANUAL)
            note_disk(revert, def, "was left to you: put its state back by hand");
        if (def->snapshot != SNAPSHOT_LOCATION_EXTERNAL &&
            def->snapshot != SNAPSHOT_LOCATION_INTERNAL)
            continue;
        if (!is_defined(revert, def))
            note_disk(revert, def, "is not in the definition that comes back, and stays as it is");
        else if (!add_disk(revert, def, error))
            return false;
    }
    return true;
}

struct revert *
revert_begin(const struct state *state, const struct revert_request *request, GPtrArray *notes,
             GError **error)
{
    scoped(revert) revert = g_new0(struct revert, 1);

    revert->state = state;
    revert->request = request;
    revert->notes = notes;
    revert->disks = g_array_new(FALSE, TRUE, sizeof(struct revert_disk));
    revert->leaving = g_hash_table_new(NULL, NULL);
    revert->all_known = merge_rules_state_known(state, NULL);
    revert->target_keeps_names = kept_names(request->target);
    revert->keeps_names =
        revert->target_keeps_names || kept_names(snapshot_tree_current(state->snapshots->tree));
    if (!add_disks(revert, error) || !revert_name_overlays(revert, error))
        return NULL;
    return g_steal_pointer(&revert);
}

bool
revert_leaves_unnamed(const struct revert *revert, const struct revert_disk *disk)
{
    const struct image *image = disk->active ? disk->active->image : NULL;

    return image && image != disk->frozen->image && disk->how != REVERT_IN_PLACE && !image->block &&
           state_get_tags(revert->state, image)->len > 0 &&
           usage_is_ours_while_active(revert->state, image);
}

/* Layers without a name that nothing stands on any more go with what stood on them. */
static void
find_leaving_layers(struct revert *revert, const struct image *image)
{
    for (; image && state_is_layer(revert->state, image); image = image->backing) {
        if (usage_find_obstacle(revert->state, image) ||
            usage_find_snapshot(revert->state, image, NULL) || !nothing_stays_on(revert, image) ||
            count_active(revert->state, image) > 0)
            return;
        g_hash_table_add(revert->leaving, (gpointer)image);
    }
}

/* Say of the image that DISK had why it is still there. */
static void
note_staying(const struct revert *revert, const struct revert_disk *disk, const struct image *image)
{
    const char *reason = find_reason(revert, image);

    if (!revert->notes || revert->request->save_as || image == disk->frozen->image ||
        g_hash_table_contains(revert->leaving, image) ||
        usage_find_snapshot(revert->state, image, NULL) || !reason)
        return;
    g_ptr_array_add(revert->notes, g_strdup_printf("image '%s', which disk '%s' had, is kept: %s",
                                                   image->path, disk->frozen->disk->name, reason));
}

static const struct image *
active_image(const struct revert *revert, guint index)
{
    const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, index);

    return disk->active ? disk->active->image : NULL;
}

void
revert_find_leaving(struct revert *revert)
{
    guint count = revert->disks->len;

    for (guint i = 0; i < count && !revert->request->save_as; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);
        const struct image *image = active_image(revert, i);

        if (image && image != disk->frozen->image && revert_can_leave(revert, image))
            g_hash_table_add(revert->leaving, (gpointer)image);
    }
    for (guint i = 0; i < count; i++) {
        const struct image *image = active_image(revert, i);

        if (!image)
            continue;
        note_staying(revert, &g_array_index(revert->disks, struct revert_disk, i), image);
        if (g_hash_table_contains(revert->leaving, image))
            find_leaving_layers(revert, image->backing);
    }
}
