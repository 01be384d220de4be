/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/file.h"
#include "util/interrupt.h"
#include "util/owner.h"

/* How often a held lock is tried again, in microseconds. */
#define LOCK_POLL 10000

struct store_lock {
    char *directory;
    char *path;
    int fd;
};

static bool
make_directory(const char *directory, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(directory);
    struct stat st;

    /* A journal is worth nothing in a directory that a power cut takes away. A holder that finishes
     * just now removes it again; as long as its parent is there, the caller tries again.
     */
    if (lstat(directory, &st) < 0 &&
        (g_mkdir_with_parents(directory, 0700) < 0 || !file_sync_directory(parent, NULL)) &&
        (errno == EACCES || errno == EROFS || errno == ENOSPC ||
         !g_file_test(parent, G_FILE_TEST_IS_DIR))) {
        offshot_set_error_errno(error, errno, "cannot make directory '%s'", directory);
        return false;
    }
    if (lstat(directory, &st) < 0)
        return errno == ENOENT; /* a holder that finished removed it: the caller tries again */
    if (S_ISDIR(st.st_mode) && owner_is_trusted(st.st_uid) &&
        (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        return true;
    if (S_ISDIR(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' belongs to user %u: run offshot as that user", directory, st.st_uid);
    else
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is not a directory that only its owner may write", directory);
    return false;
}

/* Whether the file at PATH still is the one open at FD. */
static bool
is_current(const char *path, int fd)
{
    struct stat here;
    struct stat there;

    return fstat(fd, &here) == 0 && lstat(path, &there) == 0 && here.st_ino == there.st_ino &&
           here.st_dev == there.st_dev;
}

/* Open and lock once. Returns the descriptor, -1 with ERROR unset to try again, -1 with ERROR set.
 */
static int
try_lock(const char *directory, const char *path, GError **error)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    scoped_fd fd = -1;

    if (!make_directory(directory, error))
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == ENOENT)
        return -1;
    if (fd < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", path);
        (void)!rmdir(directory); /* if it was made just now; one that holds anything stays */
        return -1;
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return is_current(path, fd) ? scoped_fd_steal(&fd) : -1;
    if (errno != EAGAIN && errno != EACCES)
        offshot_set_error_errno(error, errno, "cannot lock '%s'", path);
    return -1;
}

struct store_lock *
store_lock_take(const char *directory, unsigned timeout, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout * G_USEC_PER_SEC;
    g_autofree char *path = g_build_filename(directory, "lock", NULL);

    for (;;) {
        g_autoptr(GError) local = NULL;
        int fd = try_lock(directory, path, &local);

        if (fd >= 0) {
            struct store_lock *lock = g_new0(struct store_lock, 1);

            lock->directory = g_strdup(directory);
            lock->path = g_steal_pointer(&path);
            lock->fd = fd;
            return lock;
        }
        if (local) {
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
        if (g_get_monotonic_time() >= deadline || interrupt_pending() != 0)
            break;
        g_usleep(LOCK_POLL);
    }
    if (interrupt_pending() != 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "stopped by a signal while another offshot works on this domain");
        return NULL;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                "another offshot works on this domain (lock '%s'): wait for it, or give "
                "--lock-timeout",
                path);
    return NULL;
}

/* Whether nothing but the lock is in the directory. One that cannot be read is taken for empty
 * unless there is a journal; only an empty one can be removed anyway.
 */
static bool
is_alone(const char *directory)
{
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    g_autofree char *journal = g_build_filename(directory, "journal", NULL);
    const char *entry;

    if (!entries)
        return !g_file_test(journal, G_FILE_TEST_EXISTS);
    while ((entry = g_dir_read_name(entries))) {
        if (strcmp(entry, "lock") != 0)
            return false;
    }
    return true;
}

/* Remove the directory and, of a domain of libvirt's, those above it that are offshot's alone
 * ("offshot/qemu"). One that holds anything stays.
 */
static void
remove_directories(const char *directory)
{
    g_autofree char *parent = g_path_get_dirname(directory);
    g_autofree char *above = g_path_get_dirname(parent);

    if (rmdir(directory) < 0 || !g_str_has_suffix(parent, "/offshot/qemu"))
        return;
    if (rmdir(parent) == 0)
        (void)!rmdir(above);
}

void
store_lock_free(struct store_lock *lock)
{
    if (!lock)
        return;
    /* While it is still held: whoever waits notices that the file went, and makes a new one. */
    if (is_alone(lock->directory) && unlink(lock->path) == 0)
        remove_directories(lock->directory);
    close(lock->fd);
    g_free(lock->directory);
    g_free(lock->path);
    g_free(lock);
}
