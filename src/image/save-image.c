/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/save-image.h"

#include <string.h>

#include "image/header-bytes.h"
#include "util/error.h"

#define MAGIC_SIZE 16
#define VERSION_MAX 2

static bool
has_magic(const uint8_t *header)
{
    return memcmp(header, "LibvirtQemudSave", MAGIC_SIZE) == 0 ||
           memcmp(header, "LibvirtQemudPart", MAGIC_SIZE) == 0;
}

static bool
is_version(uint32_t number)
{
    return number >= 1 && number <= VERSION_MAX;
}

/* The length that the header says, 0: none, or no version that we know. */
static uint32_t
data_length(const uint8_t *header)
{
    const uint8_t *version = header + MAGIC_SIZE;

    if (is_version(get_le32(version)))
        return get_le32(version + 4);
    return is_version(get_be32(version)) ? get_be32(version + 4) : 0;
}

size_t
save_image_probe(const uint8_t *header, size_t length, GError **error)
{
    uint32_t room = 0;

    if (length < SAVE_IMAGE_HEADER_SIZE || !has_magic(header)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "it is not memory that libvirt has saved");
        return 0;
    }
    room = data_length(header);
    if (room == 0)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "it is memory that libvirt has saved in a form that is not known");
    return MIN(room, SAVE_IMAGE_XML_MAX);
}

char *
save_image_xml(const uint8_t *data, size_t length, GError **error)
{
    if (length > 0 && memchr(data, '\0', length))
        return g_strdup((const char *)data);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "it does not say of which domain it is");
    return NULL;
}
