/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/adopt-parts.h"
#include "ops/create-disk.h"
#include "ops/usage.h"
#include "util/error.h"

/* The other disk of the domain in whose chain IMAGE is, or NULL. */
static const struct state_disk *
find_sharer(const struct state *state, const struct state_disk *disk, const struct image *image)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *other = &g_array_index(state->disks, struct state_disk, i);

        if (other != disk && other->image && image_stands_on(other->image, image))
            return other;
    }
    return NULL;
}

static bool
is_known(const struct state *state, const struct image *image)
{
    return usage_find_snapshot(state, image, NULL) || state_is_layer(state, image);
}

char *
adopt_find_doubt(const struct state *state, const struct image *above, const struct image *image)
{
    const GPtrArray *dependents = state_find_dependents(state, image);
    g_autofree char *directory = g_path_get_dirname(image->path);
    g_autofree char *beside = g_path_get_dirname(above->path);

    if (dependents && dependents->len > 0)
        return g_strdup_printf("'%s' stands on it as well",
                               (const char *)g_ptr_array_index(dependents, 0));
    if (!is_known(state, image) && strcmp(directory, beside) != 0)
        return g_strdup_printf("it does not lie in the directory of '%s'", above->path);
    if (image->symlink || (!image->block && image->links > 1))
        return g_strdup("it has more than one name");
    if (!text_is_xml(image->path))
        return g_strdup("its name cannot be written in XML");
    return image->writable ? NULL : g_strdup("it is read-only");
}

/* Why the chain of DISK ends above IMAGE, on which ABOVE stands; NULL: it does not. */
static char *
find_end(const struct state *state, const struct state_disk *disk, const struct image *above,
         const struct image *image)
{
    const struct state_disk *sharer = find_sharer(state, disk, image);

    if (sharer)
        return g_strdup_printf("disk '%s' stands on it as well", sharer->def->target);
    return is_known(state, image) ? NULL : adopt_find_doubt(state, above, image);
}

/* Whether a stored snapshot froze IMAGE. */
static bool
is_frozen(const struct state *state, const struct image *image)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image == image && frozen->disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
            return true;
    }
    return false;
}

/* A layer of ours has no name because its snapshot was deleted. */
static void
add_image(const struct state *state, struct adopt_disk *disk, const struct image *image)
{
    guint index = disk->images->len;
    bool frozen = is_frozen(state, image);

    g_ptr_array_add(disk->images, (gpointer)image);
    if (!frozen && state_is_layer(state, image))
        return;
    g_array_append_val(disk->frozen, index);
    if (!frozen)
        g_array_append_val(disk->open, index);
}

static struct adopt_disk *
disk_new(const struct state_disk *disk)
{
    struct adopt_disk *mine = g_new0(struct adopt_disk, 1);

    mine->disk = disk;
    mine->images = g_ptr_array_new();
    mine->frozen = g_array_new(FALSE, FALSE, sizeof(guint));
    mine->open = g_array_new(FALSE, FALSE, sizeof(guint));
    g_ptr_array_add(mine->images, (gpointer)disk->image);
    return mine;
}

/* Tags of templates are not the domain's. */
static void
leave_tags(struct adopt *adopt, const struct state_disk *disk, const struct image *image)
{
    for (; image; image = image->backing)
        adopt_leave_tags(adopt, disk->def->target, image);
}

static void
add_disk(struct adopt *adopt, const struct state_disk *disk)
{
    struct adopt_disk *mine = disk_new(disk);
    const struct image *above = disk->image;

    g_ptr_array_add(adopt->disks, mine);
    for (const struct image *image = above->backing; image; image = image->backing) {
        g_autofree char *doubt = find_end(adopt->state, disk, above, image);

        if (doubt) {
            adopt_leave(adopt, disk->def->target, image, NULL, "it may be a template: %s", doubt);
            leave_tags(adopt, disk, image);
            return;
        }
        add_image(adopt->state, mine, image);
        above = image;
    }
}

/* Let DISK take part, or say why not; nothing is said of what never does. */
static bool
consider_disk(struct adopt *adopt, const struct state_disk *disk, GError **error)
{
    const struct domain_disk *def = disk->def;
    const struct state_disk *sharer =
        disk->image ? find_sharer(adopt->state, disk, disk->image) : NULL;
    g_autoptr(GError) why = NULL;

    if (!def->has_source || def->readonly || def->snapshot == SNAPSHOT_LOCATION_NO)
        return true;
    if (def->type != DISK_TYPE_FILE && def->type != DISK_TYPE_BLOCK) {
        adopt_leave(adopt, def->target, NULL, NULL,
                    "it is of type '%s', of which offshot takes no snapshots",
                    disk_type_format(def->type));
    } else if (!create_disk_check_definition(def, &why)) {
        adopt_leave(adopt, def->target, disk->image, NULL, "%s", why->message);
    } else if (disk->error && disk->error->code != OFFSHOT_ERROR_REFUSED) {
        g_propagate_prefixed_error(error, g_error_copy(disk->error), "disk '%s': ", def->target);
        return false;
    } else if (disk->error) {
        adopt_leave(adopt, def->target, disk->image, NULL, "%s", disk->error->message);
    } else if (sharer) {
        adopt_leave(adopt, def->target, disk->image, NULL, "disk '%s' stands on it as well",
                    sharer->def->target);
    } else {
        add_disk(adopt, disk);
    }
    return true;
}

bool
adopt_find_disks(struct adopt *adopt, GError **error)
{
    const GArray *disks = adopt->state->disks;

    for (guint i = 0; i < disks->len; i++) {
        if (!consider_disk(adopt, &g_array_index(disks, struct state_disk, i), error))
            return false;
    }
    return true;
}
