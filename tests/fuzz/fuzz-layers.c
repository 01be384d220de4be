/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "load/layers.h"

/* The list of unnamed layers, in a directory of its own with one raw image in it. */

static char *directory;
static char *image;
static char *list;

static void
remove_directory(void)
{
    g_unlink(list);
    g_unlink(image);
    g_rmdir(directory);
}

static void
make_directory(void)
{
    if (directory)
        return;
    directory = g_dir_make_tmp("offshot-fuzz-XXXXXX", NULL);
    g_assert(directory);
    image = g_build_filename(directory, "image", NULL);
    list = g_build_filename(directory, "layers", NULL);
    g_assert(g_file_set_contents(image, "image", -1, NULL));
    atexit(remove_directory);
}

static void
add_identity(GString *text, const char *path)
{
    struct file_identity identity;
    struct stat st;

    g_assert(stat(path, &st) == 0);
    file_identity_set(&identity, &st);
    file_identity_add_birth(&identity, -1, path);
    g_string_append_printf(text, "%" PRIu64 " %" PRId64 " ", identity.inode, identity.birth);
}

static void
write_list(const char *text, gssize length)
{
    /* a file that is there is not made shorter */
    g_unlink(list);
    g_assert(g_file_set_contents_full(list, text, length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* DATA as a list; in it "@" and "$" are the identities that no fuzzer guesses: that of the image
 * with all that follows in a line, and that of the directory.
 */
static void
save_list(const uint8_t *data, size_t size)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (size_t i = 0; i < size; i++) {
        if (data[i] == '@') {
            add_identity(text, image);
            g_string_append_printf(text, "raw %s", image);
        } else if (data[i] == '$') {
            add_identity(text, directory);
            g_string_append(text, directory);
        } else {
            g_string_append_c(text, (char)data[i]);
        }
    }
    write_list(text->str, (gssize)text->len);
}

/* How many layers were read; -1: it is damaged. WRITE them again, which must read the same. */
static int
load(bool write)
{
    struct domain_location location = {.state = directory};
    scoped(image_graph) graph = image_graph_new();
    g_autoptr(GHashTable) layers = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) flattened = g_hash_table_new(NULL, NULL);
    struct state state = {
        .location = &location, .graph = graph, .layers = layers, .flattened = flattened};
    g_autoptr(GError) error = NULL;
    bool loaded = state_load_layers(&state, &error);
    g_autoptr(GPtrArray) images = g_ptr_array_new();
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *text = NULL;
    GHashTableIter iter;
    gpointer known;

    g_hash_table_iter_init(&iter, layers);
    while (g_hash_table_iter_next(&iter, &known, NULL))
        g_ptr_array_add(images, known);
    g_assert(loaded == !error);
    g_assert(loaded || images->len == 0);
    g_assert(images->len <= 1);
    if (loaded && write) {
        text = state_layers_format(&state, images, none, none);
        write_list(text, -1);
        g_assert(load(false) == (int)images->len);
    }
    g_clear_pointer(&state.kept, g_ptr_array_unref);
    return loaded ? (int)images->len : -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    make_directory();
    save_list(data, size);
    load(true);
    return 0;
}
