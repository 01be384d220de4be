/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"

/* main() for a fuzzer that is built without a fuzzing engine: feeds it files and directories of
 * files.
 *
 * Without arguments, replay-NAME takes $srcdir/fuzz/corpus/NAME. A corpus without files is an
 * error.
 */

static unsigned replayed;

static bool
replay_file(const char *path)
{
    g_autofree char *content = NULL;
    g_autofree uint8_t *data = NULL;
    g_autoptr(GError) error = NULL;
    size_t size;

    if (!g_file_get_contents(path, &content, &size, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    printf("%s\n", path);
    fflush(stdout);
    /* A copy of the exact size, as an engine makes it, so that a sanitizer sees a read past the
     * end. */
    data = g_malloc(MAX(size, 1));
    memcpy(data, content, size);
    LLVMFuzzerTestOneInput(data, size);
    replayed++;
    return true;
}

static bool
replay_path(const char *path)
{
    g_autoptr(GDir) directory = NULL;
    g_autoptr(GError) error = NULL;
    const char *name;

    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        return replay_file(path);
    directory = g_dir_open(path, 0, &error);
    if (!directory) {
        fprintf(stderr, "%s\n", error->message);
        return false;
    }
    while ((name = g_dir_read_name(directory))) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        if (!replay_file(file))
            return false;
    }
    return true;
}

static char *
default_corpus(const char *program)
{
    const char *name = strstr(program, "replay-");
    const char *srcdir = g_getenv("srcdir");

    if (!name)
        return NULL;
    return g_build_filename(srcdir ? srcdir : ".", "fuzz", "corpus", name + strlen("replay-"),
                            NULL);
}

int
main(int argc, char **argv)
{
    g_autofree char *program = g_path_get_basename(argv[0]);
    g_autofree char *corpus = default_corpus(program);

    if (argc < 2 && corpus && !replay_path(corpus))
        return EXIT_FAILURE;
    for (int i = 1; i < argc; i++) {
        if (!replay_path(argv[i]))
            return EXIT_FAILURE;
    }
    if (replayed == 0) {
        fprintf(stderr, "%s: nothing to replay\n", program);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
