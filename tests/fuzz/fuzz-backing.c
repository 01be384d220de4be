/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>
#include <jansson.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "image/backing-guess.h"
#include "util/scope.h"

#define IMAGE "/d/image"

/* What BACKING leads to; what cannot be told has an error. */
static char *
resolve(const char *backing)
{
    g_autoptr(GError) error = NULL;
    char *path = backing_guess_resolve(IMAGE, backing, &error);

    g_assert(!path || !error);
    g_assert(!path || *path == '/');
    return path;
}

/* A name within a json: text leads to where the name alone does. */
static void
check_within(const char *name)
{
    json_t *root = json_pack("{s:s, s:{s:s, s:s}}", "driver", "qcow2", "file", "driver", "file",
                             "filename", name);
    g_autofree char *text = root ? json_dumps(root, 0) : NULL;
    g_autofree char *backing = text ? g_strconcat("json:", text, NULL) : NULL;
    g_autofree char *direct = NULL;
    g_autofree char *within = NULL;

    json_decref(root);
    if (!backing || g_str_has_prefix(name, "json:"))
        return;
    direct = resolve(name);
    within = resolve(backing);
    g_assert_cmpstr(direct, ==, within);
}

static void
fuzz_name(const char *name)
{
    g_autofree char *path = resolve(name);
    g_autofree char *prefixed = g_strconcat("file:", name, NULL);
    g_autofree char *same = NULL;

    check_within(name);
    if (!path || strchr(name, ':'))
        return;
    same = resolve(prefixed);
    g_assert_cmpstr(same, ==, path);
}

/* DATA as an image that stands on something. */
static void
fuzz_image(const uint8_t *data, size_t size)
{
    scoped_fd fd = memfd_create("fuzz-backing", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    g_autofree char *below = NULL;
    struct image_file file = {0};

    g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    g_assert(image_file_look(&file, path, NULL));
    below = backing_guess(path, &file, &error);
    g_assert(!below || (!error && *below == '/'));
}

/* The first byte picks what the rest is: an image, or only a backing string. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *name = NULL;

    if (size < 2)
        return 0;
    if (data[0] & 1) {
        fuzz_image(data + 1, size - 1);
        return 0;
    }
    name = g_strndup((const char *)data + 1, size - 1);
    fuzz_name(name);
    return 0;
}
