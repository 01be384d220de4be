/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/create-disk.h"

#include <string.h>

#include "conf/snapshot-align.h"
#include "ops/create-shared.h"
#include "ops/overlay.h"
#include "ops/record.h"
#include "util/error.h"

/* The longest file name, in bytes (NAME_MAX of every file system in use here). */
#define FILE_NAME_MAX 255

static bool
refuse(GError **error, const char *target, const char *why)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, "disk '%s' %s", target, why);
    return false;
}

bool
create_disk_check_definition(const struct domain_disk *def, GError **error)
{
    if (def->type != DISK_TYPE_FILE && def->type != DISK_TYPE_BLOCK) {
        g_set_error(
            error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
            "disk '%s' is of type '%s', of which offshot takes no snapshots: leave it out with "
            "--diskspec %s,snapshot=no",
            def->target, disk_type_format(def->type), def->target);
        return false;
    }
    if (!def->source)
        return refuse(error, def->target, "has no source of which a snapshot could be taken");
    if (def->device == DISK_DEVICE_LUN)
        return refuse(error, def->target,
                      "is a passed-through LUN, which cannot become an overlay");
    if (def->shareable)
        return refuse(error, def->target,
                      "is shareable, and an overlay cannot be shared between VMs");
    if (def->has_encryption)
        return refuse(error, def->target, "is encrypted, and its overlay would be plain text");
    if (def->has_slices)
        return refuse(error, def->target,
                      "uses <slices> of its source, which an overlay would not see");
    return true;
}

static void
note_lookalike(const struct state_disk *disk, GPtrArray *notes)
{
    const struct image *image = disk->image;

    if (strcmp(image->format->qemu, "raw") != 0 || !image->looks_like ||
        strcmp(image->looks_like, "raw") == 0)
        return;
    g_ptr_array_add(notes,
                    g_strdup_printf("disk '%s': '%s' is raw by the domain XML and begins like a %s "
                                    "image; it is taken as raw, as the guest saw it",
                                    disk->def->target, image->path, image->looks_like));
}

static bool
check_keep_filename(const struct state *state, const struct snapshot_disk *disk,
                    const struct state_disk *mine, GError **error)
{
    const struct image *image = mine->image;

    if (mine->def->layers)
        return refuse(error, disk->name,
                      "has a <backingStore> in the domain XML, which stays as it is with "
                      "--keep-filename and would hide the frozen image: remove the element");
    if (disk->source)
        return refuse(error, disk->name,
                      "is given a file, and with --keep-filename the overlay has the old name");
    if (image->block)
        return refuse(error, disk->name, "is a block device, whose name cannot pass to an overlay");
    if (image->symlink)
        return refuse(error, disk->name,
                      "is named through a symbolic link: with --keep-filename the domain XML must "
                      "name the file itself");
    if (image->links > 1)
        return refuse(
            error, disk->name,
            "has an image with further names (hard links), through which the frozen image "
            "could be written: with --keep-filename it must have one only");
    if (strcmp(image->format->libvirt, disk->format) != 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' is %s and its overlay %s: with --keep-filename the domain XML stays "
                    "as it is, so both must be the same; leave the option, or the disk "
                    "(--diskspec %s,snapshot=no)",
                    disk->name, image->format->libvirt, disk->format, disk->name);
        return false;
    }
    return create_shared_check_name(state, disk->name, image, error);
}

bool
create_disk_check(const struct state *state, const struct create_request *request,
                  const struct snapshot_disk *disk, GPtrArray *notes, GError **error)
{
    const struct state_disk *mine = state_get_disk(state, disk->name);
    const struct image_format *format = image_format_find_libvirt(disk->format);

    if (mine->error) {
        g_propagate_prefixed_error(error, g_error_copy(mine->error), "disk '%s': ", disk->name);
        return false;
    }
    if (mine->overruled)
        return refuse(error, disk->name,
                      "has a <backingStore> in the domain XML that does not say the same as "
                      "`qemu-img info --backing-chain`, and overrules it: correct it, or remove "
                      "the element");
    if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL)
        return create_shared_check(state, mine, error);
    if (!format || !format->overlay) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "disk '%s': an overlay cannot be of format '%s', only qcow2 or qed", disk->name,
                    disk->format);
        return false;
    }
    if (mine->image->depth >= IMAGE_CHAIN_MAX) {
        g_set_error(
            error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
            "disk '%s' has a chain of %u images, and libvirt starts no VM with more than %d",
            disk->name, mine->image->depth, IMAGE_CHAIN_MAX);
        return false;
    }
    if (!create_shared_check(state, mine, error) ||
        (request->keep_filename && !check_keep_filename(state, disk, mine, error)))
        return false;
    note_lookalike(mine, notes);
    return true;
}

void
create_disk_names_clear(struct create_disk_names *names)
{
    g_clear_pointer(&names->overlay, g_free);
    g_clear_pointer(&names->frozen, g_free);
}

static bool
check_file_name(const char *path, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);

    if (strlen(name) <= FILE_NAME_MAX)
        return true;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
        "the file name '%s' is longer than %d bytes: choose a shorter one with --diskspec or a "
        "shorter name for the snapshot",
        name, FILE_NAME_MAX);
    return false;
}

/* Plan the overlay as a new file TEMPORARY, for BASE under the name that it will have. */
static bool
plan_overlay(struct plan *plan, const struct state *state, const struct create_request *request,
             const struct image *base, const struct snapshot_disk *disk,
             const struct create_disk_names *names, const char *temporary, GError **error)
{
    const struct overlay_request overlay = {
        .base = base,
        .base_path = names->frozen,
        .path = names->overlay,
        .temporary = temporary,
        .format = image_format_find_libvirt(disk->format),
        .backing_path =
            disk->type == DISK_TYPE_FILE ? request->backing_path : BACKING_PATH_ABSOLUTE,
        .options = request->overlay_options,
        .base_moves = request->keep_filename,
    };

    return overlay_plan(plan, state, &overlay, error);
}

/* With --keep-filename: the frozen image gets a second name, then the overlay takes the first. */
static bool
plan_kept_name(struct plan *plan, const struct state *state, const struct create_request *request,
               const struct image *image, const struct snapshot_disk *disk, const char *snapshot,
               struct create_disk_names *names, GError **error)
{
    g_autofree char *temporary = record_temporary_name(state, plan, image->path);

    names->overlay = g_strdup(image->path);
    names->frozen = snapshot_frozen_name(image->path, snapshot);
    if (!check_file_name(names->frozen, error) ||
        !plan_overlay(plan, state, request, image, disk, names, temporary, error))
        return false;
    plan_check_unchanged(plan, image->path, &image->identity);
    plan_check_absent(plan, names->frozen);
    plan_add_link(plan, RANK_LINK, image->path, names->frozen);
    plan_add_replace(plan, RANK_IMAGES, temporary, image->path, &image->identity);
    return true;
}

/* An overlay with a name of its own, or on a block device. */
static bool
plan_new_name(struct plan *plan, const struct state *state, const struct create_request *request,
              const struct image *image, const struct snapshot_disk *disk,
              struct create_disk_names *names, GError **error)
{
    bool device = disk->type == DISK_TYPE_BLOCK;
    g_autofree char *name = g_path_get_basename(disk->source);
    g_autofree char *in_state = g_build_filename(state->location->state, name, NULL);
    g_autofree char *temporary =
        record_temporary_name(state, plan, device ? in_state : disk->source);

    names->overlay = g_strdup(disk->source);
    names->frozen = g_strdup(image->path);
    if (!check_file_name(names->overlay, error))
        return false;
    if (device)
        plan_check_blank(plan, names->overlay, OVERLAY_SPACE);
    else
        plan_check_absent(plan, names->overlay);
    if (!plan_overlay(plan, state, request, image, disk, names, temporary, error))
        return false;
    if (device)
        plan_add_fill_device(plan, RANK_LINK, temporary, names->overlay);
    else
        plan_add_link(plan, RANK_LINK, temporary, names->overlay);
    plan_add_unlink(plan, RANK_REMOVE, temporary);
    return true;
}

/* An overlay that the user made must be one of this very image, and for it alone. */
static bool
plan_reused(struct plan *plan, const struct state *state, const struct image *image,
            const struct snapshot_disk *disk, struct create_disk_names *names, GError **error)
{
    const struct image *overlay = g_hash_table_lookup(state->overlays, disk->source);

    names->overlay = g_strdup(disk->source);
    names->frozen = g_strdup(image->path);
    if (overlay->backing != image || overlay->size < image->size) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s': '%s' is no overlay of '%s', or smaller than it", disk->name,
                    disk->source, image->path);
        return false;
    }
    if (!create_shared_check_reused(state, disk->name, overlay, error))
        return false;
    plan_check_lock(plan, overlay->path, &overlay->identity);
    return true;
}

bool
create_disk_plan(struct plan *plan, const struct state *state, const struct create_request *request,
                 const struct snapshot_disk *disk, const char *snapshot,
                 struct create_disk_names *names, GError **error)
{
    const struct image *image = state_get_disk(state, disk->name)->image;
    g_autofree char *directory = g_path_get_dirname(disk->source ? disk->source : image->path);
    bool fine;

    plan_check_lock(plan, image->path, &image->identity);
    for (const struct image *below = image->backing; below; below = below->backing)
        plan_check_unwritten(plan, below->path, &below->identity);
    if (request->reuse_external)
        return plan_reused(plan, state, image, disk, names, error);
    fine = request->keep_filename
               ? plan_kept_name(plan, state, request, image, disk, snapshot, names, error)
               : plan_new_name(plan, state, request, image, disk, names, error);
    if (fine && disk->type == DISK_TYPE_FILE)
        plan_check_space(plan, directory, OVERLAY_SPACE_LEAST);
    return fine;
}
