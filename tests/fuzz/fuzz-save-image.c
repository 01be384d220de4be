/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>
#include <string.h>

#include "conf/domain-def.h"
#include "fuzz/fuzz.h"
#include "image/save-image.h"

/* Blocks of their own, so that a read past their ends is seen. */
static uint8_t *
copy(const uint8_t *data, size_t size)
{
    uint8_t *block = g_malloc(MAX(size, 1));

    memcpy(block, data, size);
    return block;
}

static void
fuzz_xml(const uint8_t *data, size_t size)
{
    g_autofree uint8_t *block = copy(data, size);
    g_autoptr(GError) error = NULL;
    g_autofree char *xml = save_image_xml(block, size, &error);

    g_assert(!xml == !!error);
    if (xml) {
        g_assert(strlen(xml) < size);
        domain_def_free(domain_def_parse(xml, strlen(xml), "memory", NULL));
    }
}

/* DATA as a whole file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t head = MIN(size, SAVE_IMAGE_HEADER_SIZE);
    g_autofree uint8_t *header = copy(data, head);
    g_autoptr(GError) error = NULL;
    size_t room = save_image_probe(header, head, &error);

    g_assert((room == 0) == (error != NULL) && room <= SAVE_IMAGE_XML_MAX);
    if (room > 0)
        fuzz_xml(data + head, MIN(room, size - head));
    return 0;
}
