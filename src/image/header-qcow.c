/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/header-bytes.h"

/* Version 1 of qcow has no specification but QEMU's block/qcow.c. Its header cannot say the format
 * of the backing image.
 */
#define QCOW_LENGTH 48

static bool
is_qcow(const struct header_bytes *bytes)
{
    return bytes->length >= QCOW_LENGTH && memcmp(bytes->data, "QFI\xfb\0\0\0\1", 8) == 0;
}

bool
header_qcow_backing(const struct header_bytes *bytes, char **backing, GError **error)
{
    uint64_t offset = is_qcow(bytes) ? get_be64(bytes->data + 8) : 0;

    return offset == 0 || header_string(bytes, offset, get_be32(bytes->data + 16),
                                        HEADER_BACKING_MAX, backing, error);
}

bool
header_qcow_probe(struct image_header *header, const struct header_bytes *bytes, GError **error)
{
    const uint8_t *data = bytes->data;
    uint64_t size;
    uint8_t cluster_bits, l2_bits;

    if (!is_qcow(bytes))
        return header_bad(error, "not a qcow image");
    size = get_be64(data + 24);
    cluster_bits = data[32];
    l2_bits = data[33];
    if (cluster_bits < 9 || cluster_bits > 16 || l2_bits < 6 || l2_bits > 13)
        return header_bad(error, "its qcow header has a cluster size out of range");
    if (size <= 1 || size > INT64_MAX)
        return header_bad(error, "its qcow header has an image size out of range");
    if (!header_qcow_backing(bytes, &header->backing, error))
        return false;
    header->size = size & ~UINT64_C(511); /* QEMU counts whole sectors */
    header->cluster_size = UINT32_C(1) << cluster_bits;
    header->encrypted = get_be32(data + 36) != 0;
    return true;
}

uint64_t
header_qcow_wanted(const struct header_bytes *bytes)
{
    uint64_t offset, length;

    if (!is_qcow(bytes))
        return 0;
    offset = get_be64(bytes->data + 8);
    length = get_be32(bytes->data + 16);
    return offset > IMAGE_HEADER_SIZE ? 0 : offset + length;
}
