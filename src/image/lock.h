/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* QEMU's image locks: OFD locks on single bytes of the image file (QEMU block/file-posix.c; FACTS,
 * "Locks"). Byte 100+p: "I use permission p"; 200+p: "nobody else may". p: 0 read, 1 write, 3
 * resize.
 */
enum image_use {
    IMAGE_UNUSED,
    IMAGE_READ,    /* somebody reads it, or has it as backing image */
    IMAGE_WRITTEN, /* somebody writes it */
};

/* Who else uses the image open at FD (an O_RDONLY descriptor is enough). Locks held through FD
 * itself do not count. A file system without OFD locks says IMAGE_UNUSED.
 */
bool image_lock_query(int fd, enum image_use *use, GError **error);

/* Hold, through FD, what keeps writers out for as long as FD or a copy of it is open: 100 and 201;
 * with EXCLUSIVE also 101, 103, 203 and so readers' and writers' permissions alike. Then look
 * whether somebody was there first.
 *
 * Fails with OFFSHOT_ERROR_BUSY, naming PATH: when it is written; with EXCLUSIVE also when it is
 * read.
 */
bool image_lock_take(int fd, const char *path, bool exclusive, GError **error);
