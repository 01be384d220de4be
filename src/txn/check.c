/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/lock.h"
#include "txn/check-name.h"
#include "txn/device.h"
#include "txn/distinct.h"
#include "txn/space.h"
#include "txn/step-image.h"
#include "util/child.h"
#include "util/error.h"

GArray *
plan_locks_new(void)
{
    GArray *locks = g_array_new(FALSE, FALSE, sizeof(int));

    child_set_inherited(locks);
    return locks;
}

void
plan_locks_free(GArray *locks)
{
    child_set_inherited(NULL);
    for (guint i = 0; i < locks->len; i++)
        close(g_array_index(locks, int, i));
    g_array_unref(locks);
}

/* How often, and how many microseconds apart, a reader of an image is asked whether it has gone. */
#define READER_TRIES 10
#define READER_PAUSE 20000

/* Open an image that is a file or a device. Anything else may have come in its place only this
 * moment, and does not block.
 */
static int
open_image(const char *path, struct stat *st, GError **error)
{
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && errno == ENOENT) {
        check_set_changed(path, error);
        return -1;
    }
    if (fd < 0 || fstat(fd, st) < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", path);
        return -1;
    }
    if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
        return scoped_fd_steal(&fd);
    check_set_changed(path, error);
    return -1;
}

static bool
set_in_use(const char *path, enum image_use use, GError **error)
{
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
        "image '%s' is in use: another process %s it; shut the VM down, or wait until it is "
        "done",
        path, use == IMAGE_WRITTEN ? "writes" : "reads");
    return false;
}

/* A device has no size of its own in stat(), and its times tell nothing of its content. */
static bool
is_as_planned(const struct plan_check *check, const struct stat *st)
{
    struct file_identity now;

    file_identity_set(&now, st);
    if (S_ISBLK(st->st_mode))
        return file_identity_is_same_file(&now, &check->identity);
    return file_identity_is_unchanged(&now, &check->identity);
}

/* Ask who uses the image. A reader may be what a killed offshot left behind, a qemu-img that dies
 * with it but has not closed its files yet: it is given a moment.
 */
static bool
query_patiently(int fd, enum image_use *use, GError **error)
{
    for (unsigned tries = 0; tries < READER_TRIES; tries++) {
        if (!image_lock_query(fd, use, error))
            return false;
        if (*use != IMAGE_READ)
            return true;
        g_usleep(READER_PAUSE);
    }
    return true;
}

static bool
check_image(const struct plan_check *check, GArray *locks, GError **error)
{
    bool exclusive = check->kind == PLAN_CHECK_EXCLUSIVE;
    bool lock = check->kind == PLAN_CHECK_LOCK || exclusive;
    struct stat st;
    scoped_fd fd = open_image(check->path, &st, error);
    enum image_use use;
    int kept;

    if (fd < 0 || !(lock ? query_patiently : image_lock_query)(fd, &use, error))
        return false;
    if (use == IMAGE_WRITTEN || (lock && use == IMAGE_READ))
        return set_in_use(check->path, use, error);
    if (!is_as_planned(check, &st))
        return check_set_changed(check->path, error);
    if (!lock)
        return true;
    if (!image_lock_take(fd, check->path, exclusive, error))
        return false;
    kept = scoped_fd_steal(&fd);
    g_array_append_val(locks, kept);
    return true;
}

/* What one run of checks holds and adds up. */
struct checking {
    GArray *locks; /* of int: descriptors */
    GHashTable *space;
};

static bool
run_check(const struct plan_check *check, const struct checking *checking, GError **error)
{
    switch (check->kind) {
    case PLAN_CHECK_ABSENT:
        return check_absent(check, error);
    case PLAN_CHECK_UNCHANGED:
        return check_unchanged(check, error);
    case PLAN_CHECK_LOCK:
    case PLAN_CHECK_EXCLUSIVE:
    case PLAN_CHECK_UNWRITTEN:
        return check_image(check, checking->locks, error);
    case PLAN_CHECK_SPACE:
        return space_ask(checking->space, check->path, check->bytes, error);
    case PLAN_CHECK_BLANK:
        return device_check_blank(check->path, check->bytes, error);
    case PLAN_CHECK_INSTALL:
        return check_install(check, error);
    }
    g_assert_not_reached();
}

static bool
run_checks(const struct plan *plan, const struct checking *checking, GError **error)
{
    for (guint i = 0; i < plan->checks->len; i++) {
        if (!run_check(g_ptr_array_index(plan->checks, i), checking, error))
            return false;
    }
    return true;
}

bool
plan_check(const struct plan *plan, GArray *locks, GError **error)
{
    g_autoptr(GHashTable) space = space_new();
    const struct checking checking = {locks, space};

    return plan_check_distinct(plan, error) && run_checks(plan, &checking, error);
}

static bool
is_changed_by(const GPtrArray *steps, const char *path)
{
    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        if (step_kind_is_image(step->kind) && strcmp(step->path, path) == 0)
            return true;
    }
    return false;
}

/* Where the image at PATH is now; an interrupted step may have hidden it. */
static const char *
find_image(const struct plan *plan, const char *path)
{
    const GPtrArray *phases[] = {plan->prepare, plan->apply};

    for (size_t n = 0; n < G_N_ELEMENTS(phases); n++) {
        for (guint i = 0; i < phases[n]->len; i++) {
            const struct step *step = g_ptr_array_index(phases[n], i);

            if (strcmp(step->path, path) == 0 && step_is_hidden(step))
                return step->hidden;
        }
    }
    return path;
}

bool
plan_lock_images(const struct plan *plan, enum plan_phase phase, GArray *locks, GError **error)
{
    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);
        bool exclusive = check->kind == PLAN_CHECK_EXCLUSIVE;
        scoped_fd fd = -1;
        struct stat st;
        int kept;

        if (check->kind != PLAN_CHECK_LOCK && !exclusive)
            continue;
        if (phase == PLAN_PREPARE && !is_changed_by(plan->prepare, check->path))
            continue;
        fd = open_image(find_image(plan, check->path), &st, NULL);
        if (fd < 0)
            continue;
        if (!image_lock_take(fd, check->path, exclusive, error))
            return false;
        kept = scoped_fd_steal(&fd);
        g_array_append_val(locks, kept);
    }
    return true;
}
