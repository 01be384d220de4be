/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/header-bytes.h"
#include "util/error.h"

/* VMware's "Virtual Disk Format 5.0", hosted sparse extents; what QEMU makes of it: block/vmdk.c.
 * QEMU looks for the embedded descriptor at a fixed place, whatever the header says.
 */
#define VMDK_LENGTH 512
#define DESCRIPTOR_OFFSET 512
#define DESCRIPTOR_MAX (20 * 512)
#define GRAIN_DIRECTORY_AT_END UINT64_MAX
#define SIZE_MAX_SECTORS (INT64_MAX / 512)

static bool
refuse(GError **error, const char *why)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "%s; convert it with 'qemu-img convert' first", why);
    return false;
}

/* "KEY = VALUE" of a descriptor line: a copy of VALUE without quotes, NULL when LINE is about
 * another key.
 */
static char *
line_value(const char *line, const char *key)
{
    g_autofree char *value = NULL;
    size_t length = strlen(key);

    if (g_ascii_strncasecmp(line, key, length) != 0)
        return NULL;
    line += length;
    line += strspn(line, " \t");
    if (*line != '=')
        return NULL;
    value = g_strdup(line + 1);
    g_strstrip(value);
    g_strdelimit(value, "\"", ' ');
    g_strstrip(value);
    return g_steal_pointer(&value);
}

static bool
is_extent(const char *line)
{
    return g_str_has_prefix(line, "RW ") || g_str_has_prefix(line, "RDONLY ") ||
           g_str_has_prefix(line, "NOACCESS ");
}

/* An extent line names a file: it may be the image itself, by whatever name it had, but nothing
 * else.
 */
static bool
extent_is_own(const char *line)
{
    const char *name = strchr(line, '"');

    return strstr(line, " SPARSE ") && name && !strchr(name, '/');
}

/* What the lines of a descriptor said so far. */
struct descriptor {
    bool has_type;
    unsigned extents;
};

static bool
line_check(struct descriptor *descriptor, const char *line, GError **error)
{
    g_autofree char *type = line_value(line, "createType");
    g_autofree char *parent = line_value(line, "parentCID");

    if (type && g_ascii_strcasecmp(type, "monolithicSparse") != 0)
        return refuse(error, "a vmdk image of another kind than monolithicSparse");
    if (parent && g_ascii_strcasecmp(parent, "ffffffff") != 0)
        return refuse(error, "a vmdk image with a parent");
    if (is_extent(line) && (++descriptor->extents > 1 || !extent_is_own(line)))
        return refuse(error, "a vmdk image whose data is in other files");
    descriptor->has_type |= type != NULL;
    return true;
}

/* TEXT is consumed. */
static bool
descriptor_check(char *text, GError **error)
{
    struct descriptor descriptor = {false, 0};

    if (strstr(text, "parentFileNameHint"))
        return refuse(error, "a vmdk image with a parent");
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!line_check(&descriptor, g_strchug(line), error))
            return false;
    }
    if (!descriptor.has_type)
        return refuse(error, "a vmdk image without a descriptor of its own");
    return true;
}

/* Found as QEMU finds it, wherever in the file the descriptor lies. */
bool
header_vmdk_backing(const struct header_bytes *bytes, char **backing, GError **error)
{
    static const char key[] = "parentFileNameHint=\"";
    g_autofree char *text = g_malloc(bytes->length + 1);
    const char *name;
    const char *end;

    (void)error;
    /* a descriptor lies behind a binary header, NULs and all */
    for (size_t i = 0; i < bytes->length; i++)
        text[i] = bytes->data[i] ? (char)bytes->data[i] : ' ';
    text[bytes->length] = '\0';
    name = strstr(text, key);
    end = name ? strchr(name + strlen(key), '"') : NULL;
    if (end)
        *backing = g_strndup(name + strlen(key), (gsize)(end - name) - strlen(key));
    return true;
}

static bool
geometry_read(struct image_header *header, const uint8_t *data, GError **error)
{
    uint64_t sectors = get_le64(data + 12);
    uint64_t grain = get_le64(data + 20);

    if (sectors == 0 || get_le64(data + 28) != DESCRIPTOR_OFFSET / 512)
        return refuse(error, "a vmdk image whose data is in other files");
    if (get_le64(data + 56) == GRAIN_DIRECTORY_AT_END)
        return refuse(error, "a stream-optimized vmdk image");
    if (sectors > SIZE_MAX_SECTORS)
        return header_bad(error, "its vmdk header has a capacity out of range");
    if (grain == 0 || grain > 64 * 1024 * 1024 / 512)
        return header_bad(error, "its vmdk header has a grain size out of range");
    header->size = sectors * 512;
    header->cluster_size = (uint32_t)grain * 512;
    return true;
}

bool
header_vmdk_probe(struct image_header *header, const struct header_bytes *bytes, GError **error)
{
    g_autofree char *descriptor = NULL;
    uint64_t whole = DESCRIPTOR_OFFSET + DESCRIPTOR_MAX;

    if (strcmp(image_header_guess(bytes->data, bytes->length), "vmdk") != 0)
        return header_bad(error, "not a vmdk image");
    if (memcmp(bytes->data, "KDMV", 4) != 0)
        return refuse(error, "a vmdk image whose data is in other files");
    if (bytes->file_size)
        whole = MIN(whole, bytes->file_size);
    if (bytes->length < MAX(whole, VMDK_LENGTH))
        return header_bad(error, "its vmdk header is cut short");
    descriptor = g_strndup((const char *)bytes->data + DESCRIPTOR_OFFSET,
                           MIN(bytes->length - DESCRIPTOR_OFFSET, DESCRIPTOR_MAX));
    return geometry_read(header, bytes->data, error) && descriptor_check(descriptor, error);
}

uint64_t
header_vmdk_wanted(const struct header_bytes *bytes)
{
    (void)bytes;
    return DESCRIPTOR_OFFSET + DESCRIPTOR_MAX;
}
