/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/format.h"
#include "image/header.h"
#include "util/file.h"

/* One image: a file or a block device, known by device and inode. */
struct image {
    char *path; /* absolute, as first reached */
    const struct image_format *format;
    bool block;                    /* a block device */
    bool symlink;                  /* the path itself is a symbolic link */
    uint64_t links;                /* names that the file has */
    struct file_identity identity; /* size is that of the file; of a device its capacity */
    uint64_t directory;            /* inode of the directory of the path; 0: not known */
    uint64_t size;                 /* virtual, bytes */
    uint64_t allocated;         /* bytes that the file takes on its file system; 0 for a device */
    bool writable;              /* this process may write it, and it is not immutable */
    struct image_header header; /* of probed formats */
    const char
        *looks_like;       /* what the first bytes look like: a raw image may hold a qcow2 header */
    struct image *backing; /* borrowed; NULL: the base */
    unsigned depth;        /* layers below and including this one: 1 for a base */
};

/* Whether BASE lies below TOP, or is it. */
bool image_stands_on(const struct image *top, const struct image *base);

/* See who uses the images of TOP's chain. Fails with OFFSHOT_ERROR_BUSY when TOP itself is in use
 * in any way or an image below it is written, OFFSHOT_ERROR_INCONSISTENT when an image is no longer
 * what the graph saw. Locks that this process holds itself count as well: ask before taking any.
 */
bool image_check_unused(const struct image *top, GError **error);

/* Open the image for holding locks and reading, verifying that PATH still is what the graph saw.
 * Fails with OFFSHOT_ERROR_INCONSISTENT when it is not. Returns a close-on-exec descriptor that the
 * caller closes; -1 on failure.
 */
int image_open(const struct image *image, GError **error);
