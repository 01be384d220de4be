/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "image/header.h"

/* The first byte picks the format and whether the file size is known; the rest is the image. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"qcow2", "qed", "qcow", "vmdk", "raw", "vdi"};
    const char *format;
    struct image_header header;
    g_autofree uint8_t *image = NULL;
    bool read;

    if (size < 2)
        return 0;
    format = formats[(data[0] & 0x7f) % G_N_ELEMENTS(formats)];
    /* a block of its own, so that a read past its end is seen */
    image = g_malloc(size - 1);
    memcpy(image, data + 1, size - 1);
    size--;
    g_assert(image_header_guess(image, size));
    g_assert(image_header_wanted(format, image, size) <= IMAGE_HEADER_SIZE);
    read = image_header_probe(&header, format, image, size, data[0] & 0x80 ? size : 0, NULL);
    g_assert(!read || header.size <= INT64_MAX);
    g_assert(read || (!header.backing && !header.backing_format));
    g_assert(!header.backing || *header.backing);
    g_assert(!header.backing || strlen(header.backing) <= 1023);
    g_assert(header.backing || !header.backing_format);
    if (read)
        image_header_check(&header, "image", NULL);
    image_header_clear(&header);
    return 0;
}
