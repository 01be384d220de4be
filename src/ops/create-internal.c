/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/tags.h"
#include "load/tree.h"
#include "ops/create.h"
#include "ops/record.h"
#include "util/error.h"

static bool
refuse(GError **error, const struct snapshot_disk *disk, const char *why)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s' %s: use --disk-only for an external snapshot, or leave the disk out "
                "with --diskspec %s,snapshot=no",
                disk->name, why, disk->name);
    return false;
}

/* As a name, or as a number: qemu-img takes either. */
static bool
is_taken(const GPtrArray *tags, const char *snapshot)
{
    for (guint i = 0; i < tags->len; i++) {
        const struct image_tag *tag = g_ptr_array_index(tags, i);

        if (strcmp(tag->name, snapshot) == 0 || strcmp(tag->id, snapshot) == 0)
            return true;
    }
    return false;
}

bool
create_internal_check(const struct state *state, const struct snapshot_disk *disk,
                      const char *snapshot, GError **error)
{
    const struct image *image = state_get_disk(state, disk->name)->image;

    if (strcmp(image->format->qemu, "qcow2") != 0) {
        g_autofree char *why = g_strdup_printf("is %s, which cannot hold an internal snapshot",
                                               image->format->libvirt);

        return refuse(error, disk, why);
    }
    /* qemu-img would take it for the number of a snapshot. */
    if (strspn(snapshot, "0123456789") == strlen(snapshot)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s': the name '%s' of an internal snapshot must not be all digits, "
                    "which are taken for its number: choose another, or use --disk-only",
                    disk->name, snapshot);
        return false;
    }
    if (!is_taken(state_get_tags(state, image), snapshot))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s': image '%s' has an internal snapshot '%s' already: choose another name, "
                "or use --disk-only",
                disk->name, image->path, snapshot);
    return false;
}

void
create_internal_plan(struct plan *plan, const struct state *state, const struct snapshot_disk *disk,
                     const char *snapshot)
{
    const struct image *image = state_get_disk(state, disk->name)->image;
    const struct step_image_spec spec = {image->path, image->format->qemu, image->block};
    g_autofree char *directory = g_path_get_dirname(image->path);

    plan_check_exclusive(plan, image->path, &image->identity);
    if (!image->block)
        plan_check_space(plan, directory, OVERLAY_SPACE_LEAST);
    plan_add_take_tag(plan, RANK_MAKE, &spec, snapshot);
}
