/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/file.h"

#include <fcntl.h>

#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/scope.h"

/* --- names --- */

static const struct temporary {
    const char *path;
    const char *name;
} temporaries[] = {
    {"/d/a.qcow2", "/d/.a.qcow2.offshot-TOKEN"},
    {"/a", "/.a.offshot-TOKEN"},
    {"/d e/.hidden", "/d e/..hidden.offshot-TOKEN"},
    {"/d/new\nline", "/d/.new\nline.offshot-TOKEN"},
};

START_TEST(temporary_name_lies_beside_the_file)
{
    const struct temporary *temporary = &temporaries[_i];
    g_autofree char *name = file_temporary_name(temporary->path, "TOKEN");

    ck_assert_str_eq(name, temporary->name);
}
END_TEST

START_TEST(temporary_name_of_a_long_name_fits_and_is_cut_between_characters)
{
    static const char *const characters[] = {"x", "é", "日", "😀"};

    for (size_t kind = 0; kind < G_N_ELEMENTS(characters); kind++) {
        for (size_t length = 225; length <= 255; length++) {
            GString *path = g_string_new("/d/");
            g_autofree char *name = NULL;
            g_autofree char *base = NULL;

            while (path->len - 3 + strlen(characters[kind]) <= length)
                g_string_append(path, characters[kind]);
            name = file_temporary_name(path->str, "0123456789ab");
            base = g_path_get_basename(name);
            ck_assert_msg(strlen(base) <= 255, "%zu bytes", strlen(base));
            ck_assert_msg(g_utf8_validate(base, -1, NULL), "cut in a character: %s", base);
            ck_assert(g_str_has_suffix(base, ".offshot-0123456789ab"));
            g_string_free(path, TRUE);
        }
    }
}
END_TEST

START_TEST(tokens_are_twelve_characters_and_differ)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (int i = 0; i < 1000; i++) {
        char *token = file_random_token();

        ck_assert_uint_eq(strlen(token), 12);
        ck_assert_uint_eq(strspn(token, "0123456789abcdefghijklmnopqrstuvwxyz"), 12);
        ck_assert_msg(g_hash_table_add(seen, token), "twice: %s", token);
    }
}
END_TEST

/* --- reading --- */

START_TEST(file_is_read_whole_with_its_nuls)
{
    g_autofree char *path = scratch_path("file");
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    struct file_identity identity;
    struct stat st;
    size_t length;

    scratch_do("printf 'a\\0b\\n' >file");
    text = file_read(path, 4, &length, &identity, &error);
    unit_assert_ok(text != NULL, error);
    ck_assert_uint_eq(length, 4);
    ck_assert_mem_eq(text, "a\0b\n", 5);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(identity.inode, st.st_ino);
    ck_assert_uint_eq(identity.size, 4);
    g_free(text);
    text = file_read(path, 3, &length, NULL, &error);
    ck_assert_ptr_null(text);
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "longer than 3 bytes");
}
END_TEST

START_TEST(empty_file_is_read)
{
    g_autofree char *path = scratch_path("file");
    g_autofree char *text = NULL;
    size_t length = 1;

    scratch_do(": >file");
    text = file_read(path, 0, &length, NULL, NULL);
    ck_assert_ptr_nonnull(text);
    ck_assert_str_eq(text, "");
    ck_assert_uint_eq(length, 0);
}
END_TEST

/* Those of /proc are said to hold nothing, as any file may that grows while it is read. */
START_TEST(file_is_read_to_its_end_whatever_its_size_is_said_to_be)
{
    g_autofree char *text = NULL;
    g_autofree char *whole = NULL;
    g_autoptr(GError) error = NULL;
    struct file_identity identity;
    size_t length, want;

    ck_assert(g_file_get_contents("/proc/version", &whole, &want, NULL));
    text = file_read("/proc/version", want, &length, &identity, &error);
    unit_assert_ok(text != NULL, error);
    ck_assert_uint_eq(identity.size, 0);
    ck_assert_uint_eq(length, want);
    ck_assert_str_eq(text, whole);
    g_free(text);
    text = file_read("/proc/version", want - 1, &length, NULL, &error);
    ck_assert_ptr_null(text);
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "longer than");
}
END_TEST

static const struct unreadable {
    const char *script;
    enum offshot_error code;
} unreadables[] = {
    {":", OFFSHOT_ERROR_NOT_FOUND},
    {"ln -s nowhere file", OFFSHOT_ERROR_NOT_FOUND},
    {"mkdir file", OFFSHOT_ERROR_USAGE},
    {"mkfifo file", OFFSHOT_ERROR_USAGE},
    {"ln -s /dev/zero file", OFFSHOT_ERROR_USAGE},
    {"ln -s file file", OFFSHOT_ERROR_FAILED},
};

START_TEST(what_is_no_regular_file_is_not_read)
{
    const struct unreadable *unreadable = &unreadables[_i];
    g_autofree char *path = scratch_path("file");
    g_autoptr(GError) error = NULL;
    size_t length;

    scratch_do("%s", unreadable->script);
    ck_assert_ptr_null(file_read(path, 100, &length, NULL, &error));
    unit_assert_error(error, unreadable->code, "file");
}
END_TEST

/* --- making --- */

START_TEST(new_file_is_private_under_any_umask)
{
    static const mode_t masks[] = {0, 022, 0277, 0777};

    for (size_t i = 0; i < G_N_ELEMENTS(masks); i++) {
        g_autofree char *path = scratch_path("file");
        mode_t mask = umask(masks[i]);
        scoped_fd fd = file_create(path, NULL);
        struct stat st;

        umask(mask);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fstat(fd, &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        ck_assert_int_eq(unlink(path), 0);
    }
}
END_TEST

START_TEST(new_file_is_made_on_no_name_that_exists)
{
    static const char *const places[] = {"echo mine >file", "mkdir file", "ln -s target file"};

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *path = scratch_path("file");
        g_autoptr(GError) error = NULL;

        scratch_do("rm -rf file; %s", places[i]);
        ck_assert_int_eq(file_create(path, &error), -1);
        unit_assert_error(error, OFFSHOT_ERROR_FAILED, "file");
        scratch_do("test ! -e target");
    }
}
END_TEST

START_TEST(saved_file_replaces_the_old_one_at_once)
{
    g_autofree char *path = scratch_path("file");
    g_autoptr(GError) error = NULL;

    scratch_do("echo old >file; chmod 644 file; ln file other");
    unit_assert_ok(file_save(path, "new", 3, &error), error);
    scratch_do("test \"$(cat file)\" = new; test \"$(cat other)\" = old; "
               "test $(ls -A | wc -l) = 2");
}
END_TEST

START_TEST(file_that_cannot_be_saved_stays)
{
    g_autofree char *path = scratch_path("none/file");
    g_autoptr(GError) error = NULL;

    ck_assert(!file_save(path, "new", 3, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "none/file");
    scratch_do("test -z \"$(ls -A)\"");
}
END_TEST

START_TEST(full_device_is_told_apart)
{
    scoped_fd fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    g_autoptr(GError) error = NULL;

    ck_assert_int_ge(fd, 0);
    ck_assert(!file_write(fd, "/dev/full", "text", 4, &error));
    unit_assert_error(error, OFFSHOT_ERROR_NO_SPACE, "/dev/full");
}
END_TEST

START_TEST(mode_and_access_list_are_copied)
{
    static const char *const modes[] = {"600", "644", "640", "444", "000", "777"};

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *from_path = scratch_path("from");
        g_autofree char *to_path = scratch_path("to");
        scoped_fd from = -1;
        scoped_fd to = -1;
        g_autoptr(GError) error = NULL;

        scratch_do("rm -f from to; touch from to");
        from = open(from_path, O_RDONLY);
        to = open(to_path, O_RDWR);
        scratch_do("chmod %s from", modes[i]);
        unit_assert_ok(file_copy_attributes(from, to, to_path, &error), error);
        scratch_do("test \"$(stat -c %%a:%%u:%%g to)\" = \"$(stat -c %%a:%%u:%%g from)\"");
    }
}
END_TEST

START_TEST(owner_is_copied_or_refused)
{
    g_autofree char *from_path = scratch_path("from");
    g_autofree char *to_path = scratch_path("to");
    scoped_fd from = -1;
    scoped_fd to = -1;
    g_autoptr(GError) error = NULL;

    if (geteuid() != 0)
        return; /* a file of another user cannot be had */
    scratch_do("touch from to; chown 1234:4321 from; chmod 4755 from");
    from = open(from_path, O_RDONLY);
    to = open(to_path, O_RDWR);
    unit_assert_ok(file_copy_attributes(from, to, to_path, &error), error);
    scratch_do("test \"$(stat -c %%u:%%g:%%a to)\" = 1234:4321:755");
}
END_TEST

/* --- identities --- */

START_TEST(identity_tells_files_and_writes_apart)
{
    const struct file_identity one = {1, 2, 3, 4, 0};
    static const struct {
        struct file_identity other;
        bool same;
        bool unchanged;
    } others[] = {
        {{1, 2, 3, 4, 0}, true, true},   {{1, 2, 9, 4, 0}, true, false},
        {{1, 2, 3, 9, 0}, true, false},  {{1, 9, 3, 4, 0}, false, false},
        {{9, 2, 3, 4, 0}, false, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        ck_assert_int_eq(file_identity_is_same_file(&one, &others[i].other), others[i].same);
        ck_assert_int_eq(file_identity_is_unchanged(&one, &others[i].other), others[i].unchanged);
    }
}
END_TEST

START_TEST(identity_has_nanoseconds)
{
    struct stat st = {.st_dev = 1, .st_ino = 2, .st_size = 3};
    struct file_identity identity;

    st.st_mtim = (struct timespec){1795378938, 123456789};
    file_identity_set(&identity, &st);
    ck_assert_int_eq(identity.mtime, 1795378938123456789);
    st.st_mtim = (struct timespec){-1, 5};
    file_identity_set(&identity, &st);
    ck_assert_int_eq(identity.mtime, -999999995);
}
END_TEST

START_TEST(looking_tells_absence_from_failure)
{
    static const struct {
        const char *name;
        bool follow;
        bool exists;
        bool fails;
    } looks[] = {
        {"file", true, true, false},      {"none", true, false, false},
        {"dangling", true, false, false}, {"dangling", false, true, false},
        {"file/x", true, false, false},   {"loop", true, false, true},
        {"loop", false, true, false},
    };

    scratch_do("touch file; ln -s none dangling; ln -s loop loop");
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        g_autofree char *path = scratch_path(looks[i].name);
        g_autoptr(GError) error = NULL;
        struct stat st;
        bool exists;

        ck_assert_int_eq(file_stat(path, looks[i].follow, &st, &exists, &error), looks[i].exists);
        ck_assert_int_eq(exists, looks[i].exists);
        ck_assert_int_eq(error != NULL, looks[i].fails);
    }
}
END_TEST

START_TEST(missing_directory_cannot_be_flushed)
{
    g_autofree char *path = scratch_path("none");
    g_autoptr(GError) error = NULL;

    unit_assert_ok(file_sync_directory(scratch_directory, &error), error);
    ck_assert(!file_sync_directory(path, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "none");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("file");
    TCase *cases = tcase_create("file");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, scratch_setup, scratch_teardown);
    tcase_add_loop_test(cases, temporary_name_lies_beside_the_file, 0, G_N_ELEMENTS(temporaries));
    tcase_add_test(cases, temporary_name_of_a_long_name_fits_and_is_cut_between_characters);
    tcase_add_test(cases, tokens_are_twelve_characters_and_differ);
    tcase_add_test(cases, file_is_read_whole_with_its_nuls);
    tcase_add_test(cases, empty_file_is_read);
    tcase_add_test(cases, file_is_read_to_its_end_whatever_its_size_is_said_to_be);
    tcase_add_loop_test(cases, what_is_no_regular_file_is_not_read, 0, G_N_ELEMENTS(unreadables));
    tcase_add_test(cases, new_file_is_private_under_any_umask);
    tcase_add_test(cases, new_file_is_made_on_no_name_that_exists);
    tcase_add_test(cases, saved_file_replaces_the_old_one_at_once);
    tcase_add_test(cases, file_that_cannot_be_saved_stays);
    tcase_add_test(cases, full_device_is_told_apart);
    tcase_add_test(cases, mode_and_access_list_are_copied);
    tcase_add_test(cases, owner_is_copied_or_refused);
    tcase_add_test(cases, identity_tells_files_and_writes_apart);
    tcase_add_test(cases, identity_has_nanoseconds);
    tcase_add_test(cases, looking_tells_absence_from_failure);
    tcase_add_test(cases, missing_directory_cannot_be_flushed);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
