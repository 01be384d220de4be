/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/adopt-parts.h"

/* Ends of file names that say what an image is, and not what it is called. */
static const char *const suffixes[] = {"img", "qcow", "qcow2", "qed",  "raw",
                                       "vdi", "vhd",  "vhdx",  "vmdk", NULL};

/* How long NAME is without such an end. */
static size_t
length_of_stem(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && dot > name && g_strv_contains(suffixes, dot + 1) ? (size_t)(dot - name)
                                                                   : strlen(name);
}

/* NAME from START up to such an end, if a snapshot can be called that. */
static char *
take_name(const char *name, const char *start)
{
    const char *end = name + length_of_stem(name);
    g_autofree char *found = start < end ? g_strndup(start, (gsize)(end - start)) : NULL;

    if (!found || g_strv_contains(suffixes, found) || !snapshot_name_check(found, NULL))
        return NULL;
    return g_steal_pointer(&found);
}

/* "STEM.NAME", "STEM-NAME.SUFFIX", "STEM_NAME.SUFFIX" … */
static char *
name_behind(const char *name, const char *stem)
{
    size_t length = strlen(stem);

    if (!g_str_has_prefix(name, stem) || name[length] == '\0' || !strchr(".-_", name[length]))
        return NULL;
    return take_name(name, name + length + 1);
}

/* "snap_STEM_NAME.SUFFIX", as Proxmox calls volumes. */
static char *
name_behind_prefix(const char *name, const char *stem)
{
    return g_str_has_prefix(name, "snap_") ? name_behind(name + strlen("snap_"), stem) : NULL;
}

/* "snap-NAME-STEM.SUFFIX", as Proxmox calls files. */
static char *
name_between(const char *name, const char *stem)
{
    g_autofree char *end = g_strconcat("-", stem, NULL);
    g_autofree char *whole = g_strndup(name, length_of_stem(name));

    if (!g_str_has_prefix(whole, "snap-") || !g_str_has_suffix(whole, end))
        return NULL;
    whole[strlen(whole) - strlen(end)] = '\0';
    return strlen(whole) > strlen("snap-") ? take_name(whole, whole + strlen("snap-")) : NULL;
}

/* What the file name of IMAGE has more than that of OTHER, or NULL. */
static char *
find_name(const struct image *image, const struct image *other)
{
    g_autofree char *name = g_path_get_basename(image->path);
    g_autofree char *stem = g_path_get_basename(other->path);
    char *dot = strrchr(stem, '.');
    char *found;

    if (dot && dot > stem)
        *dot = '\0';
    found = name_behind(name, stem);
    if (!found)
        found = name_behind_prefix(name, stem);
    return found ? found : name_between(name, stem);
}

char *
adopt_layer_name(const struct adopt_disk *disk, guint index)
{
    const GPtrArray *images = disk->images;
    char *name = NULL;

    for (guint i = index; !name && i < images->len; i++)
        name = find_name(g_ptr_array_index(images, index - 1), g_ptr_array_index(images, i));
    return name ? name : find_name(g_ptr_array_index(images, index), g_ptr_array_index(images, 0));
}
