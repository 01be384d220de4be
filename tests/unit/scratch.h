/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <check.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A scratch directory of the test, and real images in it. check runs each test in a process of its
 * own: the fixture makes and removes one directory per test.
 */
static char *scratch_directory;

static inline void
scratch_setup(void)
{
    scratch_directory = g_dir_make_tmp("offshot-unit-XXXXXX", NULL);
    ck_assert_ptr_nonnull(scratch_directory);
}

static inline void
scratch_teardown(void)
{
    const char *argv[] = {"rm", "-rf", scratch_directory, NULL};

    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    g_clear_pointer(&scratch_directory, g_free);
}

/* The path of NAME in the scratch directory. */
static inline char *
scratch_path(const char *name)
{
    return g_build_filename(scratch_directory, name, NULL);
}

/* Run a shell script in the scratch directory; it has to succeed. Returns its output. */
static inline char *
scratch_run(const char *script)
{
    const char *argv[] = {"/bin/sh", "-euc", script, NULL};
    char *out = NULL;
    int status = -1;

    ck_assert(g_spawn_sync(scratch_directory, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL,
                           &out, NULL, &status, NULL));
    ck_assert_msg(status == 0, "failed: %s", script);
    return out;
}

G_GNUC_PRINTF(1, 2)
static inline void
scratch_do(const char *format, ...)
{
    va_list args;
    char *script;

    va_start(args, format);
    script = g_strdup_vprintf(format, args);
    va_end(args);
    g_free(scratch_run(script));
    g_free(script);
}

/* The first LENGTH bytes of NAME; *GOT says how many there are. */
static inline uint8_t *
scratch_read(const char *name, size_t length, size_t *got)
{
    g_autofree char *path = scratch_path(name);
    uint8_t *data = g_malloc(length);
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    *got = fread(data, 1, length, file);
    fclose(file);
    return data;
}

/* Whether PROGRAM is there; says so when not, for a test program that then exits 77. */
static inline bool
scratch_has(const char *program)
{
    g_autofree char *path = g_find_program_in_path(program);

    if (!path)
        printf("SKIP: %s is missing\n", program);
    return path != NULL;
}
