/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/verify.h"

#include <string.h>

#include "model/start.h"

static const char *const kind_names[] = {"no", "external", "internal"};

static void
verify_tree(const struct run *run, const struct seen *seen)
{
    const struct model *model = run->model;

    for (guint i = 0; i < seen->snapshots->len; i++) {
        const struct seen_snapshot *snapshot = g_ptr_array_index(seen->snapshots, i);
        const struct model_snapshot *want = model_find(model, snapshot->name);
        bool current = g_strcmp0(model->current, snapshot->name) == 0;

        if (!want)
            run_fault(run, "there is a snapshot '%s'", snapshot->name);
        if (g_strcmp0(want->parent, snapshot->parent) != 0)
            run_fault(run, "'%s' has the parent '%s' instead of '%s'", snapshot->name,
                      snapshot->parent, want->parent);
        if (snapshot->current != current)
            run_fault(run, "'%s' is %scurrent", snapshot->name, current ? "not " : "");
        for (guint disk = 0; disk < model->disk_count; disk++)
            if (want->held[disk].kind != snapshot->disks[disk].kind)
                run_fault(run, "'%s' holds '%s' as %s instead of %s", snapshot->name,
                          model->disks[disk].target, kind_names[snapshot->disks[disk].kind],
                          kind_names[want->held[disk].kind]);
    }
    for (guint i = 0; i < model->snapshots->len; i++) {
        const struct model_snapshot *want = g_ptr_array_index(model->snapshots, i);

        if (!seen_find(seen, want->name))
            run_fault(run, "there is no snapshot '%s'", want->name);
    }
}

static void
compare(const struct run *run, const GByteArray *have, const GByteArray *want, bool tag,
        const char *path, const char *what, const char *disk)
{
    guint at = content_differs(have, want, tag);

    if (at == G_MAXUINT)
        return;
    if (at >= have->len || at >= want->len)
        run_fault(run, "%s of '%s' ('%s') is %u KiB long instead of %u", what, disk, path,
                  have->len * GRAIN / 1024, want->len * GRAIN / 1024);
    run_fault(run, "%s of '%s' ('%s') has 0x%02x instead of 0x%02x at %u KiB", what, disk, path,
              have->data[at], want->data[at], at * GRAIN / 1024);
}

static void
verify_contents(struct run *run, const struct seen *seen)
{
    const struct model *model = run->model;

    for (guint i = 0; i < seen->snapshots->len; i++) {
        const struct seen_snapshot *snapshot = g_ptr_array_index(seen->snapshots, i);
        const struct model_snapshot *want = model_find(model, snapshot->name);
        g_autofree char *what = g_strdup_printf("snapshot '%s'", snapshot->name);

        for (guint disk = 0; disk < model->disk_count; disk++) {
            const struct seen_disk *place = &snapshot->disks[disk];
            const char *tag = place->kind == HELD_INTERNAL ? snapshot->name : NULL;

            if (place->kind != HELD_NO)
                compare(run, content_read(run, place->frozen, tag), want->held[disk].content,
                        tag != NULL, place->frozen, what, model->disks[disk].target);
        }
    }
    for (guint i = 0; i < model->disk_count; i++)
        compare(run, content_read(run, seen->active[i], NULL), model->disks[i].content, false,
                seen->active[i], "the present state", model->disks[i].target);
    for (guint i = 0; i < model->foreign->len; i++) {
        const struct model_image *image = g_ptr_array_index(model->foreign, i);

        compare(run, content_read(run, image->path, NULL), image->content, false, image->path,
                "the content", "an image that is not the domain's");
    }
}

static void
verify_domain(const struct run *run, const struct seen *seen)
{
    g_autofree char *text = NULL;

    if (!g_str_equal(seen->title, run->model->title))
        run_fault(run, "the domain is '%s' instead of '%s'", seen->title, run->model->title);
    for (guint i = 0; i < run->model->disk_count; i++) {
        const char *format = content_format(run, seen->active[i]);

        if (!g_str_equal(seen->formats[i], format))
            run_fault(run, "the domain XML says that '%s' is %s, and it is %s", seen->active[i],
                      seen->formats[i], format);
        if (seen_find_freezing(seen, seen->active[i], HELD_EXTERNAL))
            run_fault(run, "'%s' is active and frozen", seen->active[i]);
        if (run->model->all_kept && !g_str_equal(seen->active[i], run->model->disks[i].original))
            run_fault(run, "'%s' was to keep its name, and is '%s'", run->model->disks[i].original,
                      seen->active[i]);
    }
    if (!g_file_get_contents(run->xml, &text, NULL, NULL) || !strstr(text, START_COMMENT))
        run_fault(run, "the domain XML lost its comment");
}

/* Add PATH and all that it stands on to USED. */
static void
use_chain(const struct run *run, const struct seen *seen, const char *path, GHashTable *used)
{
    while (path && !g_hash_table_contains(used, path)) {
        const struct seen_image *image = g_hash_table_lookup(seen->images, path);
        const char *below = image ? image->link.backing : NULL;

        g_hash_table_add(used, (char *)path);
        if (below && g_strcmp0(image->link.format, content_format(run, below)) != 0)
            run_fault(run, "'%s' says of '%s' that it is %s", path, below, image->link.format);
        path = below;
    }
}

static GHashTable *
used_images(const struct run *run, const struct seen *seen)
{
    GHashTable *used = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter iter;
    const char *excused;

    for (guint i = 0; i < run->model->disk_count; i++)
        use_chain(run, seen, seen->active[i], used);
    for (guint i = 0; i < seen->snapshots->len; i++) {
        const struct seen_snapshot *snapshot = g_ptr_array_index(seen->snapshots, i);

        for (guint disk = 0; disk < run->model->disk_count; disk++)
            use_chain(run, seen, snapshot->disks[disk].frozen, used);
    }
    for (guint i = 0; i < run->model->foreign->len; i++) {
        const struct model_image *image = g_ptr_array_index(run->model->foreign, i);

        use_chain(run, seen, image->path, used);
    }
    g_hash_table_iter_init(&iter, run->excused);
    while (g_hash_table_iter_next(&iter, (void **)&excused, NULL))
        if (g_hash_table_contains(seen->images, excused))
            use_chain(run, seen, excused, used);
    return used;
}

/* Whether PATH is the file of a snapshot, or the list of unnamed layers, which keeps the directory
 * of the lock there.
 */
static bool
is_metadata(const struct run *run, const struct seen *seen, const char *path)
{
    g_autofree char *store = g_strdup_printf("%s/vm.snapshots/", run->directory);
    g_autofree char *layers = g_strdup_printf("%s/.vm.offshot/layers", run->directory);

    g_autofree char *lock = g_strdup_printf("%s/.vm.offshot/lock", run->directory);

    if (g_str_equal(path, run->xml) || g_str_equal(path, layers))
        return true;
    /* what the domain was made with is not offshot's to remove */
    for (guint i = 0; i < run->model->disk_count; i++)
        if (g_str_equal(path, run->model->disks[i].original))
            return true;
    if (g_str_equal(path, lock))
        return g_hash_table_contains(seen->files, layers);
    if (g_str_has_prefix(path, store) && g_str_has_suffix(path, ".xml")) {
        g_autofree char *name = g_strndup(path + strlen(store), strlen(path) - strlen(store) - 4);

        return seen_find(seen, name);
    }
    return false;
}

static void
verify_files(const struct run *run, const struct seen *seen)
{
    g_autoptr(GHashTable) used = used_images(run, seen);
    GHashTableIter iter;
    const char *path;

    g_hash_table_iter_init(&iter, seen->files);
    while (g_hash_table_iter_next(&iter, (void **)&path, NULL))
        if (!g_hash_table_contains(used, path) && !is_metadata(run, seen, path))
            run_fault(run, "nothing needs '%s'", path);
}

/* Every tag is a snapshot's; that each snapshot has its tag is seen when it is read. */
static void
verify_tags(struct run *run, const struct seen *seen, const char *path)
{
    const GPtrArray *tags = content_tags(run, path);

    for (guint i = 0; i < tags->len && !run->metadata_was_left; i++) {
        const struct seen_snapshot *snapshot = seen_find(seen, g_ptr_array_index(tags, i));
        bool held = false;

        for (guint disk = 0; snapshot && disk < run->model->disk_count; disk++)
            held = held || (snapshot->disks[disk].kind == HELD_INTERNAL &&
                            g_str_equal(snapshot->disks[disk].frozen, path));
        if (!held)
            run_fault(run, "'%s' has an internal snapshot '%s'", path,
                      (char *)g_ptr_array_index(tags, i));
    }
}

static void
verify_images(struct run *run, const struct seen *seen)
{
    struct seen_image *image;
    GHashTableIter iter;

    g_hash_table_iter_init(&iter, seen->images);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&image)) {
        if (!image->link.is_qcow2)
            continue;
        content_check(run, image->path);
        verify_tags(run, seen, image->path);
    }
}

void
verify(struct run *run, const struct seen *seen)
{
    verify_tree(run, seen);
    verify_domain(run, seen);
    verify_files(run, seen);
    verify_contents(run, seen);
    verify_images(run, seen);
}

static bool
is_foreign(const struct run *run, const char *path)
{
    for (guint i = 0; i < run->model->foreign->len; i++) {
        const struct model_image *image = g_ptr_array_index(run->model->foreign, i);

        if (g_str_equal(image->path, path))
            return true;
    }
    return false;
}

static bool
is_named(const struct run *run, const struct seen *seen, const char *path)
{
    for (guint i = 0; i < run->model->disk_count; i++)
        if (g_str_equal(seen->active[i], path))
            return true;
    return seen_find_freezing(seen, path, HELD_EXTERNAL) ||
           seen_find_freezing(seen, path, HELD_INTERNAL) || is_foreign(run, path);
}

void
verify_nothing_mergeable(struct run *run, const struct seen *seen)
{
    struct seen_image *image;
    GHashTableIter iter;

    g_hash_table_iter_init(&iter, seen->images);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&image)) {
        g_autoptr(GPtrArray) overlays = seen_overlays(seen, image->path);
        const struct seen_image *only = overlays->len == 1 ? overlays->pdata[0] : NULL;

        if (only && !is_named(run, seen, image->path) && !is_foreign(run, only->path) &&
            content_tags(run, only->path)->len == 0)
            run_fault(run, "no snapshot needs '%s', and only '%s' stands on it", image->path,
                      only->path);
    }
}
