/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/stores.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/lookup.h"
#include "store/uri.h"
#include "util/error.h"
#include "util/file.h"

#define STORES_HEADER "offshot stores 1\n"
#define STORES_MAX (1024 * 1024)

static char *
list_path(const char *state)
{
    return g_build_filename(state, "stores", NULL);
}

/* The paths of TEXT; NULL when it is no such list. */
static GPtrArray *
parse(const char *text, size_t length)
{
    g_autoptr(GPtrArray) stores = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) lines = NULL;

    if (strlen(text) != length || !g_str_has_prefix(text, STORES_HEADER) ||
        text[length - 1] != '\n')
        return NULL;
    lines = g_strsplit(text + strlen(STORES_HEADER), "\n", -1);
    /* the last one is what follows the last line break: nothing */
    for (char **line = lines; line[0] && line[1]; line++) {
        char *path = g_uri_unescape_string(*line, NULL);

        if (path)
            g_ptr_array_add(stores, path);
        if (!path || *path != '/')
            return NULL;
    }
    return g_steal_pointer(&stores);
}

GPtrArray *
stores_load(const char *state, GError **error)
{
    g_autofree char *path = list_path(state);
    g_autoptr(GError) local = NULL;
    size_t length;
    g_autofree char *text = file_read(path, STORES_MAX, &length, NULL, &local);
    GPtrArray *stores;

    if (g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND))
        return g_ptr_array_new_with_free_func(g_free);
    if (!text && !g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    stores = text ? parse(text, length) : NULL;
    if (!stores)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "the list of stores '%s' is damaged: restore it, or remove it, after which "
                    "images that snapshots in other stores need are not known any more",
                    path);
    return stores;
}

static bool
save(const char *path, const GPtrArray *stores, GError **error)
{
    g_autoptr(GString) text = g_string_new(STORES_HEADER);

    if (stores->len == 0) {
        if (unlink(path) == 0 || errno == ENOENT)
            return true;
        offshot_set_error_errno(error, errno, "cannot remove '%s'", path);
        return false;
    }
    for (guint i = 0; i < stores->len; i++) {
        g_autofree char *escaped = g_uri_escape_string(g_ptr_array_index(stores, i), "/", FALSE);

        g_string_append_printf(text, "%s\n", escaped);
    }
    return file_save(path, text->str, text->len, error);
}

bool
stores_note(const struct domain_location *location, GError **error)
{
    g_autofree char *path = list_path(location->state);
    g_autofree char *usual = domain_location_find_store(location, location->xml);
    g_autoptr(GPtrArray) stores = stores_load(location->state, error);
    guint before = stores ? stores->len : 0;
    bool listed;

    if (!stores)
        return false;
    for (guint i = stores->len; i > 0; i--) {
        if (!g_file_test(g_ptr_array_index(stores, i - 1), G_FILE_TEST_IS_DIR))
            g_ptr_array_remove_index(stores, i - 1);
    }
    listed = strcmp(location->store, usual) == 0 ||
             g_ptr_array_find_with_equal_func(stores, location->store, g_str_equal, NULL);
    if (listed && stores->len == before)
        return true;
    if (!listed)
        g_ptr_array_add(stores, g_strdup(location->store));
    return save(path, stores, error);
}

static void
keeper_free(gpointer data)
{
    struct stores_keeper *keeper = data;

    g_free(keeper->xml);
    g_free(keeper->store);
    g_free(keeper);
}

GPtrArray *
stores_find_keepers(const struct domain_location *location, const char *uuid)
{
    static const char *const usual[] = {"qemu:///system", "qemu:///session"};
    GPtrArray *keepers = g_ptr_array_new_with_free_func(keeper_free);

    for (size_t i = 0; !location->uri && uuid && i < G_N_ELEMENTS(usual); i++) {
        scoped(uri_directories) directories = uri_directories_new(usual[i], NULL);
        g_autofree char *name = domain_lookup(directories, uuid, NULL);
        g_autofree char *file = name ? g_strconcat(name, ".xml", NULL) : NULL;
        struct stores_keeper *keeper;

        if (!name)
            continue;
        keeper = g_new0(struct stores_keeper, 1);
        keeper->xml = g_build_filename(directories->config, file, NULL);
        keeper->store = g_build_filename(directories->lib, "snapshot", name, NULL);
        g_ptr_array_add(keepers, keeper);
    }
    return keepers;
}
