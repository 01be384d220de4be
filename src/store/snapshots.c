/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/snapshots.h"

#include <stdlib.h>
#include <string.h>

#include "util/error.h"

static void
snapshot_file_free(struct snapshot_file *file)
{
    g_free(file->path);
    g_free(file);
}

void
snapshot_store_free(struct snapshot_store *store)
{
    if (!store)
        return;
    g_free(store->directory);
    snapshot_tree_free(store->tree);
    g_hash_table_unref(store->files);
    g_ptr_array_unref(store->problems);
    g_free(store);
}

static void
add_problem(struct snapshot_store *store, const GError *error)
{
    g_ptr_array_add(store->problems, g_strdup(error->message));
}

static struct snapshot_def *
load_def(const char *path, struct file_identity *identity, GError **error)
{
    g_autofree char *text = NULL;
    size_t length;

    text = file_read(path, SNAPSHOT_XML_MAX, &length, identity, error);
    return text ? snapshot_def_parse(text, length, path, SNAPSHOT_DEF_STORED, error) : NULL;
}

static void
load_entry(struct snapshot_store *store, const char *entry)
{
    g_autofree char *path = g_build_filename(store->directory, entry, NULL);
    g_autofree char *expected = NULL;
    g_autoptr(GError) error = NULL;
    struct file_identity identity;
    struct snapshot_def *def = load_def(path, &identity, &error);
    struct snapshot_file *file;
    g_autofree char *name = NULL;

    if (!def) {
        add_problem(store, error);
        return;
    }
    name = g_strdup(def->name);
    if (!snapshot_tree_add(store->tree, def, &error)) {
        g_prefix_error(&error, "'%s' is not used: ", path);
        add_problem(store, error);
        return;
    }
    expected = g_strconcat(name, ".xml", NULL);
    if (strcmp(expected, entry) != 0)
        g_ptr_array_add(store->problems,
                        g_strdup_printf("'%s' holds snapshot '%s', which should lie in '%s'", path,
                                        name, expected));
    file = g_new0(struct snapshot_file, 1);
    file->path = g_steal_pointer(&path);
    file->identity = identity;
    g_hash_table_insert(store->files, g_steal_pointer(&name), file);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The entries of DIRECTORY, sorted, so that the same store always gives the same tree. */
static GPtrArray *
list_entries(GDir *directory)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func(g_free);
    const char *entry;

    while ((entry = g_dir_read_name(directory)))
        g_ptr_array_add(entries, g_strdup(entry));
    g_ptr_array_sort(entries, compare_names);
    return entries;
}

/* DIRECTORY without symbolic links, so that "beside it" is on the same file system; as it is when
 * there is none.
 */
static char *
real_directory(const char *directory)
{
    char *resolved = realpath(directory, NULL);
    char *real = g_strdup(resolved ? resolved : directory);

    free(resolved);
    return real;
}

struct snapshot_store *
snapshot_store_load(const char *directory, GError **error)
{
    scoped(snapshot_store) store = g_new0(struct snapshot_store, 1);
    g_autoptr(GError) local = NULL;
    g_autoptr(GDir) entries = g_dir_open(directory, 0, &local);
    g_autoptr(GPtrArray) names = NULL;

    store->directory = real_directory(directory);
    store->tree = snapshot_tree_new();
    store->problems = g_ptr_array_new_with_free_func(g_free);
    store->files =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)snapshot_file_free);
    store->exists = entries != NULL;
    if (!entries && !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "cannot read the snapshot store '%s': %s", directory, local->message);
        return NULL;
    }
    names = entries ? list_entries(entries) : g_ptr_array_new();
    for (guint i = 0; i < names->len; i++)
        load_entry(store, g_ptr_array_index(names, i));
    snapshot_tree_link(store->tree, store->problems);
    return g_steal_pointer(&store);
}

static bool
has_other_uuid(const struct domain_def *one, const struct domain_def *other)
{
    return one && one->uuid && other->uuid && strcmp(one->uuid, other->uuid) != 0;
}

void
snapshot_store_check_domain(struct snapshot_store *store, const struct domain_def *domain)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(store->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (has_other_uuid(def->domain, domain) || has_other_uuid(def->inactive_domain, domain))
            g_ptr_array_add(store->problems,
                            g_strdup_printf("'%s' holds a snapshot of a domain with another uuid",
                                            snapshot_store_find_file(store, def->name)->path));
    }
}

const struct snapshot_file *
snapshot_store_find_file(const struct snapshot_store *store, const char *name)
{
    return g_hash_table_lookup(store->files, name);
}

char *
snapshot_store_path(const struct snapshot_store *store, const char *name)
{
    g_autofree char *file = g_strconcat(name, ".xml", NULL);

    return g_build_filename(store->directory, file, NULL);
}
