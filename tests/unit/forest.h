/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-facts.h"
#include "ops/merge.h"
#include "unit/planner-tree.h"

/* Trees of images and snapshots from one line of text each, for the planners that merge and remove
 * images. Words are separated by blanks, files lie in /d where they do not say otherwise:
 *
 *   disks      "vda=a.s2 vdb=b.raw"        target and active image
 *   images     "a a.s1<a a.s2<a.s1"        and what each stands on, after that; 2 MiB are in each
 *   snapshots  "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2,vdb=b!"
 *
 * A snapshot is name, parent, "*" when it is current, and its disks: frozen image and overlay, or
 * "!" for an internal one. What ends in ".raw" is raw, everything else qcow2.
 */

#define FOREST_BYTES (2 * 1024 * 1024)

struct forest {
    struct planner planner;
    GPtrArray *notes;
    GPtrArray *replaced; /* domains of snapshots, from which frozen images borrow */
    snapshot_set *removed;
};

static inline char *
forest_path(const char *name)
{
    return *name == '/' ? g_strdup(name) : g_strconcat("/d/", name, NULL);
}

static inline const char *
forest_format(const char *name)
{
    return g_str_has_suffix(name, ".raw") ? "raw" : "qcow2";
}

static inline struct image *
forest_image(struct forest *forest, const char *name)
{
    g_autofree char *path = forest_path(name);
    struct image *image = planner_find_image(&forest->planner, path);

    ck_assert_msg(image != NULL, "no image %s", name);
    return image;
}

/* <disk> elements for WORDS, "target=image" each; anything behind the image is left away. */
static inline char *
forest_disks(char **words)
{
    GString *text = g_string_new(NULL);

    for (; *words; words++) {
        g_auto(GStrv) parts = g_strsplit(*words, "=", 2);
        g_autofree char *name = g_strndup(parts[1], strcspn(parts[1], ">!"));
        g_autofree char *path = forest_path(name);

        g_string_append_printf(text,
                               "<disk type='%s' device='disk'><driver name='qemu' type='%s'/>"
                               "<source %s='%s'/><target dev='%s'/></disk>",
                               g_str_has_prefix(path, "/dev/") ? "block" : "file",
                               forest_format(name),
                               g_str_has_prefix(path, "/dev/") ? "dev" : "file", path, parts[0]);
    }
    return g_string_free(text, FALSE);
}

static inline void
forest_add_image(struct forest *forest, const char *word)
{
    g_auto(GStrv) parts = g_strsplit(word, "<", 2);
    struct image *below = parts[1] ? forest_image(forest, parts[1]) : NULL;
    g_autofree char *path = forest_path(parts[0]);
    struct image *image = planner_image(&forest->planner, path, forest_format(parts[0]), below);

    image->writable = true;
    image->links = 1;
    image->allocated = FOREST_BYTES;
    image->block = g_str_has_prefix(path, "/dev/");
    if (image->block)
        image->identity.size = image->size;
    if (!below)
        return;
    image->header.backing =
        *parts[1] == '/' ? g_strdup(parts[1]) : g_path_get_basename(below->path);
    image->header.backing_format = g_strdup(below->format->qemu);
}

/* <disks> of a snapshot. */
static inline char *
forest_listed(char **words)
{
    GString *text = g_string_new(NULL);

    for (; *words; words++) {
        g_auto(GStrv) parts = g_strsplit_set(*words, "=>", 3);
        g_autofree char *path = parts[2] ? forest_path(parts[2]) : NULL;

        if (path)
            g_string_append_printf(text,
                                   "<disk name='%s' snapshot='external' type='file'><driver "
                                   "type='qcow2'/><source file='%s'/></disk>",
                                   parts[0], path);
        else
            g_string_append_printf(text, "<disk name='%s' snapshot='internal'/>", parts[0]);
    }
    return g_string_free(text, FALSE);
}

static inline void
forest_add_snapshot(struct forest *forest, const char *word)
{
    g_auto(GStrv) parts = g_strsplit(word, ":", 2);
    g_auto(GStrv) disks = g_strsplit(parts[1], ",", -1);
    bool current = g_str_has_suffix(parts[0], "*");
    g_autofree char *name = g_strndup(parts[0], strcspn(parts[0], "^*"));
    const char *caret = strchr(parts[0], '^');
    g_autofree char *parent = caret ? g_strndup(caret + 1, strcspn(caret + 1, "*")) : NULL;
    g_autofree char *listed = forest_listed(disks);
    g_autofree char *held = forest_disks(disks);
    struct snapshot_def *def;
    char *text;

    planner_store_disks(&forest->planner, name, parent, listed, held);
    if (!current)
        return;
    def = (struct snapshot_def *)snapshot_tree_find(forest->planner.state.snapshots->tree, name);
    text = unit_replace(def->document, "<active>0", "<active>1");
    def->active = true;
    g_free(def->document);
    def->document = text;
}

static inline void
forest_init(struct forest *forest, const char *disks, const char *images, const char *snapshots)
{
    g_auto(GStrv) disk_words = g_strsplit(disks, " ", -1);
    g_auto(GStrv) image_words = g_strsplit(images, " ", -1);
    g_auto(GStrv) snapshot_words = g_strsplit(snapshots, " ", -1);
    g_autofree char *elements = forest_disks(disk_words);

    planner_init(&forest->planner, elements);
    planner_init_tree(&forest->planner);
    for (char **word = image_words; *word; word++)
        forest_add_image(forest, *word);
    for (guint i = 0; i < forest->planner.state.disks->len; i++) {
        struct state_disk *disk = &g_array_index(forest->planner.state.disks, struct state_disk, i);

        disk->image = planner_find_image(&forest->planner, disk->def->source);
    }
    for (char **word = snapshot_words; *snapshots && *word; word++)
        forest_add_snapshot(forest, *word);
    planner_link(&forest->planner);
    planner_freeze_all(&forest->planner);
    forest->notes = g_ptr_array_new_with_free_func(g_free);
    forest->replaced = g_ptr_array_new_with_free_func((GDestroyNotify)domain_def_free);
    forest->removed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static inline void
forest_clear(struct forest *forest)
{
    planner_clear_tree(&forest->planner);
    planner_clear(&forest->planner);
    g_ptr_array_unref(forest->notes);
    g_ptr_array_unref(forest->replaced);
    g_hash_table_unref(forest->removed);
}

/* The snapshots NAMES go. */
static inline void
forest_remove(struct forest *forest, const char *names)
{
    g_auto(GStrv) words = g_strsplit(names, " ", -1);

    for (char **word = words; *word; word++)
        g_hash_table_add(forest->removed, g_strdup(*word));
}

/* The image NAME is a layer that an earlier delete left. */
static inline void
forest_add_layer(struct forest *forest, const char *name)
{
    g_hash_table_add(forest->planner.state.layers, forest_image(forest, name));
}

/* A file PATH outside of the graph stands on IMAGE. */
static inline void
forest_depend(struct forest *forest, struct image *image, const char *path)
{
    GPtrArray *paths = g_hash_table_lookup(forest->planner.state.dependents, image);

    if (!paths) {
        paths = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(forest->planner.state.dependents, image, paths);
    }
    g_ptr_array_add(paths, g_strdup(path));
}

/* SNAPSHOT was taken with --keep-filename. */
static inline void
forest_keep_names(struct forest *forest, const char *snapshot)
{
    struct snapshot_def *def =
        (struct snapshot_def *)snapshot_tree_find(forest->planner.state.snapshots->tree, snapshot);
    g_autofree char *element = domain_def_element(def->domain);
    g_autoptr(GError) error = NULL;
    g_autofree char *text =
        snapshot_facts_set(element, NULL, 0, SNAPSHOT_FACTS_KEEP_FILENAME, &error);
    struct domain_def *domain =
        text ? domain_def_parse(text, strlen(text), snapshot, &error) : NULL;

    unit_assert_ok(domain != NULL, error);
    g_ptr_array_add(forest->replaced, def->domain);
    def->domain = domain;
}

/* What SNAPSHOT has on record of the file that it froze for "vda" says RECORD of the image. */
static inline void
forest_record(struct forest *forest, const char *snapshot, enum state_record record)
{
    struct state_frozen *frozen =
        (struct state_frozen *)state_find_frozen(&forest->planner.state, snapshot, "vda");

    ck_assert_msg(frozen != NULL, "no snapshot %s", snapshot);
    frozen->record = record;
}

static inline const char *
forest_name(const struct image *image)
{
    return g_str_has_prefix(image->path, "/d/") ? image->path + 3 : image->path;
}

static inline void
forest_format_images(GString *text, const char *what, const GPtrArray *images)
{
    for (guint i = 0; i < images->len; i++)
        g_string_append_printf(text, "%s %s\n", what, forest_name(g_ptr_array_index(images, i)));
}

static inline void
forest_format_moves(GString *text, GHashTable *moved)
{
    GList *keys = g_list_sort(g_hash_table_get_keys(moved), (GCompareFunc)strcmp);

    for (GList *key = keys; key; key = key->next)
        g_string_append_printf(text, "move %s %s\n", (const char *)key->data,
                               forest_name(g_hash_table_lookup(moved, key->data)));
    g_list_free(keys);
}

/* MERGES as lines. Free with g_free(). */
static inline char *
forest_format_merges(const struct merges *merges)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);

        g_string_append_printf(text, "%u %s %s %s%s\n", merge->level,
                               merge->how == MERGE_COMMIT ? "commit" : "rebase",
                               forest_name(merge->top), forest_name(merge->bottom),
                               merge->keeps_name ? " keep" : "");
    }
    forest_format_images(text, "relink", merges->relinks);
    forest_format_images(text, "garbage", merges->garbage);
    forest_format_images(text, "layer", merges->layers);
    forest_format_moves(text, merges->moved);
    return g_string_free(text, FALSE);
}

/* Whether any note has FRAGMENT in it. */
static inline void
forest_assert_note(const struct forest *forest, const char *fragment)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (guint i = 0; i < forest->notes->len; i++) {
        const char *note = g_ptr_array_index(forest->notes, i);

        if (strstr(note, fragment))
            return;
        g_string_append_printf(all, "%s\n", note);
    }
    ck_abort_msg("'%s' is not in the notes:\n%s", fragment, all->str);
}
