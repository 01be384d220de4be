/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/check-name.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

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

bool
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

bool
check_set_changed(const char *path, GError **error)
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

/* A name, of a file of OWNER, is changed or removed in its directory. */
static bool
check_parent(const char *path, uid_t owner, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    uid_t user = geteuid();
    struct stat st;

    if (faccessat(AT_FDCWD, parent, W_OK | X_OK, AT_EACCESS) < 0 || stat(parent, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot write to directory '%s'", parent);
        return false;
    }
    if ((st.st_mode & S_ISVTX) == 0 || user == 0 || user == owner || user == st.st_uid)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' is another user's, in a directory (mode %04o) where only he can rename or "
                "remove it",
                path, st.st_mode & 07777);
    return false;
}

bool
check_unchanged(const struct plan_check *check, GError **error)
{
    g_autoptr(GError) local = NULL;
    struct file_identity now;
    struct stat st;
    bool exists;

    if (!file_stat(check->path, false, &st, &exists, &local)) {
        if (!local)
            return check_set_changed(check->path, error);
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
        return check_set_changed(check->path, error);
    return check_parent(check->path, st.st_uid, error) && check_movable(check->path, error);
}

bool
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
