/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/header-bytes.h"

/* QEMU docs/interop/qed_spec.txt */
#define QED_LENGTH 64

enum {
    FEATURE_BACKING = 1 << 0,
    FEATURE_NEED_CHECK = 1 << 1,
    FEATURE_NO_PROBE = 1 << 2, /* the backing image is raw */
    FEATURES_KNOWN = (1 << 3) - 1,
};

struct qed_fields {
    uint32_t cluster_size; /* bytes */
    uint32_t table_size;   /* clusters */
    uint32_t header_size;  /* clusters */
    uint64_t features;
    uint64_t l1_offset;
    uint64_t size;
    uint32_t backing_offset;
    uint32_t backing_length;
};

static bool
fields_read(struct qed_fields *fields, const struct header_bytes *bytes)
{
    const uint8_t *data = bytes->data;

    if (bytes->length < QED_LENGTH || memcmp(data, "QED", 4) != 0)
        return false;
    fields->cluster_size = get_le32(data + 4);
    fields->table_size = get_le32(data + 8);
    fields->header_size = get_le32(data + 12);
    fields->features = get_le64(data + 16);
    fields->l1_offset = get_le64(data + 40);
    fields->size = get_le64(data + 48);
    fields->backing_offset = get_le32(data + 56);
    fields->backing_length = get_le32(data + 60);
    return true;
}

static bool
is_power_of_two_within(uint32_t value, uint32_t low, uint32_t high)
{
    return value >= low && value <= high && (value & (value - 1)) == 0;
}

static uint64_t
multiply_saturating(uint64_t a, uint64_t b)
{
    return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

static bool
geometry_check(const struct qed_fields *fields, const struct header_bytes *bytes, GError **error)
{
    uint64_t table, header, size_max;

    if (!is_power_of_two_within(fields->cluster_size, 4096, 64 * 1024 * 1024))
        return header_bad(error, "its qed header has a cluster size out of range");
    /* 1 is in the specification, but QEMU opens no such image */
    if (!is_power_of_two_within(fields->table_size, 2, 16))
        return header_bad(error, "its qed header has a table size out of range");
    table = (uint64_t)fields->table_size * fields->cluster_size;
    header = (uint64_t)fields->header_size * fields->cluster_size;
    if (header == 0 || fields->l1_offset < header ||
        fields->l1_offset % fields->cluster_size != 0 ||
        (bytes->file_size && fields->l1_offset > bytes->file_size))
        return header_bad(error, "its qed header has its L1 table outside of the file");
    size_max = multiply_saturating(multiply_saturating(table / 8, table / 8), fields->cluster_size);
    if (fields->size % 512 != 0 || fields->size > size_max || fields->size > INT64_MAX)
        return header_bad(error, "its qed header has an image size out of range");
    if ((uint64_t)fields->backing_offset + fields->backing_length > header)
        return header_bad(error, "its qed header has a backing name outside of the header");
    return true;
}

bool
header_qed_backing(const struct header_bytes *bytes, char **backing, GError **error)
{
    struct qed_fields fields;

    return !fields_read(&fields, bytes) || !(fields.features & FEATURE_BACKING) ||
           header_string(bytes, fields.backing_offset, fields.backing_length, HEADER_BACKING_MAX,
                         backing, error);
}

bool
header_qed_probe(struct image_header *header, const struct header_bytes *bytes, GError **error)
{
    struct qed_fields fields;

    if (!fields_read(&fields, bytes))
        return header_bad(error, "not a qed image");
    if (!geometry_check(&fields, bytes, error) ||
        !header_qed_backing(bytes, &header->backing, error))
        return false;
    if (header->backing && fields.features & FEATURE_NO_PROBE)
        header->backing_format = g_strdup("raw");
    header->size = fields.size;
    header->cluster_size = fields.cluster_size;
    header->dirty = fields.features & FEATURE_NEED_CHECK;
    header->unknown_features = fields.features & ~(uint64_t)FEATURES_KNOWN;
    return true;
}

uint64_t
header_qed_wanted(const struct header_bytes *bytes)
{
    struct qed_fields fields;

    if (!fields_read(&fields, bytes) || !(fields.features & FEATURE_BACKING))
        return 0;
    return (uint64_t)fields.backing_offset + fields.backing_length;
}
