/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/qemu-img.h"
#include "image/tags.h"
#include "ops/merge-rules.h"

/* The rules about the two ways in which data moves, and what follows from them. */

static bool
is_format(const struct image *image, const char *format)
{
    return strcmp(image->format->qemu, format) == 0;
}

bool
merge_rules_remove(const struct image *image, GError **error)
{
    if (image->block)
        return merge_refuse(error, "'%s' is a block device", image->path);
    if (image->symlink)
        return merge_refuse(error, "'%s' is a symbolic link", image->path);
    if (image->links > 1)
        return merge_refuse(error, "'%s' has further names (hard links)", image->path);
    return true;
}

bool
merge_rules_change(const struct merge_setting *setting, const struct image *image, GError **error)
{
    const struct state *state = setting->state;

    if (!merge_rules_same_file(setting, image, error))
        return false;
    if (usage_find_active(state, image) || state_is_layer(state, image) ||
        usage_find_snapshot(state, image, setting->removed))
        return true;
    if (usage_find_snapshot(state, image, NULL))
        return merge_rules_proven(setting, image, error);
    return merge_refuse(error, "no disk and no snapshot names '%s', so that it may be anybody's",
                        image->path);
}

bool
merge_rules_relink(const struct merge_setting *setting, const struct image *image, GError **error)
{
    if (!merge_rules_change(setting, image, error))
        return false;
    if (!image->writable)
        return merge_refuse(error, "'%s', which stands on it, is read-only", image->path);
    if (!is_format(image, "qcow2") && !is_format(image, "qed"))
        return merge_refuse(error,
                            "'%s', which stands on it, is of format '%s', whose links cannot be "
                            "changed",
                            image->path, image->format->qemu);
    return true;
}

static bool
check_no_tags(const struct merge_setting *setting, const struct image *image, GError **error)
{
    const struct image_tag *tag = merge_rules_find_tag(setting, image);

    return !tag ||
           merge_refuse(error, "'%s' holds internal snapshot '%s', which needs what is below",
                        image->path, tag->name);
}

/* An image that is smaller than one below it hides what lies beyond its end. */
static bool
check_sizes(const struct merge_run *run, GError **error)
{
    for (const struct image *image = run->top; image != run->bottom; image = image->backing) {
        if (image->size < image->backing->size)
            return merge_refuse(error, "'%s' is smaller than '%s' below it", image->path,
                                image->backing->path);
    }
    if (run->bottom->size < run->top->size && run->bottom->backing &&
        run->bottom->backing->size > run->bottom->size)
        return merge_refuse(error, "'%s' would grow over what '%s' below it has beyond its end",
                            run->bottom->path, run->bottom->backing->path);
    return true;
}

/* What is written into a device must fit whatever it is. */
static bool
check_device(const struct merge_run *run, GError **error)
{
    const struct image *bottom = run->bottom;
    /* tables of clusters and refcounts, generously, and a few clusters for the rest */
    uint64_t needed = run->top->size + run->top->size / 64 + 64 * 1024 * 1024;

    if (!bottom->block)
        return true;
    if (is_format(bottom, "raw") ? run->top->size > bottom->identity.size
                                 : needed > bottom->identity.size)
        return merge_refuse(error, "'%s' is a block device that may be too small for all of '%s'",
                            bottom->path, run->top->path);
    return true;
}

static bool
check_bottom(const struct merge_setting *setting, const struct merge_run *run, GError **error)
{
    const struct image *bottom = run->bottom;

    if (!bottom->writable)
        return merge_refuse(error, "'%s' is read-only", bottom->path);
    if (!is_format(bottom, "raw") && !is_format(bottom, "qcow2") && !is_format(bottom, "qed"))
        return merge_refuse(error, "'%s' is of format '%s', into which nothing is merged",
                            bottom->path, bottom->format->qemu);
    if (bottom->header.bitmaps > 0)
        return merge_refuse(error, "'%s' has dirty bitmaps, which would not know of it",
                            bottom->path);
    /* those that go now go last, and an image with snapshots may refuse to grow */
    if (bottom->size < run->top->size && state_get_tags(setting->state, bottom)->len > 0)
        return merge_refuse(error, "'%s' would have to grow and has internal snapshots",
                            bottom->path);
    return check_device(run, error);
}

static bool
check_top(const struct merge_setting *setting, const struct merge_run *run, GError **error)
{
    const struct image *top = run->top;
    unsigned disks = 0;

    for (guint i = 0; i < setting->state->disks->len; i++)
        disks += g_array_index(setting->state->disks, struct state_disk, i).image == top;
    if (disks > 1)
        return merge_refuse(error, "'%s' is the image of several disks", top->path);
    if (!is_format(top, "qcow2") && !is_format(top, "qed"))
        return merge_refuse(error, "'%s' is of format '%s', out of which nothing is merged",
                            top->path, top->format->qemu);
    if (top->header.bitmaps > 0)
        return merge_refuse(error, "'%s' has dirty bitmaps, which would be lost", top->path);
    return true;
}

/* All that is to vanish has to be removable; a device is left behind as it is. */
static bool
check_removals(const struct merge_run *run, GError **error)
{
    if (!run->top->block && !merge_rules_remove(run->top, error))
        return false;
    for (const struct image *image = run->top->backing; image != run->bottom;
         image = image->backing) {
        if (!merge_rules_remove(image, error))
            return false;
    }
    return true;
}

static bool
check_depth(const struct merge_run *run, GError **error)
{
    unsigned depth = run->top->depth - run->bottom->depth;

    return depth <= QEMU_IMG_COMMIT_DEPTH_MAX ||
           merge_refuse(error,
                        "'%s' lies %u images below '%s', and qemu-img reaches no more than %d",
                        run->bottom->path, depth, run->top->path, QEMU_IMG_COMMIT_DEPTH_MAX);
}

bool
merge_rules_commit(const struct merge_setting *setting, const struct merge_run *run, GError **error)
{
    return check_depth(run, error) && check_no_tags(setting, run->top, error) &&
           merge_rules_change(setting, run->top, error) &&
           merge_rules_release(setting, run->top, error) && check_top(setting, run, error) &&
           check_bottom(setting, run, error) && check_sizes(run, error) &&
           check_removals(run, error);
}

bool
merge_rules_rebase(const struct merge_setting *setting, const struct merge_run *run, GError **error)
{
    const struct image *top = run->top;
    const struct image *image = top;

    if (!check_no_tags(setting, top, error) || !merge_rules_change(setting, top, error))
        return false;
    if (!is_format(top, "qcow2"))
        return merge_refuse(error, "'%s' is of format '%s' and not qcow2", top->path,
                            top->format->qemu);
    if (!top->writable)
        return merge_refuse(error, "'%s' is read-only", top->path);
    do {
        image = image->backing;
        if (!merge_rules_remove(image, error))
            return false;
    } while (image != run->bottom);
    return true;
}
