/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "util/scope.h"

/* Where the bytes of a file or a block device are. One device may be another under a second name,
 * or lie on it: a loop device is the file behind it, a partition lies on its disk, a logical volume
 * on the devices of its group. By what the kernel says in /sys/dev/block; what it does not say
 * there is a device by itself.
 */
struct storage;

struct storage *storage_new(const struct stat *st);
void storage_free(struct storage *storage);
SCOPED_DEFINE(storage)

/* Whether who writes one of them may change the other: they are one, or one lies on the other. Two
 * that lie on a third, beside each other, do not. All of a file behind loop devices counts, however
 * they divide it.
 */
bool storage_overlaps(const struct storage *a, const struct storage *b);

/* What all names of this very storage have in common. Free with g_free(). */
char *storage_key(const struct storage *storage);
