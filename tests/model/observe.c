/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/observe.h"

#include <errno.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <string.h>
#include <sys/stat.h>

static void
seen_snapshot_free(struct seen_snapshot *snapshot)
{
    g_free(snapshot->name);
    g_free(snapshot->parent);
    for (guint i = 0; i < DISKS_MAX; i++)
        g_free(snapshot->disks[i].frozen);
    g_free(snapshot);
}

static void
seen_image_free(struct seen_image *image)
{
    g_free(image->path);
    link_clear(&image->link);
    g_free(image);
}

void
seen_free(struct seen *seen)
{
    g_ptr_array_unref(seen->snapshots);
    for (guint i = 0; i < DISKS_MAX; i++) {
        g_free(seen->active[i]);
        g_free(seen->formats[i]);
    }
    g_free(seen->title);
    g_hash_table_unref(seen->files);
    g_hash_table_unref(seen->images);
    g_free(seen);
}

/* --- `offshot list --json`
 * ------------------------------------------------------------------------ */

static enum held_kind
kind_parse(const struct run *run, const char *text)
{
    if (g_strcmp0(text, "external") == 0)
        return HELD_EXTERNAL;
    if (g_strcmp0(text, "internal") == 0)
        return HELD_INTERNAL;
    if (g_strcmp0(text, "no") != 0)
        run_fault(run, "a disk snapshot of kind '%s'", text ? text : "");
    return HELD_NO;
}

static guint
disk_index(const struct run *run, const char *target)
{
    for (guint i = 0; i < run->model->disk_count; i++)
        if (g_strcmp0(run->model->disks[i].target, target) == 0)
            return i;
    run_fault(run, "`list` names a disk '%s'", target ? target : "");
}

static struct seen_snapshot *
parse_snapshot(const struct run *run, const json_t *object)
{
    struct seen_snapshot *snapshot = g_new0(struct seen_snapshot, 1);
    json_t *disk;
    size_t i;

    snapshot->name = g_strdup(json_string_value(json_object_get(object, "name")));
    snapshot->parent = g_strdup(json_string_value(json_object_get(object, "parent")));
    snapshot->current = json_is_true(json_object_get(object, "current"));
    if (!snapshot->name)
        run_fault(run, "`list` has a snapshot without a name");
    json_array_foreach (json_object_get(object, "disks"), i, disk) {
        const char *frozen = json_string_value(json_object_get(disk, "frozen"));
        struct seen_disk *place =
            &snapshot->disks[disk_index(run, json_string_value(json_object_get(disk, "name")))];

        place->kind = kind_parse(run, json_string_value(json_object_get(disk, "snapshot")));
        if (place->kind == HELD_NO)
            continue;
        if (!frozen)
            run_fault(run, "snapshot '%s' does not say where its disks are", snapshot->name);
        place->frozen = g_canonicalize_filename(frozen, "/");
    }
    return snapshot;
}

static void
observe_snapshots(struct run *run, struct seen *seen)
{
    g_autoptr(GPtrArray) argv = argv_new(run->offshot, "list", run->xml, "--json", NULL);
    json_t *list, *object;
    struct child child;
    size_t i;
    int status = run_command(run, argv, &child);

    if (status != 0 || child.err->len > 0)
        run_fault(run, "`offshot list` (%d): %s", status, child.err->str);
    list = json_loads(child.out->str, 0, NULL);
    if (!list)
        run_fault(run, "`offshot list --json` is no JSON: %s", child.out->str);
    json_array_foreach (json_object_get(list, "snapshots"), i, object)
        g_ptr_array_add(seen->snapshots, parse_snapshot(run, object));
    json_decref(list);
    child_clear(&child);
}

/* --- XML
 * ------------------------------------------------------------------------------------------ */

static char *
xpath_string(const struct run *run, xmlXPathContextPtr context, const char *expression)
{
    xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)expression, context);
    xmlChar *text;
    char *copy;

    if (!found)
        run_fault(run, "the test has a wrong XPath: %s", expression);
    text = xmlXPathCastToString(found);
    copy = g_strdup((const char *)text);
    xmlFree(text);
    xmlXPathFreeObject(found);
    return copy;
}

/* An attribute of the disk TARGET. */
static char *
disk_string(const struct run *run, xmlXPathContextPtr context, const char *target,
            const char *attribute)
{
    g_autofree char *expression =
        g_strdup_printf("//devices/disk[target/@dev='%s']/%s", target, attribute);

    return xpath_string(run, context, expression);
}

static xmlDocPtr
read_xml(const struct run *run, const char *path)
{
    xmlDocPtr document = xmlReadFile(path, NULL, XML_PARSE_NONET);

    if (!document)
        run_fault(run, "'%s' is no XML", path);
    return document;
}

static void
observe_domain(const struct run *run, struct seen *seen)
{
    xmlDocPtr document = read_xml(run, run->xml);
    xmlXPathContextPtr context = xmlXPathNewContext(document);

    seen->title = xpath_string(run, context, "/domain/title");
    for (guint i = 0; i < run->model->disk_count; i++) {
        const char *target = run->model->disks[i].target;
        g_autofree char *source = disk_string(run, context, target, "source/@file");

        if (source[0] != '/')
            run_fault(run, "the domain XML has '%s' as source of '%s'", source, target);
        seen->active[i] = g_canonicalize_filename(source, "/");
        seen->formats[i] = disk_string(run, context, target, "driver/@type");
    }
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
}

/* The <domain> of a stored snapshot names the image that `list` tells, and its format. */
static void
check_stored(const struct run *run, const struct seen_snapshot *snapshot)
{
    g_autofree char *path =
        g_strdup_printf("%s/vm.snapshots/%s.xml", run->directory, snapshot->name);
    xmlDocPtr document = read_xml(run, path);
    xmlXPathContextPtr context = xmlXPathNewContext(document);

    for (guint i = 0; i < run->model->disk_count; i++) {
        const char *target = run->model->disks[i].target;
        const char *frozen = snapshot->disks[i].frozen;
        g_autofree char *source = disk_string(run, context, target, "source/@file");
        g_autofree char *format = disk_string(run, context, target, "driver/@type");

        if (!frozen)
            continue;
        if (!g_file_test(frozen, G_FILE_TEST_IS_REGULAR))
            run_fault(run, "snapshot '%s': frozen image '%s' of '%s' is missing", snapshot->name,
                      frozen, target);
        if (!g_str_equal(source, frozen) || !g_str_equal(format, content_format(run, frozen)))
            run_fault(run, "snapshot '%s': <domain> has %s '%s' for '%s', and the image is %s '%s'",
                      snapshot->name, format, source, target, content_format(run, frozen), frozen);
    }
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
}

/* --- the directory
 * -------------------------------------------------------------------------------- */

static void
add_image(const struct run *run, struct seen *seen, const char *path)
{
    struct seen_image *image = g_new0(struct seen_image, 1);

    image->path = g_strdup(path);
    link_read(run, path, &image->link);
    g_hash_table_insert(seen->images, image->path, image);
}

static void
observe_directory(const struct run *run, struct seen *seen, const char *directory, bool images)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) entries = g_dir_open(directory, 0, &error);
    const char *name;

    if (!entries)
        run_fault(run, "%s", error->message);
    while ((name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        struct stat st;

        if (lstat(path, &st) < 0)
            run_fault(run, "'%s': %s", path, g_strerror(errno));
        if (S_ISDIR(st.st_mode)) {
            observe_directory(run, seen, path, !strstr(path, "/vm.snapshots") && name[0] != '.');
            continue;
        }
        g_hash_table_insert(seen->files, g_strdup(path),
                            g_strdup_printf("%o %ju %ju %jd %jd.%09ld", st.st_mode,
                                            (uintmax_t)st.st_ino, (uintmax_t)st.st_nlink,
                                            (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec,
                                            st.st_mtim.tv_nsec));
        if (images && S_ISREG(st.st_mode) && !g_str_equal(path, run->xml))
            add_image(run, seen, path);
    }
}

struct seen *
observe(struct run *run)
{
    struct seen *seen = g_new0(struct seen, 1);

    seen->snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)seen_snapshot_free);
    seen->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    seen->images =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)seen_image_free);
    observe_snapshots(run, seen);
    observe_domain(run, seen);
    for (guint i = 0; i < seen->snapshots->len; i++)
        check_stored(run, g_ptr_array_index(seen->snapshots, i));
    observe_directory(run, seen, run->directory, true);
    return seen;
}

/* --- questions
 * ------------------------------------------------------------------------------------ */

const struct seen_snapshot *
seen_find(const struct seen *seen, const char *name)
{
    for (guint i = 0; i < seen->snapshots->len; i++) {
        const struct seen_snapshot *snapshot = g_ptr_array_index(seen->snapshots, i);

        if (g_str_equal(snapshot->name, name))
            return snapshot;
    }
    return NULL;
}

GPtrArray *
seen_overlays(const struct seen *seen, const char *path)
{
    GPtrArray *overlays = g_ptr_array_new();
    struct seen_image *image;
    GHashTableIter iter;

    g_hash_table_iter_init(&iter, seen->images);
    while (g_hash_table_iter_next(&iter, NULL, (void **)&image))
        if (g_strcmp0(image->link.backing, path) == 0)
            g_ptr_array_add(overlays, image);
    return overlays;
}

const struct seen_snapshot *
seen_find_freezing(const struct seen *seen, const char *path, enum held_kind kind)
{
    for (guint i = 0; i < seen->snapshots->len; i++) {
        const struct seen_snapshot *snapshot = g_ptr_array_index(seen->snapshots, i);

        for (guint disk = 0; disk < DISKS_MAX; disk++)
            if (snapshot->disks[disk].kind == kind &&
                g_strcmp0(snapshot->disks[disk].frozen, path) == 0)
                return snapshot;
    }
    return NULL;
}

static void
compare_files(const struct run *run, GHashTable *mine, GHashTable *theirs, bool stamps,
              const char *what)
{
    GHashTableIter iter;
    const char *path, *stamp;

    g_hash_table_iter_init(&iter, mine);
    while (g_hash_table_iter_next(&iter, (void **)&path, (void **)&stamp)) {
        const char *other = g_hash_table_lookup(theirs, path);

        if (!other)
            run_fault(run, "refused, and yet '%s' %s", path, what);
        if (stamps && !g_str_equal(other, stamp))
            run_fault(run, "refused, and yet '%s' is another: %s, then %s", path, stamp, other);
    }
}

void
seen_compare_files(const struct run *run, const struct seen *before, const struct seen *after)
{
    compare_files(run, before->files, after->files, true, "is gone");
    compare_files(run, after->files, before->files, false, "has come");
}
