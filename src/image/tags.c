/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/tags.h"

#include <string.h>
#include <unistd.h>

#include "image/header-bytes.h"
#include "image/image-file.h"

/* QEMU docs/interop/qcow2.txt; limits that it leaves open are those of QEMU's block/qcow2.c. */
#define TAGS_MAX 65536
#define TABLE_MAX (64 * 1024 * 1024)
#define ENTRY_LENGTH 40
#define EXTRA_MAX 1024
#define L1_ENTRIES_MAX (32 * 1024 * 1024 / 8)
#define L1_OFFSET_MASK UINT64_C(0x00fffffffffffe00)

/* Enough for almost every table. */
#define FIRST_READ 65536

/* What of an image's header is about its tags and its active state. */
struct tag_header {
    uint64_t file_size; /* bytes */
    uint64_t cluster_size;
    uint64_t size; /* virtual, bytes */
    uint32_t l1_entries;
    uint64_t l1_offset;
    uint32_t tags;
    uint64_t tags_offset;
};

static void
tag_free(gpointer data)
{
    struct image_tag *tag = data;

    g_free(tag->id);
    g_free(tag->name);
    g_free(tag);
}

/* The fixed part of an entry and what follows it; *LENGTH is that of all of it. */
static bool
entry_parse(struct image_tag *tag, const uint8_t *entry, size_t available, size_t *length,
            bool *cut, GError **error)
{
    const uint8_t *extra = entry + ENTRY_LENGTH;
    uint32_t extra_length, id_length, name_length;

    *cut = available < ENTRY_LENGTH;
    if (*cut)
        return false;
    id_length = (uint32_t)entry[12] << 8 | entry[13];
    name_length = (uint32_t)entry[14] << 8 | entry[15];
    extra_length = get_be32(entry + 36);
    if (extra_length > EXTRA_MAX)
        return header_bad(error, "an entry of its snapshot table is overlong");
    *length = ENTRY_LENGTH + extra_length + id_length + name_length;
    *cut = available < *length;
    if (*cut)
        return false;
    tag->l1_offset = get_be64(entry);
    tag->l1_entries = get_be32(entry + 8);
    tag->date = get_be32(entry + 16);
    tag->date_nsec = get_be32(entry + 20);
    tag->vm_state_size = extra_length >= 8 ? get_be64(extra) : get_be32(entry + 32);
    tag->size = extra_length >= 16 ? get_be64(extra + 8) : 0;
    tag->id = g_strndup((const char *)extra + extra_length, id_length);
    tag->name = g_strndup((const char *)extra + extra_length + id_length, name_length);
    return true;
}

int64_t
image_tag_time(const struct image_tag *tag)
{
    return tag->date * 1000000000 + tag->date_nsec;
}

GPtrArray *
image_tags_parse(const uint8_t *table, size_t length, uint32_t count, bool *cut, GError **error)
{
    g_autoptr(GPtrArray) tags = g_ptr_array_new_with_free_func(tag_free);
    size_t offset = 0;

    *cut = false;
    for (uint32_t i = 0; i < count; i++) {
        struct image_tag *tag;
        size_t used = 0;

        offset = (offset + 7) & ~(size_t)7;
        *cut = offset >= length;
        if (*cut)
            return NULL;
        tag = g_new0(struct image_tag, 1);
        g_ptr_array_add(tags, tag);
        if (!entry_parse(tag, table + offset, length - offset, &used, cut, error))
            return NULL;
        offset += used;
    }
    return g_steal_pointer(&tags);
}

static bool
header_parse(struct tag_header *header, const uint8_t *data, GError **error)
{
    uint32_t version = get_be32(data + 4);
    uint32_t cluster_bits = get_be32(data + 20);

    if (memcmp(data, "QFI\xfb", 4) != 0 || (version != 2 && version != 3) || cluster_bits < 9 ||
        cluster_bits > 21)
        return header_bad(error, "not a qcow2 image");
    header->cluster_size = UINT64_C(1) << cluster_bits;
    header->size = get_be64(data + 24) & ~UINT64_C(511);
    header->l1_entries = get_be32(data + 36);
    header->l1_offset = get_be64(data + 40);
    header->tags = get_be32(data + 60);
    header->tags_offset = get_be64(data + 64);
    if (header->tags > TAGS_MAX)
        return header_bad(error, "its qcow2 header claims %u snapshots", header->tags);
    if (header->tags > 0 && (header->tags_offset % header->cluster_size != 0 ||
                             header->tags_offset >= header->file_size))
        return header_bad(error, "its qcow2 header has its snapshot table outside of the file");
    return true;
}

static bool
header_load(struct tag_header *header, int fd, const char *path, GError **error)
{
    uint8_t data[72];
    off_t end = lseek(fd, 0, SEEK_END); /* of a device as well */
    ssize_t got = image_file_read(fd, path, data, sizeof(data), 0, error);

    if (got < 0)
        return false;
    if ((size_t)got < sizeof(data))
        return header_bad(error, "not a qcow2 image");
    header->file_size = end < 0 ? 0 : (uint64_t)end;
    return header_parse(header, data, error);
}

/* An L1 table must lie where QEMU would read it. */
static bool
l1_check(const struct tag_header *header, uint64_t offset, uint32_t entries, GError **error)
{
    if (entries == 0)
        return true;
    if (entries > L1_ENTRIES_MAX || offset % header->cluster_size != 0 ||
        offset > header->file_size || (uint64_t)entries * 8 > header->file_size - offset)
        return header_bad(error, "an L1 table of it lies outside of the file");
    return true;
}

/* The table of HEADER, which is read in larger and larger pieces until it is whole: where it ends,
 * only its entries tell.
 */
static GPtrArray *
table_load(const struct tag_header *header, int fd, const char *path, GError **error)
{
    g_autofree uint8_t *table = NULL;

    for (size_t length = FIRST_READ; length <= TABLE_MAX; length *= 4) {
        GPtrArray *tags;
        ssize_t got;
        bool cut;

        g_free(table);
        table = g_malloc(length);
        got = image_file_read(fd, path, table, length, (off_t)header->tags_offset, error);
        if (got < 0)
            return NULL;
        tags = image_tags_parse(table, (size_t)got, header->tags, &cut, error);
        if (!cut)
            return tags;
        if ((size_t)got < length)
            break;
    }
    header_bad(error, "its snapshot table is cut short or overlong");
    return NULL;
}

static GPtrArray *
tags_load(int fd, const char *path, GError **error)
{
    struct tag_header header;
    g_autoptr(GPtrArray) tags = NULL;

    if (!header_load(&header, fd, path, error))
        return NULL;
    if (header.tags == 0)
        return g_ptr_array_new_with_free_func(tag_free);
    tags = table_load(&header, fd, path, error);
    for (guint i = 0; tags && i < tags->len; i++) {
        const struct image_tag *tag = tags->pdata[i];

        if (!l1_check(&header, tag->l1_offset, tag->l1_entries, error))
            return NULL;
    }
    return g_steal_pointer(&tags);
}

GPtrArray *
image_tags_read(int fd, const char *path, GError **error)
{
    GPtrArray *tags = tags_load(fd, path, error);

    if (!tags)
        g_prefix_error(error, "image '%s': ", path);
    return tags;
}

const struct image_tag *
image_tags_find(const GPtrArray *tags, const char *name)
{
    for (guint i = 0; i < tags->len; i++) {
        const struct image_tag *tag = tags->pdata[i];

        if (strcmp(tag->name, name) == 0)
            return tag;
    }
    return NULL;
}

unsigned
image_tags_count(const GPtrArray *tags, const char *name)
{
    unsigned count = 0;

    for (guint i = 0; i < tags->len; i++)
        count += strcmp(((const struct image_tag *)tags->pdata[i])->name, name) == 0;
    return count;
}

/* Whether WORD means no other tag than TAG, neither as an ID nor as a name: which of both comes
 * first has changed with QEMU's versions.
 */
static bool
means_only(const GPtrArray *tags, const struct image_tag *tag, const char *word)
{
    for (guint i = 0; i < tags->len; i++) {
        const struct image_tag *other = tags->pdata[i];

        if (other != tag && (strcmp(other->id, word) == 0 || strcmp(other->name, word) == 0))
            return false;
    }
    return true;
}

const char *
image_tags_selector(const GPtrArray *tags, const struct image_tag *tag, char verb)
{
    if (means_only(tags, tag, tag->name))
        return tag->name;
    /* -d has not taken IDs since QEMU 4.0 */
    if (verb == 'a' && means_only(tags, tag, tag->id))
        return tag->id;
    return NULL;
}

/* The ENTRIES of the L1 table at OFFSET, followed by zeros up to TOTAL, without flags. */
static uint64_t *
l1_load(int fd, const char *path, uint64_t offset, uint32_t entries, uint32_t total, GError **error)
{
    g_autofree uint64_t *table = g_new0(uint64_t, MAX(total, 1));
    ssize_t got =
        image_file_read(fd, path, table, (size_t)entries * sizeof(*table), (off_t)offset, error);

    if (got < 0)
        return NULL;
    for (uint32_t i = 0; i < total; i++)
        table[i] = GUINT64_FROM_BE(table[i]) & L1_OFFSET_MASK;
    return g_steal_pointer(&table);
}

static bool
l1_compare(const struct tag_header *header, int fd, const char *path, const struct image_tag *tag,
           bool *same, GError **error)
{
    uint32_t total = MAX(header->l1_entries, tag->l1_entries);
    g_autofree uint64_t *active = NULL;
    g_autofree uint64_t *frozen = NULL;

    if (!l1_check(header, header->l1_offset, header->l1_entries, error) ||
        !l1_check(header, tag->l1_offset, tag->l1_entries, error))
        return false;
    active = l1_load(fd, path, header->l1_offset, header->l1_entries, total, error);
    frozen = l1_load(fd, path, tag->l1_offset, tag->l1_entries, total, error);
    if (!active || !frozen)
        return false;
    *same = memcmp(active, frozen, total * sizeof(*active)) == 0;
    return true;
}

bool
image_tag_is_active(int fd, const char *path, const struct image_tag *tag, bool *active,
                    GError **error)
{
    struct tag_header header;

    *active = false;
    if (!header_load(&header, fd, path, error) ||
        !l1_compare(&header, fd, path, tag, active, error)) {
        g_prefix_error(error, "image '%s': ", path);
        return false;
    }
    if (tag->size != 0 && tag->size != header.size)
        *active = false;
    return true;
}
