/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* How many bytes of an image image_header_probe() wants to see: more than any header with its
 * extensions and backing name (one qcow2 cluster of 64 KiB holds them all; larger clusters put them
 * in the same first bytes).
 */
#define IMAGE_HEADER_SIZE 65536

/* What the header of an image says. Everything in it is hostile until checked. */
struct image_header {
    uint64_t size;             /* virtual size in bytes */
    uint32_t version;          /* qcow2: 2 or 3; 0 for others */
    uint32_t cluster_size;     /* bytes; 0 when the format has none */
    bool extended_l2;          /* qcow2 subclusters */
    bool encrypted;            /* qcow2 crypt method, or qcow's */
    bool corrupt;              /* qcow2 incompatible bit 1 */
    bool dirty;                /* qcow2 incompatible bit 0, qed need-check */
    bool data_file;            /* qcow2 incompatible bit 2 */
    uint64_t unknown_features; /* incompatible bits that we do not know */
    uint32_t snapshots;        /* number of internal snapshots */
    const char *damage;        /* which of its tables cannot be where it says; NULL: none */
    uint32_t bitmaps;          /* number of persistent dirty bitmaps (qcow2 header extension) */
    char *backing;             /* backing string as stored, NULL: none; may hold any byte but NUL */
    char *backing_format;      /* qemu's name of its format, NULL: not said */
};

/* Read the header of an image of FORMAT (qemu's name) from its first LENGTH bytes. Pure.
 *
 * Knows qcow2 (QEMU docs/interop/qcow2.txt), qed (docs/interop/qed_spec.txt), qcow (version 1),
 * vmdk (monolithic sparse only: others name files of their own) and raw (nothing to read: size is
 * 0). For other formats it only makes sure that no header says it is one of the known ones.
 * FILE_SIZE, in bytes, bounds what offsets may say; 0: not known.
 *
 * Fails with OFFSHOT_ERROR_INCONSISTENT when it is not an image of FORMAT or the header contradicts
 * itself, OFFSHOT_ERROR_REFUSED when the format cannot be read without trusting names in it. Free
 * with image_header_clear().
 */
bool image_header_probe(struct image_header *header, const char *format, const uint8_t *data,
                        size_t length, uint64_t file_size, GError **error);
void image_header_clear(struct image_header *header);

/* The backing string in the header of an image of FORMAT, from its first LENGTH bytes, whatever
 * else in there is damaged: a repair may bring that back. Never to decide what a disk reads; only
 * for what may stand on an image. Pure. NULL: none that can be read. Free with g_free().
 */
char *image_header_backing(const char *format, const uint8_t *data, size_t length);

/* How many bytes image_header_probe() has to see, going by the first LENGTH (at least 512): more
 * than LENGTH when it needs more, at most IMAGE_HEADER_SIZE. Pure.
 */
size_t image_header_wanted(const char *format, const uint8_t *data, size_t length);

/* The format that the first bytes look like: "qcow2", "qed", "qcow", "vmdk", "luks", …, or "raw"
 * when like none. Only for warnings and for links that carry no format; never to decide how to open
 * a disk.
 */
const char *image_header_guess(const uint8_t *data, size_t length);

/* Refuse what an overlay must not be put on: encrypted, corrupt bit, data file, unknown
 * incompatible features. PATH is for the message. Fails with OFFSHOT_ERROR_REFUSED;
 * OFFSHOT_ERROR_INCONSISTENT when the header is damaged.
 */
bool image_header_check(const struct image_header *header, const char *path, GError **error);
