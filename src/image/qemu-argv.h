/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>

/* Putting argument vectors together; only for the files that build them. */

/* Append COUNT words to an argument vector under construction. */
static inline void
argv_add(GPtrArray *argv, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_ptr_array_add(argv, g_strdup(words[i]));
}

#define ARGV_ADD(argv, ...)                                                                        \
    argv_add(argv, (const char *const[]){__VA_ARGS__},                                             \
             sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* The finished vector, NULL-terminated; the array is gone. Free with g_strfreev(). */
static inline char **
argv_finish(GPtrArray *argv)
{
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}
