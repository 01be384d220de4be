/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/header.h"

/* What each format begins with, as its specification or QEMU's probe of it says. */
static const struct magic {
    const char *format;
    size_t offset;
    const char *bytes;
    size_t length;
} magics[] = {
    {"qcow2", 0, "QFI\xfb\0\0\0\2", 8},
    {"qcow2", 0, "QFI\xfb\0\0\0\3", 8},
    {"qcow", 0, "QFI\xfb\0\0\0\1", 8},
    {"qed", 0, "QED\0", 4},
    {"vmdk", 0, "KDMV", 4},
    {"vmdk", 0, "COWD", 4},
    {"vmdk", 0, "# Disk DescriptorFile", 21},
    {"luks", 0, "LUKS\xba\xbe", 6},
    {"vdi", 64, "\x7f\x10\xda\xbe", 4},
    {"vpc", 0, "conectix", 8},
    {"vhdx", 0, "vhdxfile", 8},
    {"parallels", 0, "WithoutFreeSpace", 16},
    {"parallels", 0, "WithouFreSpacExt", 16},
    {"bochs", 0, "Bochs Virtual HD Image", 22},
    {"cloop", 0, "#!/bin/sh\n#V2.0 Format\nmodprobe cloop", 37},
};

static bool
magic_matches(const struct magic *magic, const uint8_t *data, size_t length)
{
    return length >= magic->offset + magic->length &&
           memcmp(data + magic->offset, magic->bytes, magic->length) == 0;
}

/* A VMDK descriptor as QEMU's probe takes it: a "version=" line, after comments and blank lines at
 * most.
 */
static bool
is_descriptor(const uint8_t *data, size_t length)
{
    const uint8_t *end = data + length;

    while (data < end && (*data == '#' || *data == ' ' || *data == '\r' || *data == '\n')) {
        if (*data == '#') {
            data = memchr(data, '\n', (size_t)(end - data));
            if (!data)
                return false;
        }
        data++;
    }
    return end - data > 10 && memcmp(data, "version=", 8) == 0 && data[8] >= '1' &&
           data[8] <= '3' && (data[9] == '\n' || data[9] == '\r');
}

const char *
image_header_guess(const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (magic_matches(&magics[i], data, length))
            return magics[i].format;
    }
    return is_descriptor(data, length) ? "vmdk" : "raw";
}
