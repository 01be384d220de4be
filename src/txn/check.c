/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/check.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "image/lock.h"
#include "txn/device.h"
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

static bool
check_alterable(const char *path, GError **error)
{
    struct statx sx;

    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx) < 0 ||
        (sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' is immutable or append-only: use chattr first", path);
    return false;
}

static bool
check_absent(const struct plan_check *check, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *directory = g_path_get_dirname(check->path);
    struct stat st;
    bool exists;

    if (file_stat(check->path, false, &st, &exists, &local)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' exists already and is not overwritten: choose another name, or remove it "
                    "if nothing needs it",
                    check->path);
        return false;
    }
    if (!local && !file_stat(directory, true, &st, &exists, &local) && !local)
        g_set_error(&local, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "there is no directory '%s' for '%s'", directory, check->path);
    if (!local)
        return check_alterable(directory, error);
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static bool
set_changed(const char *path, GError **error)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                "'%s' was changed by somebody else just now: run the command again", path);
    return false;
}

/* The kernel refuses renames over a mount point and over an immutable file, also to root; better
 * now than after the operation has begun.
 */
static bool
check_movable(const char *path, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    struct statx sx;
    const char *why = NULL;

    if (!check_alterable(parent, error))
        return false;

    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &sx) < 0)
        return true;
#ifdef STATX_ATTR_MOUNT_ROOT
    if (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        why = "is a mount point, which cannot be replaced or renamed into";
#endif
    if (!why)
        return check_alterable(path, error);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, "'%s' %s", path, why);
    return false;
}

static bool
check_unchanged(const struct plan_check *check, GError **error)
{
    g_autoptr(GError) local = NULL;
    struct file_identity now;
    struct stat st;
    bool exists;

    if (!file_stat(check->path, false, &st, &exists, &local)) {
        if (!local)
            return set_changed(check->path, error);
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    file_identity_set(&now, &st);
    if (S_ISLNK(st.st_mode)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is a symbolic link, which cannot be replaced by a file", check->path);
        return false;
    }
    if (!file_identity_is_unchanged(&now, &check->identity))
        return set_changed(check->path, error);
    return check_movable(check->path, error);
}

/* Whether files that are staged beside a directory can be renamed into it. */
static bool
check_install(const struct plan_check *check, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(check->path);
    struct stat inside;
    struct stat beside;

    if (faccessat(AT_FDCWD, check->path, W_OK | X_OK, AT_EACCESS) < 0 ||
        stat(check->path, &inside) < 0 || stat(parent, &beside) < 0) {
        offshot_set_error_errno(error, errno, "cannot write to directory '%s'", check->path);
        return false;
    }
    if (inside.st_dev == beside.st_dev)
        return check_movable(check->path, error);
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "directory '%s' is on another file system than '%s', so that files cannot be renamed "
        "into it: choose a directory inside of it with --store",
        check->path, parent);
    return false;
}

/* Open an image that is a file or a device. Anything else may have come in its place only this
 * moment, and does not block.
 */
static int
open_image(const char *path, struct stat *st, GError **error)
{
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && errno == ENOENT) {
        set_changed(path, error);
        return -1;
    }
    if (fd < 0 || fstat(fd, st) < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", path);
        return -1;
    }
    if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
        return scoped_fd_steal(&fd);
    set_changed(path, error);
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
    bool lock = check->kind == PLAN_CHECK_LOCK;
    struct stat st;
    scoped_fd fd = open_image(check->path, &st, error);
    enum image_use use;
    int kept;

    if (fd < 0 || !(lock ? query_patiently : image_lock_query)(fd, &use, error))
        return false;
    if (use == IMAGE_WRITTEN || (lock && use == IMAGE_READ))
        return set_in_use(check->path, use, error);
    if (!is_as_planned(check, &st))
        return set_changed(check->path, error);
    if (!lock)
        return true;
    if (!image_lock_take(fd, check->path, false, error))
        return false;
    kept = scoped_fd_steal(&fd);
    g_array_append_val(locks, kept);
    return true;
}

static bool
check_space(const struct plan_check *check, GError **error)
{
    struct statvfs fs;
    uint64_t available;

    if (statvfs(check->path, &fs) < 0) {
        offshot_set_error_errno(error, errno, "cannot look at '%s'", check->path);
        return false;
    }
    available = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (available >= check->bytes)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NO_SPACE,
                "'%s' has %" G_GUINT64_FORMAT " bytes free and %" G_GUINT64_FORMAT " are needed",
                check->path, available, check->bytes);
    return false;
}

static bool
run_check(const struct plan_check *check, GArray *locks, GError **error)
{
    switch (check->kind) {
    case PLAN_CHECK_ABSENT:
        return check_absent(check, error);
    case PLAN_CHECK_UNCHANGED:
        return check_unchanged(check, error);
    case PLAN_CHECK_LOCK:
    case PLAN_CHECK_UNWRITTEN:
        return check_image(check, locks, error);
    case PLAN_CHECK_SPACE:
        return check_space(check, error);
    case PLAN_CHECK_BLANK:
        return device_check_blank(check->path, check->bytes, error);
    case PLAN_CHECK_INSTALL:
        return check_install(check, error);
    }
    g_assert_not_reached();
}

/* No two steps of a phase are about one name. Planners see to that; should one ever fail to,
 * nothing has happened yet.
 */
static bool
check_distinct(const GPtrArray *steps, GError **error)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        if (g_hash_table_add(names, step->path))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' would be made or changed twice: choose other names", step->path);
        return false;
    }
    return true;
}

bool
plan_check(const struct plan *plan, GArray *locks, GError **error)
{
    if (!check_distinct(plan->prepare, error) || !check_distinct(plan->apply, error))
        return false;
    for (guint i = 0; i < plan->checks->len; i++) {
        if (!run_check(g_ptr_array_index(plan->checks, i), locks, error))
            return false;
    }
    return true;
}

bool
plan_lock_images(const struct plan *plan, GArray *locks, GError **error)
{
    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);
        scoped_fd fd = -1;
        struct stat st;
        int kept;

        if (check->kind != PLAN_CHECK_LOCK)
            continue;
        fd = open_image(check->path, &st, NULL);
        if (fd < 0)
            continue;
        if (!image_lock_take(fd, check->path, false, error))
            return false;
        kept = scoped_fd_steal(&fd);
        g_array_append_val(locks, kept);
    }
    return true;
}
