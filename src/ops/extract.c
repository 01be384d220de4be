/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/extract.h"

#include <string.h>

#include "image/qemu-img.h"
#include "image/tags.h"
#include "ops/record.h"
#include "util/error.h"

/* What a new image takes beyond its data: header, refcounts, tables. */
#define IMAGE_SPACE (1024 * 1024)

/* Where the copy of disk TARGET goes. NULL when its name is not fit for a file's. */
static char *
output_path(const struct extract_request *request, const char *target, GError **error)
{
    g_autofree char *name = NULL;

    if (!request->output_is_directory)
        return g_strdup(request->output);
    name = g_strconcat(target, ".", request->format, NULL);
    if (!strchr(name, '/') && strlen(name) <= 255)
        return g_build_filename(request->output, name, NULL);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s' has a name that cannot be that of a file: extract it alone, into a file "
                "that you name",
                target);
    return NULL;
}

/* Bytes that the chain of IMAGE holds at most. */
static uint64_t
chain_bytes(const struct image *image)
{
    uint64_t bytes = 0;

    for (const struct image *layer = image; layer; layer = layer->backing)
        bytes += layer->block ? layer->identity.size : layer->allocated;
    return MIN(bytes, image->size);
}

/* The image that FROZEN names, which must be there. */
static const struct image *
find_image(const struct state_frozen *frozen, GError **error)
{
    const char *target = frozen->disk->name;

    if (frozen->image && !frozen->error)
        return frozen->image;
    if (frozen->error)
        g_propagate_prefixed_error(error, g_error_copy(frozen->error), "disk '%s': ", target);
    else
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "snapshot '%s' does not say where it keeps disk '%s'", frozen->def->name,
                    target);
    return NULL;
}

/* qemu-img copies as many bytes as the image has now, whatever it had at the snapshot. */
static bool
check_size(const struct state_frozen *frozen, const struct image_tag *tag, GPtrArray *notes,
           GError **error)
{
    const struct image *image = frozen->image;

    if (tag->size == 0 || tag->size == image->size)
        return true;
    if (tag->size > image->size) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' is smaller than it was at snapshot '%s', and the end of disk '%s' "
                    "would be missing: make it larger with qemu-img resize",
                    image->path, frozen->def->name, frozen->disk->name);
        return false;
    }
    g_ptr_array_add(notes, g_strdup_printf("disk '%s': the image has been made larger since the "
                                           "snapshot, and the copy is as large as it is now",
                                           frozen->disk->name));
    return true;
}

/* The tag that holds FROZEN inside of its image. */
static const struct image_tag *
find_tag(const struct state *state, const struct state_frozen *frozen, GPtrArray *notes,
         GError **error)
{
    const GPtrArray *tags = state_get_tags(state, frozen->image);
    const struct image_tag *tag = image_tags_find(tags, frozen->def->name);
    unsigned count = image_tags_count(tags, frozen->def->name);

    if (count == 1)
        return check_size(frozen, tag, notes, error) ? tag : NULL;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "disk '%s': image '%s' has %s internal snapshot called '%s'", frozen->disk->name,
                frozen->image->path, count == 0 ? "no" : "more than one", frozen->def->name);
    return NULL;
}

static bool
is_active(const struct state *state, const struct image *image)
{
    for (guint i = 0; i < state->disks->len; i++) {
        if (g_array_index(state->disks, struct state_disk, i).image == image)
            return true;
    }
    return false;
}

/* A frozen image may have readers, clones that run; one that a VM would write may not be used at
 * all while it is copied.
 */
static void
add_checks(struct plan *plan, const struct state *state, const struct image *image, bool internal)
{
    const struct image *below = image;

    if (internal || is_active(state, image)) {
        plan_check_lock(plan, image->path, &image->identity);
        below = image->backing;
    }
    for (; below; below = below->backing)
        plan_check_unwritten(plan, below->path, &below->identity);
}

/* The copy is made under a name of its own and renamed to PATH, where nothing may be: not
 * all file systems that copies go to have hard links.
 */
static void
add_copy(struct plan *plan, const struct state *state, const struct extract_request *request,
         const struct image *image, const struct image_tag *tag, const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *temporary = record_temporary_name(state, plan, path);
    const struct convert_spec spec = {
        .source = image->path,
        .format = image->format->qemu,
        .chain = image,
        .tag_id = tag ? tag->id : NULL,
        .tag_name = tag ? tag->name : NULL,
        .target = temporary,
        .target_format = request->format,
        .compress = request->compress,
    };
    const struct step_overlay expected = {.format = (char *)request->format, .size = image->size};
    scoped(sandbox) sandbox = sandbox_new();
    g_auto(GStrv) argv = qemu_img_convert_argv(&spec, sandbox);
    struct step *step;

    plan_check_absent(plan, path);
    plan_check_space(plan, directory, chain_bytes(image) + IMAGE_SPACE);
    step = plan_add_convert(plan, RANK_MAKE, temporary, argv, image->path);
    step->sandbox = g_steal_pointer(&sandbox);
    step_expect_overlay(step, &expected);
    plan_add_install(plan, RANK_IMAGES, temporary, path);
}

static bool
plan_disk(struct plan *plan, const struct state *state, const struct extract_request *request,
          const struct state_frozen *frozen, GPtrArray *notes, GError **error)
{
    bool internal = frozen->disk->snapshot == SNAPSHOT_LOCATION_INTERNAL;
    const struct image *image = find_image(frozen, error);
    const struct image_tag *tag = image && internal ? find_tag(state, frozen, notes, error) : NULL;
    g_autofree char *path = NULL;

    if (!image || (internal && !tag))
        return false;
    path = output_path(request, frozen->disk->name, error);
    if (!path)
        return false;
    add_checks(plan, state, image, internal);
    add_copy(plan, state, request, image, tag, path);
    return true;
}

/* Add what SNAPSHOT keeps of disk TARGET to CHOSEN, once. */
static bool
choose(GPtrArray *chosen, const struct state *state, const char *snapshot, const char *target,
       GError **error)
{
    const struct state_frozen *frozen = state_find_frozen(state, snapshot, target);

    if (!frozen) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "snapshot '%s' holds no disk '%s'", snapshot, target);
        return false;
    }
    if (!g_ptr_array_find(chosen, frozen, NULL))
        g_ptr_array_add(chosen, (gpointer)frozen);
    return true;
}

/* What is to be copied (of const struct state_frozen *). */
static GPtrArray *
choose_disks(const struct state *state, const struct extract_request *request, GError **error)
{
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    const struct snapshot_def *target = request->target;

    for (guint i = 0; request->disks && i < request->disks->len; i++) {
        if (!choose(chosen, state, target->name, g_ptr_array_index(request->disks, i), error))
            return NULL;
    }
    for (guint i = 0; !request->disks && i < target->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(target->disks, i);

        if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL ||
            disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL) {
            if (!choose(chosen, state, target->name, disk->name, error))
                return NULL;
        }
    }
    if (chosen->len > 0)
        return g_steal_pointer(&chosen);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "snapshot '%s' holds no disk",
                target->name);
    return NULL;
}

static bool
check_request(const struct extract_request *request, const GPtrArray *chosen, GError **error)
{
    if (request->compress && strcmp(request->format, "qcow2") != 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "an image of format '%s' cannot be compressed, only qcow2", request->format);
        return false;
    }
    if (request->output_is_directory || chosen->len == 1)
        return true;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
        "snapshot '%s' holds %u disks, and '%s' is no directory: choose one with --disk, or "
        "make the directory",
        request->target->name, chosen->len, request->output);
    return false;
}

struct plan *
extract_plan(const struct state *state, const struct extract_request *request, GPtrArray *notes,
             GError **error)
{
    scoped(plan) plan = plan_new("extract", state->domain->name, request->target->name);
    g_autoptr(GPtrArray) chosen = choose_disks(state, request, error);

    if (!chosen || !check_request(request, chosen, error))
        return NULL;
    for (guint i = 0; i < chosen->len; i++) {
        if (!plan_disk(plan, state, request, g_ptr_array_index(chosen, i), notes, error))
            return NULL;
    }
    return g_steal_pointer(&plan);
}
