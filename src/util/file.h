/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Which file it is, and whether it is still as it was: device and inode name the file, size in
 * bytes and modification time in nanoseconds since the epoch tell of writes. Inode numbers are used
 * again and device numbers change when a file system is mounted again: over a longer time it is the
 * inode and the time of birth (nanoseconds; 0: not known) that name a file. All zero: not known.
 */
struct file_identity {
    uint64_t device;
    uint64_t inode;
    uint64_t size;
    int64_t mtime;
    int64_t birth;
};

void file_identity_set(struct file_identity *identity, const struct stat *st);
/* Add the time of birth: of the open FD, or of PATH (no link is followed) when FD is -1. */
void file_identity_add_birth(struct file_identity *identity, int fd, const char *path);

bool file_identity_is_same_file(const struct file_identity *a, const struct file_identity *b);
bool file_identity_is_unchanged(const struct file_identity *a, const struct file_identity *b);

/* Look at PATH, following symbolic links only when FOLLOW.
 *
 * Returns false with *EXISTS false and no error when nothing is there; false with ERROR set when it
 * cannot be told.
 */
bool file_stat(const char *path, bool follow, struct stat *st, bool *exists, GError **error);

/* Read the regular file PATH, at most LIMIT bytes, into a NUL-terminated buffer (NULs inside are
 * kept). *IDENTITY (may be NULL) is what the open descriptor said. Never blocks on a FIFO.
 *
 * Fails with OFFSHOT_ERROR_NOT_FOUND when there is no such file, OFFSHOT_ERROR_USAGE when it is no
 * regular file or longer than LIMIT. Free with g_free().
 */
char *file_read(const char *path, size_t limit, size_t *length, struct file_identity *identity,
                GError **error);

/* Make PATH as a new file, O_CREAT|O_EXCL, mode 0600 whatever the umask; the descriptor is
 * close-on-exec and the caller closes it. -1 on failure.
 */
int file_create(const char *path, GError **error);

/* Write all LENGTH bytes of DATA at the current position of FD. PATH is for messages only. */
bool file_write(int fd, const char *path, const void *data, size_t length, GError **error);

/* Give TO what FROM has: owner, group, permission bits, POSIX access ACL and SELinux label. What
 * the file system of either does not know is left out. TO_PATH is for messages only.
 *
 * Fails when ownership cannot be given; a label that may not be set by this user fails as well.
 */
bool file_copy_attributes(int from, int to, const char *to_path, GError **error);

/* Make what happened in directory DIRECTORY (creations, renames, removals) durable. */
bool file_sync_directory(const char *directory, GError **error);

/* Replace the content of PATH durably, mode 0600: temporary file, fsync, rename, fsync of the
 * directory. For files of our own whose readers must see the old or the new content.
 */
bool file_save(const char *path, const char *data, size_t length, GError **error);

/* PATH, taken from the working directory when it is relative. Fails with OFFSHOT_ERROR_USAGE when
 * there is no working directory any more. Free with g_free().
 */
char *file_absolute(const char *path, GError **error);

/* The name of a temporary file in the directory of PATH: ".NAME.offshot-TOKEN", NAME cut at a UTF-8
 * boundary so that the whole stays within 255 bytes. Free with g_free().
 */
char *file_temporary_name(const char *path, const char *token);

/* A random TOKEN for file_temporary_name(): 12 characters of [0-9a-z]. Free with g_free(). */
char *file_random_token(void);
