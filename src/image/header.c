/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/header.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "image/header-bytes.h"
#include "util/error.h"

static bool
raw_probe(struct image_header *header, const struct header_bytes *bytes, GError **error)
{
    (void)header;
    (void)bytes;
    (void)error;
    return true;
}

static bool
raw_backing(const struct header_bytes *bytes, char **backing, GError **error)
{
    (void)bytes;
    (void)backing;
    (void)error;
    return true;
}

static uint64_t
raw_wanted(const struct header_bytes *bytes)
{
    (void)bytes;
    return 0;
}

static const struct header_reader {
    const char *format;
    bool (*probe)(struct image_header *header, const struct header_bytes *bytes, GError **error);
    bool (*backing)(const struct header_bytes *bytes, char **backing, GError **error);
    uint64_t (*wanted)(const struct header_bytes *bytes);
} readers[] = {
    {"raw", raw_probe, raw_backing, raw_wanted},
    {"qcow2", header_qcow2_probe, header_qcow2_backing, header_qcow2_wanted},
    {"qed", header_qed_probe, header_qed_backing, header_qed_wanted},
    {"qcow", header_qcow_probe, header_qcow_backing, header_qcow_wanted},
    {"vmdk", header_vmdk_probe, header_vmdk_backing, header_vmdk_wanted},
};

static const struct header_reader *
reader_find(const char *format)
{
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++) {
        if (strcmp(readers[i].format, format) == 0)
            return &readers[i];
    }
    return NULL;
}

bool
header_bad(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error)
        *error = g_error_new_valist(OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT, format, args);
    va_end(args);
    return false;
}

bool
header_string(const struct header_bytes *bytes, uint64_t offset, uint64_t length, size_t max,
              char **string, GError **error)
{
    if (length > max)
        return header_bad(error, "a name in its header is longer than %zu bytes", max);
    if (offset > bytes->length || length > bytes->length - offset)
        return header_bad(error, "a name in its header lies outside of the header");
    g_free(*string);
    *string = g_strndup((const char *)bytes->data + offset, length);
    if (**string == '\0')
        g_clear_pointer(string, g_free);
    return true;
}

/* A format that we cannot read: only make sure that it is not plainly something else. */
static bool
other_probe(const char *format, const struct header_bytes *bytes, GError **error)
{
    const char *guess = image_header_guess(bytes->data, bytes->length);

    if (strcmp(guess, format) == 0 || strcmp(guess, "raw") == 0)
        return true;
    return header_bad(error, "not a %s image: it looks like %s", format, guess);
}

bool
image_header_probe(struct image_header *header, const char *format, const uint8_t *data,
                   size_t length, uint64_t file_size, GError **error)
{
    const struct header_bytes bytes = {data, MIN(length, IMAGE_HEADER_SIZE), file_size};
    const struct header_reader *reader = reader_find(format);

    memset(header, 0, sizeof(*header));
    if (!reader)
        return other_probe(format, &bytes, error);
    if (reader->probe(header, &bytes, error))
        return true;
    image_header_clear(header);
    return false;
}

char *
image_header_backing(const char *format, const uint8_t *data, size_t length)
{
    const struct header_bytes bytes = {data, MIN(length, IMAGE_HEADER_SIZE), 0};
    const struct header_reader *reader = reader_find(format);
    char *backing = NULL;

    if (reader)
        reader->backing(&bytes, &backing, NULL);
    return backing;
}

size_t
image_header_wanted(const char *format, const uint8_t *data, size_t length)
{
    const struct header_bytes bytes = {data, MIN(length, IMAGE_HEADER_SIZE), 0};
    const struct header_reader *reader = reader_find(format);

    return reader ? (size_t)MIN(reader->wanted(&bytes), IMAGE_HEADER_SIZE) : 0;
}

void
image_header_clear(struct image_header *header)
{
    g_free(header->backing);
    g_free(header->backing_format);
    memset(header, 0, sizeof(*header));
}

static bool
refuse(GError **error, const char *path, const char *why)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, "image '%s' %s", path, why);
    return false;
}

bool
image_header_check(const struct image_header *header, const char *path, GError **error)
{
    g_autofree char *unknown = NULL;

    if (header->damage)
        return header_bad(error, "image '%s': %s", path, header->damage);
    if (header->encrypted)
        return refuse(error, path, "is encrypted: an overlay on it would hold plain data");
    if (header->corrupt)
        return refuse(error, path, "is marked corrupt: repair it with 'qemu-img check -r all'");
    if (header->data_file)
        return refuse(error, path,
                      "keeps its data in another file (data_file): convert it to an image of its "
                      "own with 'qemu-img convert'");
    if (header->unknown_features == 0)
        return true;
    unknown = g_strdup_printf("has unknown incompatible features (0x%" PRIx64
                              "): a newer qemu-img must convert it",
                              header->unknown_features);
    return refuse(error, path, unknown);
}
