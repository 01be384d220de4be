/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One internal snapshot of a qcow2 image (QEMU: docs/interop/qcow2.txt, "Snapshots"). */
struct image_tag {
    char *id;               /* any bytes but NUL */
    char *name;             /* any bytes but NUL; need not be unique */
    uint64_t l1_offset;     /* of its L1 table in the file, bytes */
    uint32_t l1_entries;    /* of its L1 table */
    uint64_t size;          /* virtual size at that time, bytes; 0: not said (the image's) */
    uint64_t vm_state_size; /* bytes of memory that it holds */
    int64_t date;           /* seconds since the epoch … */
    uint32_t date_nsec;     /* … and nanoseconds */
};

/* The internal snapshots of the qcow2 image open at FD, in the order of its table (an array of
 * struct image_tag *; free with g_ptr_array_unref()). PATH is for messages. Reads the table itself,
 * since qemu-img's answers replace bytes that are no UTF-8.
 *
 * Fails with OFFSHOT_ERROR_INCONSISTENT when the table is damaged or beyond QEMU's limits (65,536
 * snapshots, 64 MiB).
 */
GPtrArray *image_tags_read(int fd, const char *path, GError **error);

/* The first COUNT entries of the snapshot table TABLE, of which there are LENGTH bytes. Pure.
 *
 * Returns NULL with *CUT true and no error when LENGTH is too short for them; fails, *CUT false,
 * with OFFSHOT_ERROR_INCONSISTENT for an entry that QEMU would not take.
 */
GPtrArray *image_tags_parse(const uint8_t *table, size_t length, uint32_t count, bool *cut,
                            GError **error);

/* When TAG was taken, in nanoseconds since the epoch. */
int64_t image_tag_time(const struct image_tag *tag);

/* The tag called exactly NAME, borrowed; NULL when there is none. When several have the name, the
 * first: image_tags_count() tells.
 */
const struct image_tag *image_tags_find(const GPtrArray *tags, const char *name);
unsigned image_tags_count(const GPtrArray *tags, const char *name);

/* What to say to qemu-img so that it means TAG and no other: `snapshot -a` looks for an ID first
 * and then for a name, `snapshot -d` takes the first entry whose ID or name fits. Borrowed; NULL
 * when every way of saying it means another.
 */
const char *image_tags_selector(const GPtrArray *tags, const struct image_tag *tag, char verb);

/* Whether the active state of the image open at FD is that of TAG still: the same L1 table but for
 * flags, so that nothing was written since it was taken or applied. Fails as image_tags_read().
 */
bool image_tag_is_active(int fd, const char *path, const struct image_tag *tag, bool *active,
                         GError **error);
