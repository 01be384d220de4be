/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/edit-rules.h"

#include <string.h>

#include "util/error.h"

static bool
is_same_state(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return strcmp(a->state, b->state) == 0;
}

static bool
is_same_time(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return a->creation_time == b->creation_time;
}

static bool
is_same_memory(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return a->memory == b->memory && g_strcmp0(a->memory_file, b->memory_file) == 0;
}

static bool
is_same_list(const GPtrArray *a, const GPtrArray *b)
{
    if (a->len != b->len)
        return false;
    for (guint i = 0; i < a->len; i++) {
        if (!snapshot_disk_is_same(g_ptr_array_index(a, i), g_ptr_array_index(b, i)))
            return false;
    }
    return true;
}

static bool
has_same_disks(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return is_same_list(a->disks, b->disks);
}

static bool
has_same_revert_disks(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return is_same_list(a->revert_disks, b->revert_disks);
}

/* Whether two definitions, either of which may be missing, are of one machine and its images. */
static bool
is_same_machine(const struct domain_def *a, const struct domain_def *b)
{
    if (!a || !b)
        return a == b;
    return strcmp(a->name, b->name) == 0 && g_strcmp0(a->uuid, b->uuid) == 0 &&
           domain_def_has_same_images(a, b);
}

static bool
has_same_machine(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return is_same_machine(a->domain, b->domain ? b->domain : a->domain);
}

static bool
has_same_inactive_machine(const struct snapshot_def *a, const struct snapshot_def *b)
{
    return is_same_machine(a->inactive_domain, b->inactive_domain);
}

static const struct {
    const char *what;
    bool (*is_same)(const struct snapshot_def *a, const struct snapshot_def *b);
} fixed[] = {
    {"<state>", is_same_state},
    {"<creationTime>", is_same_time},
    {"<memory>", is_same_memory},
    {"<disks>", has_same_disks},
    {"<revertDisks>", has_same_revert_disks},
    {"name, UUID and disks in <domain>", has_same_machine},
    {"name, UUID and disks in <inactiveDomain>", has_same_inactive_machine},
};

bool
edit_rules_check_fixed(const struct snapshot_def *old, const struct snapshot_def *def,
                       GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++) {
        if (fixed[i].is_same(old, def))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "%s of snapshot '%s' cannot be edited, since they say what holds it: "
                    "`offshot create --redefine --xml FILE` records what was moved by hand",
                    fixed[i].what, old->name);
        return false;
    }
    return true;
}

static bool
set_unknown(GError **error, const char *disk, const GError *cause)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "disk '%s': it cannot be told what stands on what, since %s", disk,
                cause ? cause->message : "an image is not known");
    return false;
}

/* Whether IMAGE of disk TARGET stands on what the snapshot LOWER holds of it; UPPER names who says
 * so.
 */
static bool
check_stands(const struct state *state, const struct image *image, const char *target,
             const char *upper, const char *lower, GError **error)
{
    const struct state_frozen *below = state_find_frozen(state, lower, target);

    if (!below)
        return true;
    if (!below->image)
        return set_unknown(error, target, below->error);
    if (image_stands_on(image, below->image))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s': %s does not stand on '%s', which holds snapshot '%s'", target, upper,
                below->image->path, lower);
    return false;
}

bool
edit_rules_check_parent(const struct state *state, const char *snapshot, const char *parent,
                        GError **error)
{
    g_autofree char *upper = g_strdup_printf("snapshot '%s'", snapshot);

    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);
        const char *target = frozen->disk->name;

        if (strcmp(frozen->def->name, snapshot) != 0)
            continue;
        if (!frozen->image)
            return set_unknown(error, target, frozen->error);
        if (!check_stands(state, frozen->image, target, upper, parent, error))
            return false;
    }
    return true;
}

bool
edit_rules_check_current(const struct state *state, const char *snapshot, GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);
        const char *target = disk->def->target;

        if (!state_find_frozen(state, snapshot, target))
            continue;
        if (!disk->image)
            return set_unknown(error, target, disk->error);
        if (!check_stands(state, disk->image, target, "the active state", snapshot, error))
            return false;
    }
    return true;
}
