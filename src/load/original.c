/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/original.h"

#include <stdlib.h>
#include <string.h>

#include "util/error.h"

#define DOMAIN_XML_MAX (1024 * 1024)

/* Whether PATH holds the domain of STATE and is not its file. */
static bool
is_other_copy(const struct state *state, const char *path)
{
    struct file_identity identity;
    struct stat st;
    bool exists;
    size_t length;
    g_autofree char *text = NULL;
    scoped(domain_def) domain = NULL;

    if (!file_stat(path, false, &st, &exists, NULL))
        return false;
    text = file_read(path, DOMAIN_XML_MAX, &length, &identity, NULL);
    if (!text || file_identity_is_same_file(&identity, &state->domain_identity))
        return false;
    domain = domain_def_parse(text, length, path, NULL);
    return domain && domain_def_is_same_domain(state->domain, domain);
}

/* PATH is an image. CHECKED: directories that need no second look. */
static bool
check_beside(const struct state *state, GHashTable *checked, const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(state->location->xml);
    g_autofree char *other = g_build_filename(directory, name, NULL);

    if (!g_hash_table_add(checked, g_steal_pointer(&directory)) || !is_other_copy(state, other))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' is a copy of '%s', whose images it still names: change the paths first",
                state->location->xml, other);
    return false;
}

static bool
check_image(const struct state *state, GHashTable *checked, const struct image *image,
            GError **error)
{
    char *resolved = image->symlink ? realpath(image->path, NULL) : NULL;
    bool good = image->block || (check_beside(state, checked, image->path, error) &&
                                 (!resolved || check_beside(state, checked, resolved, error)));

    free(resolved);
    return good;
}

bool
state_check_original(const struct state *state, GError **error)
{
    g_autoptr(GHashTable) checked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    /* what libvirt keeps lies elsewhere, and a dump of it may lie anywhere */
    if (state->location->uri || state->location->keeper)
        return true;
    g_hash_table_add(checked, g_path_get_dirname(state->location->xml));
    for (guint i = 0; i < state->disks->len; i++) {
        const struct image *image = g_array_index(state->disks, struct state_disk, i).image;

        for (; image; image = image->backing) {
            if (!check_image(state, checked, image, error))
                return false;
        }
    }
    return true;
}
