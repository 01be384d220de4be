/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/domains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "load/domain-files.h"
#include "load/noted.h"
#include "load/unread.h"
#include "store/stores.h"
#include "util/error.h"

/* On any image, wherever that is. */
static void
note_on_all(struct search *search, const char *text)
{
    GHashTableIter iter;
    gpointer file;

    g_hash_table_iter_init(&iter, search->images);
    while (g_hash_table_iter_next(&iter, &file, NULL))
        outside_note(search->outside, file, g_strdup(text), NULL);
}

void
search_unknown(const struct neighbour *neighbour, const char *path)
{
    g_autofree char *text = g_strdup_printf("%s of %s (cannot be read)", path, neighbour->owner);

    note_on_all(neighbour->search, text);
}

void
search_look_beside(struct search *search, const char *path)
{
    g_autoptr(GPtrArray) unreadable = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *directory = g_path_get_dirname(path);
    char *resolved = realpath(directory, NULL);

    /* what cannot be read there may be anybody's */
    if (resolved && g_hash_table_add(search->looked, g_strdup(resolved))) {
        g_hash_table_add(search->state->searched, g_strdup(resolved));
        outside_look(search->outside, resolved, unreadable);
    }
    free(resolved);
}

void
search_image(const struct neighbour *neighbour, const char *path, struct image_file *file,
             GError **error)
{
    struct search *search = neighbour->search;
    g_autoptr(GError) local = NULL;

    /* the operation itself will look there once more */
    if (!file->block)
        search_look_beside(search, path);
    if (g_hash_table_contains(search->images, file)) {
        if (!neighbour->is_own)
            outside_note(search->outside, file, g_strdup_printf("%s of %s", path, neighbour->owner),
                         NULL);
        return;
    }
    if (outside_follow(search->outside, path, file, &local))
        return;
    if (!g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT))
        search_unknown(neighbour, path);
    g_propagate_error(error, g_steal_pointer(&local));
}

/* Follow the image at PATH, which the domain names. MOVES: others may be found beside it when it is
 * missing.
 */
static void
follow_path(const struct neighbour *neighbour, const char *path, bool moves)
{
    struct image_file file = {0};
    g_autoptr(GError) error = NULL;

    if (!path || !g_path_is_absolute(path))
        return;
    if (image_file_look(&file, path, &error))
        search_image(neighbour, path, &file, &error);
    else if (g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED))
        search_unknown(neighbour, path);
    if (moves && g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT))
        g_hash_table_add(neighbour->search->strayed, g_path_get_dirname(path));
}

static void
follow_disk(const struct neighbour *neighbour, const struct domain_disk *disk)
{
    if (disk->type != DISK_TYPE_FILE && disk->type != DISK_TYPE_BLOCK)
        return;
    follow_path(neighbour, disk->source, disk->type == DISK_TYPE_FILE);
    for (guint i = 0; disk->layers && i < disk->layers->len; i++) {
        const struct domain_layer *layer = g_ptr_array_index(disk->layers, i);

        follow_path(neighbour, layer->source, false);
    }
}

static void
follow_disks(const struct neighbour *neighbour, const struct domain_def *domain)
{
    for (guint i = 0; domain && i < domain->disks->len; i++)
        follow_disk(neighbour, g_ptr_array_index(domain->disks, i));
}

/* Follow IMAGE, which a file that nobody can read names. */
static void
follow_named(const struct neighbour *unread, const char *image)
{
    struct image_file file = {0};

    if (!image_file_look(&file, image, NULL))
        return;
    if (g_hash_table_contains(unread->search->images, &file))
        outside_note(unread->search->outside, &file, g_strdup(unread->owner), NULL);
    else
        search_image(unread, image, &file, NULL);
}

/* Follow PATH, which may be XML of a ROOT that we cannot read: whatever it names. */
static void
follow_unread(struct search *search, const char *path, const char *root)
{
    scoped(unread) unread = unread_load(path, root);
    g_autoptr(GPtrArray) paths = unread ? unread_paths(unread) : NULL;
    g_autofree char *owner = g_strdup_printf("%s (cannot be read)", path);
    const struct neighbour neighbour = {.search = search, .owner = owner};
    GHashTableIter iter;
    gpointer file;
    gpointer image;

    if (!unread)
        return;
    g_hash_table_iter_init(&iter, search->images);
    while (g_hash_table_iter_next(&iter, &file, &image)) {
        if (unread_names(unread, ((const struct image *)image)->path))
            outside_note(search->outside, file, g_strdup(owner), NULL);
    }
    for (guint i = 0; i < paths->len; i++)
        follow_named(&neighbour, g_ptr_array_index(paths, i));
}

/* Note in which internal snapshots of our images DEF, which OWNER is, has its disks. */
static void
note_claims(struct search *search, const struct snapshot_def *def, const char *owner)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);
        const char *path = disk->snapshot == SNAPSHOT_LOCATION_INTERNAL
                               ? snapshot_def_frozen_path(def, disk->name)
                               : NULL;
        struct image_file file = {0};
        const struct image *image;

        if (!path || !g_path_is_absolute(path) || !image_file_look(&file, path, NULL))
            continue;
        image = g_hash_table_lookup(search->images, &file);
        if (image)
            state_add_claim(search->state, image, def->name, owner);
    }
}

/* Follow the snapshot in the file PATH; DOMAIN's owner says where it belongs. */
static void
follow_snapshot(const struct neighbour *domain, const char *path)
{
    size_t length;
    g_autofree char *text = file_read(path, SNAPSHOT_XML_MAX, &length, NULL, NULL);
    scoped(snapshot_def) def =
        text ? snapshot_def_parse(text, length, path, SNAPSHOT_DEF_STORED, NULL) : NULL;
    g_autofree char *owner =
        def ? g_strdup_printf("snapshot '%s' %s", def->name, domain->owner) : NULL;
    const struct neighbour snapshot = {.search = domain->search, .owner = owner};

    if (!def) {
        follow_unread(domain->search, path, "domainsnapshot");
        return;
    }
    follow_disks(&snapshot, def->domain);
    follow_disks(&snapshot, def->inactive_domain);
    note_claims(domain->search, def, owner);
}

/* Whether nobody has looked into STORE yet, by whatever name. */
static bool
is_news(struct search *search, const char *store)
{
    char *resolved = realpath(store, NULL);
    bool news = resolved ? g_hash_table_add(search->stores, g_strdup(resolved))
                         : errno != ENOENT && errno != ENOTDIR;

    free(resolved);
    return news;
}

/* Snapshots of our own domain that are in another store are not ours. */
static void
follow_snapshots(const struct neighbour *domain, const char *store)
{
    g_autofree char *where = domain->is_own ? g_strdup_printf("in '%s'", store)
                                            : g_strdup_printf("of %s", domain->owner);
    const struct neighbour other = {.search = domain->search, .owner = where};
    g_autoptr(GPtrArray) paths = NULL;

    if (!is_news(domain->search, store))
        return;
    paths = domain_files_list(store, NULL);
    if (!paths)
        search_unknown(domain, store);
    for (guint i = 0; paths && i < paths->len; i++)
        follow_snapshot(&other, g_ptr_array_index(paths, i));
}

/* Follow the snapshots in the stores that --store has named for a domain with STATE. */
static void
follow_stores(const struct neighbour *domain, const char *state)
{
    g_autoptr(GPtrArray) stores = stores_load(state, NULL);

    if (!stores)
        search_unknown(domain, state);
    for (guint i = 0; stores && i < stores->len; i++)
        follow_snapshots(domain, g_ptr_array_index(stores, i));
}

/* Follow the domain in the file PATH, and its snapshots in STORE. */
static void
follow_domain(struct search *search, const char *path, const char *store)
{
    scoped(domain_def) domain = domain_files_read(path);
    g_autofree char *owner = domain ? g_strdup_printf("domain '%s'", domain->name) : g_strdup(path);
    g_autofree char *state = domain_location_find_state(search->state->location, path);
    struct neighbour neighbour = {.search = search, .owner = owner};

    /* what a copy of our own definition names of our images is no use of anybody else's */
    neighbour.is_own = domain && domain_def_is_same_domain(search->state->domain, domain);
    if (domain)
        follow_disks(&neighbour, domain);
    else
        follow_unread(search, path, "domain");
    follow_snapshots(&neighbour, store);
    if (strcmp(state, search->state->location->state) == 0)
        return;
    follow_stores(&neighbour, state);
    search_noted(&neighbour, state);
}

/* Follow what else is known of our own domain. */
static void
follow_own(struct search *search)
{
    const struct state *state = search->state;
    const struct neighbour own = {.search = search, .is_own = true, .owner = state->domain->name};
    g_autoptr(GPtrArray) keepers = stores_find_keepers(state->location, state->domain->uuid);

    for (guint i = 0; i < search->others->len; i++)
        follow_snapshots(&own, g_ptr_array_index(search->others, i));
    for (guint i = 0; i < keepers->len; i++) {
        const struct stores_keeper *keeper = g_ptr_array_index(keepers, i);

        follow_domain(search, keeper->xml, keeper->store);
    }
}

/* Look for the images that were missing. Of files that cannot be read nothing is known here: they
 * may be anybody's.
 */
static void
follow_strayed(struct search *search)
{
    g_autoptr(GPtrArray) unreadable = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer directory;

    g_hash_table_iter_init(&iter, search->strayed);
    while (g_hash_table_iter_next(&iter, &directory, NULL)) {
        if (!g_file_test(directory, G_FILE_TEST_IS_DIR))
            continue;
        g_hash_table_add(search->state->searched, g_strdup(directory));
        outside_look(search->outside, directory, unreadable);
    }
}

void
search_domains(struct search *search)
{
    g_autofree char *directory = g_path_get_dirname(search->state->location->xml);
    g_autoptr(GPtrArray) paths = domain_files_beside(directory, NULL);

    if (!paths) {
        g_autofree char *unknown = g_strconcat(directory, " (cannot be read)", NULL);

        note_on_all(search, unknown);
    }
    /* the tree has them */
    is_news(search, search->state->location->store);
    follow_own(search);
    for (guint i = 0; paths && i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);
        g_autofree char *store = domain_location_find_store(search->state->location, path);

        follow_domain(search, path, store);
    }
    follow_strayed(search);
}
