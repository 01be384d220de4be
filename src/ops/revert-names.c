/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "conf/snapshot-align.h"
#include "ops/revert-parts.h"
#include "util/error.h"

/* The longest file name, in bytes (NAME_MAX of every file system in use here). */
#define FILE_NAME_MAX 255

/* Whether the active image of DISK can be replaced under its name. */
static bool
can_replace(const struct revert *revert, const struct revert_disk *disk)
{
    const struct image *image = disk->active ? disk->active->image : NULL;

    return image && image->format->overlay && revert_can_replace(revert, disk) &&
           strcmp(image->path, disk->active->def->source) == 0;
}

/* Whether the whole revert only replaces the overlays that stand on the snapshot already. */
static bool
is_current_state(const struct revert *revert)
{
    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (disk->how != REVERT_TAG &&
            (!can_replace(revert, disk) || disk->active->image->backing != disk->frozen->image))
            return false;
    }
    return !revert->request->save_as;
}

/* --save-as where names are kept: what create --keep-filename would call the present state. */
static bool
keep_saved_name(const struct revert *revert, struct revert_disk *disk)
{
    const struct image *image = disk->active ? disk->active->image : NULL;

    if (!revert->request->save_as || !revert->keeps_names || !image || !can_replace(revert, disk))
        return false;
    disk->saved = snapshot_frozen_name(image->path, revert->request->save_as);
    return true;
}

/* NAME without the END that it has, or NULL. */
static char *
without_end(const char *name, const char *end)
{
    return g_str_has_suffix(name, end) ? g_strndup(name, strlen(name) - strlen(end)) : NULL;
}

/* What the image that `create --keep-filename` called FROZEN was called before; FROZEN itself when
 * it has another name since. Free with g_free().
 */
static char *
original_name(const char *frozen, const char *snapshot)
{
    g_autofree char *end = g_strconcat(".", snapshot, NULL);
    const char *dot = strrchr(frozen, '.');
    const char *suffix = dot && !strchr(dot, '/') ? dot : frozen + strlen(frozen);
    g_autofree char *stem = g_strndup(frozen, (gsize)(suffix - frozen));
    g_autofree char *shorter = without_end(stem, end);
    g_autofree char *name = shorter ? g_strconcat(shorter, suffix, NULL) : without_end(frozen, end);
    g_autofree char *again = name ? snapshot_frozen_name(name, snapshot) : NULL;

    return g_strcmp0(again, frozen) == 0 ? g_steal_pointer(&name) : g_strdup(frozen);
}

/* The name beside which the overlay gets its own, and of which it takes the stem. Free with
 * g_free().
 */
static char *
overlay_base(const struct revert *revert, const struct revert_disk *disk, GError **error)
{
    const struct image *frozen = disk->frozen->image;

    if (!frozen->block)
        return revert->target_keeps_names
                   ? original_name(frozen->path, revert->request->target->name)
                   : g_strdup(frozen->path);
    if (disk->active && disk->active->image && !disk->active->image->block)
        return g_strdup(disk->active->image->path);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s' is on block device '%s', beside which no overlay can be made: make one "
                "with `qemu-img create`, and set it in the domain XML",
                disk->frozen->disk->name, disk->frozen->image->path);
    return NULL;
}

static bool
name_is_taken(const struct revert *revert, const char *path)
{
    for (guint i = 0; i < revert->disks->len; i++) {
        if (g_strcmp0(g_array_index(revert->disks, struct revert_disk, i).path, path) == 0)
            return true;
    }
    return false;
}

static bool
check_file_name(const char *path, GError **error)
{
    g_autofree char *name = g_path_get_basename(path);

    if (strlen(name) <= FILE_NAME_MAX)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the file name '%s' would be longer than %d bytes", name, FILE_NAME_MAX);
    return false;
}

static bool
name_overlay(const struct revert *revert, struct revert_disk *disk, GError **error)
{
    g_autofree char *stamp = g_strdup_printf("%" PRId64, revert->request->stamp);
    g_autofree char *longer = g_strdup_printf("%s-%s", disk->frozen->disk->name, stamp);
    g_autofree char *base = overlay_base(revert, disk, error);
    g_autofree char *path = base ? snapshot_overlay_name(base, stamp) : NULL;

    if (!path)
        return false;
    /* two images may have names that differ in their suffix only */
    disk->path =
        name_is_taken(revert, path) ? snapshot_overlay_name(base, longer) : g_steal_pointer(&path);
    return check_file_name(disk->path, error);
}

bool
revert_name_overlays(struct revert *revert, GError **error)
{
    bool current = is_current_state(revert);

    for (guint i = 0; i < revert->disks->len; i++) {
        struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);
        char *path = NULL;

        if (disk->how == REVERT_TAG)
            continue;
        if (current || keep_saved_name(revert, disk) ||
            (revert->keeps_names && !revert->request->save_as && can_replace(revert, disk)))
            path = g_strdup(disk->active->image->path);
        disk->how = path ? REVERT_IN_PLACE : REVERT_ANEW;
        disk->format = path ? disk->active->image->format : image_format_find_qemu("qcow2");
        disk->path = path;
        if ((!path && !name_overlay(revert, disk, error)) ||
            (disk->saved && !check_file_name(disk->saved, error)))
            return false;
    }
    return true;
}
