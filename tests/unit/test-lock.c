/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <fcntl.h>

#include "image/lock.h"
#include "unit/qemu-io.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/error.h"
#include "util/scope.h"

static char *image;

static void
setup(void)
{
    scratch_setup();
    scratch_do("qemu-img create -q -f qcow2 image 1M; qemu-img create -q -f raw base 1M; "
               "qemu-img create -q -f qcow2 -b base -F raw overlay");
    image = scratch_path("image");
}

static void
teardown(void)
{
    g_clear_pointer(&image, g_free);
    scratch_teardown();
}

static int
image_fd(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* Who uses PATH, as a descriptor that holds no lock sees it. */
static enum image_use
use_of(const char *path)
{
    scoped_fd fd = image_fd(path);
    enum image_use use = IMAGE_WRITTEN;
    g_autoptr(GError) error = NULL;

    ck_assert(image_lock_query(fd, &use, &error));
    return use;
}

/* Whether a fresh QEMU process can open PATH. */
static bool
qemu_can_open(const char *path, bool readonly)
{
    const char *argv[] = {"qemu-io", "-f", "qcow2", "-c", "length", readonly ? "-r" : "--",
                          path,      NULL};
    int status = -1;

    ck_assert(
        g_spawn_sync(NULL, (char **)argv, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, &status, NULL));
    return status == 0;
}

START_TEST(idle_image_is_unused)
{
    ck_assert_int_eq(use_of(image), IMAGE_UNUSED);
}
END_TEST

START_TEST(writer_and_reader_are_told_apart)
{
    bool readonly = _i == 1;
    struct qemu_io process;

    qemu_io_open(&process, image, "qcow2", readonly);
    ck_assert_int_eq(use_of(image), readonly ? IMAGE_READ : IMAGE_WRITTEN);
    qemu_io_close(&process);
    ck_assert_int_eq(use_of(image), IMAGE_UNUSED);
}
END_TEST

START_TEST(backing_image_of_a_writer_counts_as_read)
{
    g_autofree char *overlay = scratch_path("overlay");
    g_autofree char *base = scratch_path("base");
    struct qemu_io process;

    qemu_io_open(&process, overlay, "qcow2", false);
    ck_assert_int_eq(use_of(overlay), IMAGE_WRITTEN);
    ck_assert_int_eq(use_of(base), IMAGE_READ);
    qemu_io_close(&process);
}
END_TEST

START_TEST(own_lock_does_not_count_through_its_descriptor)
{
    scoped_fd fd = image_fd(image);
    enum image_use use = IMAGE_WRITTEN;

    ck_assert(image_lock_take(fd, image, true, NULL));
    ck_assert(image_lock_query(fd, &use, NULL));
    ck_assert_int_eq(use, IMAGE_UNUSED);
    ck_assert_int_eq(use_of(image), IMAGE_WRITTEN);
}
END_TEST

START_TEST(shared_lock_keeps_writers_out_and_lets_readers_in)
{
    scoped_fd fd = image_fd(image);
    scoped_fd other = image_fd(image);

    ck_assert(image_lock_take(fd, image, false, NULL));
    ck_assert(!qemu_can_open(image, false));
    ck_assert(qemu_can_open(image, true));
    ck_assert(image_lock_take(other, image, false, NULL));
}
END_TEST

START_TEST(exclusive_lock_keeps_everybody_out)
{
    scoped_fd fd = image_fd(image);
    scoped_fd other = image_fd(image);

    ck_assert(image_lock_take(fd, image, true, NULL));
    ck_assert(!qemu_can_open(image, false));
    ck_assert(!qemu_can_open(image, true));
    ck_assert(!image_lock_take(other, image, false, NULL));
    ck_assert(!image_lock_take(other, image, true, NULL));
}
END_TEST

START_TEST(lock_lives_as_long_as_any_copy_of_the_descriptor)
{
    int fd = image_fd(image);
    int copy;

    ck_assert(image_lock_take(fd, image, true, NULL));
    copy = dup(fd);
    close(fd);
    ck_assert(!qemu_can_open(image, false));
    close(copy);
    ck_assert(qemu_can_open(image, false));
}
END_TEST

static const struct conflict {
    bool reader;    /* a reader came first, not a writer */
    bool exclusive; /* what is asked for */
    bool taken;
} conflicts[] = {
    {false, false, false},
    {false, true, false},
    {true, false, true},
    {true, true, false},
};

START_TEST(lock_yields_to_those_who_came_first)
{
    const struct conflict *conflict = &conflicts[_i];
    scoped_fd fd = image_fd(image);
    struct qemu_io process;
    g_autoptr(GError) error = NULL;

    qemu_io_open(&process, image, "qcow2", conflict->reader);
    ck_assert_int_eq(image_lock_take(fd, image, conflict->exclusive, &error), conflict->taken);
    qemu_io_close(&process);
    if (conflict->taken)
        return;
    ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY));
    ck_assert_ptr_nonnull(strstr(error->message, image));
    ck_assert_int_eq(use_of(image), IMAGE_UNUSED); /* nothing is held after a failure */
}
END_TEST

int
main(void)
{
    Suite *suite;
    TCase *cases;

    if (!scratch_has("qemu-img") || !scratch_has("qemu-io"))
        return 77;
    suite = suite_create("lock");
    cases = tcase_create("lock");
    tcase_set_timeout(cases, 30);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, idle_image_is_unused);
    tcase_add_loop_test(cases, writer_and_reader_are_told_apart, 0, 2);
    tcase_add_test(cases, backing_image_of_a_writer_counts_as_read);
    tcase_add_test(cases, own_lock_does_not_count_through_its_descriptor);
    tcase_add_test(cases, shared_lock_keeps_writers_out_and_lets_readers_in);
    tcase_add_test(cases, exclusive_lock_keeps_everybody_out);
    tcase_add_test(cases, lock_lives_as_long_as_any_copy_of_the_descriptor);
    tcase_add_loop_test(cases, lock_yields_to_those_who_came_first, 0, G_N_ELEMENTS(conflicts));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
