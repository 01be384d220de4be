/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-facts.h"
#include "image/tags.h"
#include "ops/merge-rules.h"

static bool
says_keep_filename(const struct snapshot_def *def)
{
    g_autofree char *element = def->domain ? domain_def_element(def->domain) : NULL;

    return element && snapshot_facts_keep_filename(element);
}

/* Whether a snapshot that froze an image below the top was taken with --keep-filename. */
static bool
was_kept(const struct state *state, const struct merge_run *run)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (!frozen->image || frozen->image == run->top ||
            !image_stands_on(run->top, frozen->image) ||
            !image_stands_on(frozen->image, run->bottom))
            continue;
        if (says_keep_filename(frozen->def))
            return true;
    }
    return false;
}

/* Whether FROZEN is such a name as --keep-filename gives to what PATH was: "STEM.X.SUFFIX" for
 * "STEM.SUFFIX". Where the snapshot is long gone nothing else tells.
 */
static bool
is_frozen_name(const char *path, const char *frozen)
{
    const char *name = strrchr(path, '/') + 1;
    const char *suffix = strrchr(name, '.');
    const char *other = strrchr(frozen, '/') + 1;
    size_t stem;

    if (!suffix || suffix == name)
        return false;
    stem = (size_t)(suffix - name);
    return strlen(other) > strlen(name) + 1 && strncmp(name, other, stem + 1) == 0 &&
           g_str_has_suffix(other, suffix);
}

static bool
can_be_renamed(const struct merge_run *run)
{
    const struct image *top = run->top;
    const struct image *bottom = run->bottom;
    g_autofree char *one = g_path_get_dirname(top->path);
    g_autofree char *other = g_path_get_dirname(bottom->path);

    return top->format == bottom->format && !top->block && !bottom->block && !top->symlink &&
           !bottom->symlink && strcmp(one, other) == 0;
}

bool
merge_rules_keep_name(const struct merge_setting *setting, const struct merge_run *run, bool *keep,
                      GError **error)
{
    *keep = can_be_renamed(run) &&
            (was_kept(setting->state, run) || is_frozen_name(run->top->path, run->bottom->path));
    if (!*keep || state_get_tags(setting->state, run->bottom)->len == 0)
        return true;
    return merge_refuse(
        error,
        "'%s' would take the name of '%s' (--keep-filename), and has internal snapshots "
        "that are deleted with this",
        run->bottom->path, run->top->path);
}
