/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/file.h"

/* Looking at and opening the files and block devices that hold images, without ever touching
 * anything else: paths come out of hostile headers.
 */
struct image_file {
    struct file_identity
        identity; /* size of a block device: 0 until it is open, then its capacity */
    bool block;
    uint64_t links;     /* names that the file has */
    bool symlink;       /* the path itself is a symbolic link */
    uint64_t rdev;      /* which device a block device is */
    uint64_t allocated; /* bytes that a regular file takes; 0 for a device */
};

/* Which image it is, for hash tables: block devices are the same under all their nodes. */
guint image_file_hash(gconstpointer file);
gboolean image_file_equal(gconstpointer a, gconstpointer b);

/* A copy; free with g_free(). */
struct image_file *image_file_copy(const struct image_file *file);

/* Look what PATH is. Fails with OFFSHOT_ERROR_INCONSISTENT when nothing is there,
 * OFFSHOT_ERROR_REFUSED when it is neither file nor block device, OFFSHOT_ERROR_FAILED when it
 * cannot be told.
 */
bool image_file_look(struct image_file *file, const char *path, GError **error);

/* Open PATH read-only and see that it still is FILE; its identity then is what the descriptor says.
 * Returns a close-on-exec descriptor; -1 with the errors of image_file_look().
 */
int image_file_open(struct image_file *file, const char *path, GError **error);

/* Whether this process may write PATH, which is FILE and open at FD, and neither an attribute nor
 * its mode (to whomever) forbids it.
 */
bool image_file_is_writable(const struct image_file *file, const char *path, int fd);

/* Read up to LENGTH bytes from OFFSET; fewer at the end of the file. -1 on failure; PATH is for the
 * message only.
 */
ssize_t image_file_read(int fd, const char *path, void *data, size_t length, off_t offset,
                        GError **error);
