/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/header-bytes.h"

/* QEMU docs/interop/qcow2.txt; limits that it leaves open are those of QEMU's block/qcow2.c. */
#define V2_LENGTH 72
#define V3_LENGTH 104
#define L1_ENTRIES_MAX (32 * 1024 * 1024 / 8)
#define REFCOUNT_TABLE_MAX (8 * 1024 * 1024)
#define SNAPSHOTS_MAX 65536
#define EXTENSION_BACKING_FORMAT 0xe2792acaU
#define EXTENSION_BITMAPS 0x23852875U
#define BACKING_FORMAT_MAX 15

enum {
    FEATURE_DIRTY = 1 << 0,
    FEATURE_CORRUPT = 1 << 1,
    FEATURE_DATA_FILE = 1 << 2,
    FEATURE_COMPRESSION = 1 << 3,
    FEATURE_EXTENDED_L2 = 1 << 4,
    FEATURES_KNOWN = (1 << 5) - 1,
};

/* The fields that matter here, as they stand in the header. */
struct qcow2_fields {
    uint32_t version;
    uint64_t backing_offset;
    uint32_t backing_length;
    uint32_t cluster_bits;
    uint64_t size;
    uint32_t crypt_method;
    uint32_t l1_entries;
    uint64_t l1_offset;
    uint64_t refcount_offset;
    uint32_t refcount_clusters;
    uint32_t snapshots;
    uint64_t snapshots_offset;
    uint64_t features;
    uint32_t refcount_order;
    uint32_t header_length;
    uint8_t compression;
};

static bool
fields_read(struct qcow2_fields *fields, const struct header_bytes *bytes)
{
    const uint8_t *data = bytes->data;

    if (bytes->length < V3_LENGTH + 8 || memcmp(data, "QFI\xfb", 4) != 0)
        return false;
    fields->version = get_be32(data + 4);
    fields->backing_offset = get_be64(data + 8);
    fields->backing_length = get_be32(data + 16);
    fields->cluster_bits = get_be32(data + 20);
    fields->size = get_be64(data + 24);
    fields->crypt_method = get_be32(data + 32);
    fields->l1_entries = get_be32(data + 36);
    fields->l1_offset = get_be64(data + 40);
    fields->refcount_offset = get_be64(data + 48);
    fields->refcount_clusters = get_be32(data + 56);
    fields->snapshots = get_be32(data + 60);
    fields->snapshots_offset = get_be64(data + 64);
    if (fields->version == 2) {
        fields->features = 0;
        fields->refcount_order = 4;
        fields->header_length = V2_LENGTH;
        fields->compression = 0;
        return true;
    }
    fields->features = get_be64(data + 72);
    fields->refcount_order = get_be32(data + 96);
    fields->header_length = get_be32(data + 100);
    fields->compression = fields->header_length > V3_LENGTH ? data[104] : 0;
    return fields->version == 3;
}

static uint64_t
cluster_size(const struct qcow2_fields *fields)
{
    return UINT64_C(1) << fields->cluster_bits;
}

/* How much data one L1 entry stands for. */
static uint64_t
l1_entry_reach(const struct qcow2_fields *fields)
{
    uint64_t l2_entry = fields->features & FEATURE_EXTENDED_L2 ? 16 : 8;

    return cluster_size(fields) / l2_entry * cluster_size(fields);
}

/* Whether a table can begin at OFFSET: at a cluster, and not behind the end of the file. */
static bool
offset_is_inside(const struct qcow2_fields *fields, const struct header_bytes *bytes,
                 uint64_t offset)
{
    uint64_t end = bytes->file_size ? bytes->file_size : INT64_MAX;

    return offset % cluster_size(fields) == 0 && offset <= end;
}

static bool
tables_check(const struct qcow2_fields *fields, const struct header_bytes *bytes, GError **error)
{
    if (!offset_is_inside(fields, bytes, fields->l1_offset))
        return header_bad(error, "its qcow2 header has its L1 table outside of the file");
    if (fields->snapshots > SNAPSHOTS_MAX)
        return header_bad(error, "its qcow2 header claims %u snapshots", fields->snapshots);
    return true;
}

/* Tables that a repair may bring back, so that what else the header says still counts. */
static const char *
find_damage(const struct qcow2_fields *fields, const struct header_bytes *bytes)
{
    if (fields->refcount_clusters == 0 ||
        fields->refcount_clusters > REFCOUNT_TABLE_MAX / cluster_size(fields) ||
        !offset_is_inside(fields, bytes, fields->refcount_offset))
        return "its qcow2 header has its refcount table outside of the file";
    if (fields->snapshots > 0 && !offset_is_inside(fields, bytes, fields->snapshots_offset))
        return "its qcow2 header has its snapshot table outside of the file";
    return NULL;
}

static bool
geometry_check(const struct qcow2_fields *fields, GError **error)
{
    uint64_t reach, entries;

    if (fields->cluster_bits < 9 || fields->cluster_bits > 21)
        return header_bad(error, "its qcow2 header has a cluster size out of range");
    if (fields->features & FEATURE_EXTENDED_L2 && fields->cluster_bits < 14)
        return header_bad(error, "its qcow2 header has clusters too small for extended L2 entries");
    if (fields->header_length < (fields->version == 2 ? V2_LENGTH : V3_LENGTH) ||
        fields->header_length > cluster_size(fields))
        return header_bad(error, "its qcow2 header has a header length out of range");
    if (fields->refcount_order > 6)
        return header_bad(error, "its qcow2 header has a refcount width out of range");
    reach = l1_entry_reach(fields);
    entries = fields->size / reach + (fields->size % reach != 0);
    if (fields->l1_entries > L1_ENTRIES_MAX || entries > fields->l1_entries)
        return header_bad(error, "its qcow2 header has a size that its L1 table cannot hold");
    return true;
}

static bool
features_check(const struct qcow2_fields *fields, GError **error)
{
    bool compression = fields->features & FEATURE_COMPRESSION;

    if (fields->crypt_method > 2)
        return header_bad(error, "its qcow2 header has an unknown encryption method");
    if (fields->compression > 1 || compression != (fields->compression != 0))
        return header_bad(error, "its qcow2 header has an unknown compression type");
    return true;
}

/* Where the header extensions end at the latest. */
static uint64_t
extensions_end(const struct qcow2_fields *fields, const struct header_bytes *bytes)
{
    uint64_t end = fields->backing_offset ? fields->backing_offset : cluster_size(fields);

    return bytes->file_size ? MIN(end, bytes->file_size) : end;
}

/* Take over what the header extension of TYPE, LENGTH bytes at OFFSET, says. */
static bool
extension_read(struct image_header *header, const struct header_bytes *bytes, uint32_t type,
               uint64_t offset, uint32_t length, GError **error)
{
    if (type == EXTENSION_BACKING_FORMAT)
        return header_string(bytes, offset, length, BACKING_FORMAT_MAX, &header->backing_format,
                             error);
    if (type == EXTENSION_BITMAPS) {
        if (length < 4)
            return header_bad(error, "its qcow2 header has a cut bitmaps extension");
        header->bitmaps = get_be32(bytes->data + offset);
    }
    return true;
}

/* Walk the header extensions. *WANTED is set to what BYTES would have to hold for that when they
 * are too short.
 */
static bool
extensions_read(struct image_header *header, const struct qcow2_fields *fields,
                const struct header_bytes *bytes, uint64_t *wanted, GError **error)
{
    uint64_t end = extensions_end(fields, bytes);
    uint64_t offset = fields->header_length;

    *wanted = 0;
    while (offset < end) {
        uint32_t type, length;

        if (end - offset < 8)
            return header_bad(error, "its qcow2 header has a cut header extension");
        if (offset + 8 > bytes->length) {
            *wanted = offset + 8;
            return header_bad(error, "its qcow2 header is cut short");
        }
        type = get_be32(bytes->data + offset);
        length = get_be32(bytes->data + offset + 4);
        offset += 8;
        if (type == 0)
            return true;
        if (length > end - offset)
            return header_bad(error, "its qcow2 header has an overlong header extension");
        if (offset + length > bytes->length) {
            *wanted = offset + length;
            return header_bad(error, "its qcow2 header is cut short");
        }
        if (!extension_read(header, bytes, type, offset, length, error))
            return false;
        offset += ((uint64_t)length + 7) & ~UINT64_C(7);
    }
    return true;
}

bool
header_qcow2_backing(const struct header_bytes *bytes, char **backing, GError **error)
{
    struct qcow2_fields fields;

    return !fields_read(&fields, bytes) || fields.backing_offset == 0 ||
           header_string(bytes, fields.backing_offset, fields.backing_length, HEADER_BACKING_MAX,
                         backing, error);
}

static bool
backing_read(struct image_header *header, const struct qcow2_fields *fields,
             const struct header_bytes *bytes, GError **error)
{
    if (fields->backing_offset &&
        (fields->backing_offset < fields->header_length ||
         fields->backing_offset > cluster_size(fields) ||
         fields->backing_length > cluster_size(fields) - fields->backing_offset))
        return header_bad(error, "its qcow2 header has a backing name outside of the header");
    if (!header_qcow2_backing(bytes, &header->backing, error))
        return false;
    if (!header->backing)
        g_clear_pointer(&header->backing_format, g_free);
    return true;
}

bool
header_qcow2_probe(struct image_header *header, const struct header_bytes *bytes, GError **error)
{
    struct qcow2_fields fields;
    uint64_t wanted;

    if (!fields_read(&fields, bytes))
        return header_bad(error, "not a qcow2 image");
    if (!geometry_check(&fields, error) || !tables_check(&fields, bytes, error) ||
        !features_check(&fields, error) ||
        !extensions_read(header, &fields, bytes, &wanted, error) ||
        !backing_read(header, &fields, bytes, error))
        return false;
    header->size = fields.size & ~UINT64_C(511); /* QEMU counts whole sectors */
    header->version = fields.version;
    header->cluster_size = (uint32_t)cluster_size(&fields);
    header->extended_l2 = fields.features & FEATURE_EXTENDED_L2;
    header->encrypted = fields.crypt_method != 0;
    header->corrupt = fields.features & FEATURE_CORRUPT;
    header->dirty = fields.features & FEATURE_DIRTY;
    header->data_file = fields.features & FEATURE_DATA_FILE;
    header->unknown_features = fields.features & ~(uint64_t)FEATURES_KNOWN;
    header->snapshots = fields.snapshots;
    header->damage = find_damage(&fields, bytes);
    return true;
}

uint64_t
header_qcow2_wanted(const struct header_bytes *bytes)
{
    struct image_header header = {0};
    struct qcow2_fields fields;
    uint64_t wanted;

    if (!fields_read(&fields, bytes) || fields.cluster_bits < 9 || fields.cluster_bits > 21)
        return 0;
    if (fields.backing_offset > cluster_size(&fields))
        return 0;
    if (fields.backing_offset)
        return fields.backing_offset + fields.backing_length;
    /* where one extension is cut off, more may follow that only the whole header tells of */
    extensions_read(&header, &fields, bytes, &wanted, NULL);
    image_header_clear(&header);
    return wanted ? IMAGE_HEADER_SIZE : 0;
}
