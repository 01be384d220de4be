/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/revert.h"

#include <string.h>

#include "ops/record.h"
#include "ops/revert-parts.h"
#include "util/error.h"

/* Whether THEN is a definition of the domain NOW, which may have been renamed since: that keeps the
 * uuid. Who has none goes by the name.
 */
static bool
is_of_domain(const struct domain_def *then, const struct domain_def *now)
{
    if (then->uuid && now->uuid)
        return strcmp(then->uuid, now->uuid) == 0;
    return strcmp(then->name, now->name) == 0;
}

/* What cannot be gone back to without a running QEMU, or not by us. */
static bool
check_target(const struct state *state, const struct snapshot_def *target, GError **error)
{
    const struct domain_def *domain =
        target->inactive_domain ? target->inactive_domain : target->domain;

    if (target->memory == SNAPSHOT_LOCATION_INTERNAL ||
        target->memory == SNAPSHOT_LOCATION_EXTERNAL) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "snapshot '%s' holds the memory of a running VM, and without it a guest would "
                    "find its disks as they are in the middle of its work: `virsh snapshot-revert` "
                    "starts the VM with its memory, `offshot extract` copies the disks",
                    target->name);
        return false;
    }
    if (!domain) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "snapshot '%s' does not hold the definition of its domain", target->name);
        return false;
    }
    if (is_of_domain(domain, state->domain))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "snapshot '%s' is of a domain with another %s", target->name,
                domain->uuid && state->domain->uuid ? "uuid" : "name");
    return false;
}

static bool
check_state(const struct state *state, GError **error)
{
    if (!state->domain_is_symlink)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the domain XML '%s' is a symbolic link: name the file itself",
                state->location->xml);
    return false;
}

GPtrArray *
revert_overlay_names(const struct state *state, const struct revert_request *request)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    scoped(revert) revert = revert_begin(state, request, NULL, NULL);

    for (guint i = 0; revert && i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (disk->how == REVERT_ANEW)
            g_ptr_array_add(names, g_strdup(disk->path));
    }
    return names;
}

/* What cannot be read of the store may need any image, under the name that it has. */
static bool
check_store(const struct revert *revert, GError **error)
{
    const struct snapshot_store *store = revert->state->snapshots;

    if (store->problems->len == 0)
        return true;
    if (revert->request->save_as && revert->keeps_names) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the snapshot store '%s' has entries that are not in order (%s), and in a tree "
                    "of --keep-filename they might have to follow an image that --save-as renames",
                    store->directory, (const char *)g_ptr_array_index(store->problems, 0));
        return false;
    }
    g_ptr_array_add(revert->notes,
                    g_strdup_printf("the snapshot store '%s' has entries that are not in order and "
                                    "may need any image, so none is removed",
                                    store->directory));
    return true;
}

static bool
plan_disks(struct plan *plan, const struct revert *revert, GError **error)
{
    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);
        bool fine = disk->how == REVERT_TAG ? revert_tag_plan(plan, revert, disk, error)
                                            : revert_disk_plan(plan, revert, disk, error);

        if (fine)
            continue;
        g_prefix_error(error, "disk '%s': ", disk->frozen->disk->name);
        return false;
    }
    return true;
}

static struct snapshot_disk *
new_overlay(const struct revert_disk *disk)
{
    struct snapshot_disk *overlay = snapshot_disk_new(disk->frozen->disk->name);

    overlay->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
    overlay->type = DISK_TYPE_FILE;
    overlay->format = g_strdup(disk->format->libvirt);
    overlay->source = g_strdup(disk->path);
    overlay->has_source = true;
    return overlay;
}

/* Put OVERLAY in the place of the disk of that name, or at the end. */
static void
set_disk(GPtrArray *disks, struct snapshot_disk *overlay)
{
    for (guint i = 0; i < disks->len; i++) {
        struct snapshot_disk *old = g_ptr_array_index(disks, i);

        if (strcmp(old->name, overlay->name) != 0)
            continue;
        snapshot_disk_free(old);
        disks->pdata[i] = overlay;
        return;
    }
    g_ptr_array_add(disks, overlay);
}

static bool
list_names(const GPtrArray *disks, const struct revert_disk *disk)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *overlay = g_ptr_array_index(disks, i);

        if (strcmp(overlay->name, disk->frozen->disk->name) == 0 &&
            g_strcmp0(overlay->source, disk->path) == 0)
            return true;
    }
    return false;
}

/* Whether the snapshot names the overlay already, since it only takes the place of an older one. */
static bool
names_overlay(const struct snapshot_def *def, const struct revert_disk *disk)
{
    return list_names(def->disks, disk) || list_names(def->revert_disks, disk);
}

/* As libvirt does: the overlays are those of the snapshot itself while it has no children, and else
 * listed apart. A snapshot that --save-as makes is a child of the current one.
 */
static void
note_overlays(struct snapshot_def *def, const struct revert *revert)
{
    const struct snapshot_tree *tree = revert->state->snapshots->tree;
    g_autoptr(GPtrArray) children = snapshot_tree_children(tree, def->name);
    bool apart = children->len > 0 || (revert->request->save_as &&
                                       snapshot_tree_current(tree) == revert->request->target);

    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (disk->how == REVERT_TAG || disk->saved || names_overlay(def, disk))
            continue;
        set_disk(apart ? def->revert_disks : def->disks, new_overlay(disk));
    }
}

static void
add_move(GHashTable *moved, char *from, const char *to)
{
    struct record_place *place = g_new0(struct record_place, 1);

    place->path = to;
    g_hash_table_insert(moved, from, place);
}

/* The image PATH is called SAVED from now on, however a stored snapshot spells its name. */
static void
add_moves(GHashTable *moved, const struct state *state, char *path, const char *saved)
{
    GHashTableIter iter;
    gpointer alias;
    gpointer image;

    add_move(moved, path, saved);
    g_hash_table_iter_init(&iter, state->aliases);
    while (g_hash_table_iter_next(&iter, &alias, &image)) {
        if (strcmp(image, path) == 0)
            add_move(moved, alias, saved);
    }
}

/* Plan the snapshots: the target becomes current, and names its new overlays. */
static bool
plan_snapshots(struct plan *plan, const struct revert *revert, GError **error)
{
    const struct snapshot_def *target = revert->request->target;
    scoped(snapshot_def) def = snapshot_def_copy(target);
    g_autoptr(GHashTable) moved = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    struct record record = {.def = def, .replace = true, .moved = moved};

    def->active = true;
    note_overlays(def, revert);
    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (disk->saved)
            add_moves(moved, revert->state, disk->active->image->path, disk->saved);
    }
    return record_snapshots(plan, revert->state, &record, error);
}

static void
count_discarded(const struct revert *revert, struct revert_report *report)
{
    GHashTableIter iter;
    gpointer image;

    report->discarded = 0;
    g_hash_table_iter_init(&iter, revert->leaving);
    while (g_hash_table_iter_next(&iter, &image, NULL))
        report->discarded += ((const struct image *)image)->allocated;
}

struct plan *
revert_plan(const struct state *state, const struct revert_request *request,
            struct revert_report *report, GPtrArray *notes, GError **error)
{
    scoped(plan) plan = plan_new("revert", state->domain->name, request->target->name);
    scoped(revert) revert = NULL;

    if (!check_state(state, error) || !check_target(state, request->target, error))
        return NULL;
    revert = revert_begin(state, request, notes, error);
    if (!revert || !revert_check_unheld(revert, error) || !check_store(revert, error))
        return NULL;
    revert_find_leaving(revert);
    if ((request->save_as && !revert_save_plan(plan, revert, error)) ||
        !plan_disks(plan, revert, error) || !revert_domain_plan(plan, revert, error) ||
        !plan_snapshots(plan, revert, error))
        return NULL;
    revert_plan_leaving(plan, revert);
    revert_plan_unheld(plan, revert);
    record_watch(plan, state);
    count_discarded(revert, report);
    return g_steal_pointer(&plan);
}
