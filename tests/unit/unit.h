/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/error.h"

#include <check.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Run SUITE and free it; returns the exit status of the test program. check runs each test in a
 * process of its own unless CK_FORK=no is in the environment. What nohup or a shell's '&' ignores
 * is heard.
 */
static inline int
unit_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    signal(SIGHUP, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* UNIT_MAIN(name, test, test, …) makes a program of a file of tests that need no fixture. */
static inline int
unit_run_tests(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *cases = tcase_create(name);

    tcase_set_timeout(cases, 120);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}

#define UNIT_MAIN(name, ...)                                                                       \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
                                                                                                   \
        return unit_run_tests(name, tests, G_N_ELEMENTS(tests));                                   \
    }

/* A call that must succeed, and one that must fail with CODE and FRAGMENT in its message. ERROR is
 * a GError *, and NULL again behind both.
 */
#define unit_assert_ok(condition, error)                                                           \
    do {                                                                                           \
        bool unit_ok = (condition);                                                                \
        ck_assert_msg(unit_ok, "%s: %s", #condition, (error) ? (error)->message : "no error");     \
        ck_assert_ptr_null(error);                                                                 \
    } while (0)

#define unit_assert_error(error, wanted, fragment)                                                 \
    do {                                                                                           \
        ck_assert_msg((error) != NULL, "no error, but expected: %s", fragment);                    \
        ck_assert_msg(strstr((error)->message, fragment) != NULL, "'%s' is not in: %s", fragment,  \
                      (error)->message);                                                           \
        ck_assert_msg((error)->domain == OFFSHOT_ERROR, "foreign error: %s", (error)->message);    \
        ck_assert_int_eq((error)->code, (int)(wanted));                                            \
        g_clear_error(&(error));                                                                   \
    } while (0)

/* TEXT with every FROM, of which there is one at least, replaced by TO. Free with g_free(). */
static inline char *
unit_replace(const char *text, const char *from, const char *to)
{
    g_auto(GStrv) parts = g_strsplit(text, from, -1);

    ck_assert_msg(g_strv_length(parts) > 1, "'%s' is not in the text", from);
    return g_strjoinv(to, parts);
}

/* The directory tests/data: TEST_DATA_DIR if the build defines it, else found from automake's
 * $srcdir, wherever in the tree the Makefile is. Free with g_free().
 */
static inline char *
unit_data_dir(void)
{
#ifdef TEST_DATA_DIR
    return g_strdup(TEST_DATA_DIR);
#else
    static const char *const places[] = {"tests/data", "data", "../data", "../tests/data"};
    const char *srcdir = g_getenv("srcdir");

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = g_build_filename(srcdir ? srcdir : ".", places[i], NULL);
        g_autofree char *probe = g_build_filename(path, "snapshot", NULL);

        if (g_file_test(probe, G_FILE_TEST_IS_DIR))
            return g_steal_pointer(&path);
    }
    ck_abort_msg("tests/data is not to be found; set srcdir");
    return NULL;
#endif
}

/* A file of ours, relative to tests/data. Free with g_free(). */
static inline char *
unit_path(const char *relative)
{
    g_autofree char *dir = unit_data_dir();

    return g_build_filename(dir, relative, NULL);
}

/* Read all of DIR/NAME (LENGTH may be NULL). Free with g_free(). Not inline: gcc 12 would warn of a
 * dangling pointer that is none.
 */
G_GNUC_UNUSED G_GNUC_NO_INLINE static char *
unit_load(const char *dir, const char *name, size_t *length)
{
    g_autofree char *path = g_build_filename(dir, name, NULL);
    g_autoptr(GError) error = NULL;
    char *text = NULL;

    ck_assert_msg(g_file_get_contents(path, &text, length, &error), "%s",
                  error ? error->message : path);
    return text;
}

/* The names of all files in DIR that end in SUFFIX, sorted; at least one. Free with
 * g_ptr_array_unref().
 */
static inline int
unit_compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static inline GPtrArray *
unit_list(const char *dir, const char *suffix)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *handle = g_dir_open(dir, 0, NULL);
    const char *name;

    ck_assert_msg(handle != NULL, "cannot read %s", dir);
    while ((name = g_dir_read_name(handle))) {
        if (g_str_has_suffix(name, suffix))
            g_ptr_array_add(names, g_strdup(name));
    }
    g_dir_close(handle);
    ck_assert_msg(names->len > 0, "nothing in %s", dir);
    g_ptr_array_sort(names, unit_compare_names);
    return names;
}

/* Check ERROR against DIR/NAME with .expect instead of .xml: the exit code, a blank, a fragment of
 * the message. Clears ERROR.
 */
static inline void
unit_check_expected(const char *dir, const char *name, GError **error)
{
    g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".xml"));
    g_autofree char *file = g_strconcat(stem, ".expect", NULL);
    g_autofree char *text = g_strchomp(unit_load(dir, file, NULL));
    char *fragment = strchr(text, ' ');

    ck_assert_msg(*error != NULL, "%s: no error, but expected: %s", name, text);
    ck_assert_msg(fragment != NULL && fragment[1] != '\0', "%s: no message expected", file);
    fragment++;
    ck_assert_msg((*error)->domain == OFFSHOT_ERROR && (*error)->code == atoi(text),
                  "%s: code %d: %s", name, (*error)->code, (*error)->message);
    ck_assert_msg(strstr((*error)->message, fragment) != NULL, "%s: '%s' is not in: %s", name,
                  fragment, (*error)->message);
    g_clear_error(error);
}
