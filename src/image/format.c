/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/format.h"

#include <glib.h>
#include <string.h>

static const struct image_format formats[] = {
    {"raw", "raw", false, true},          {"qcow2", "qcow2", true, true},
    {"qed", "qed", true, true},           {"qcow", "qcow", false, true},
    {"vmdk", "vmdk", false, true},        {"vdi", "vdi", false, false},
    {"vpc", "vpc", false, false},         {"vhd", "vhdx", false, false},
    {"ploop", "parallels", false, false}, {"bochs", "bochs", false, false},
    {"cloop", "cloop", false, false},     {"dmg", "dmg", false, false},
};

const struct image_format *
image_format_find_libvirt(const char *name)
{
    if (!name)
        return &formats[0];
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(formats[i].libvirt, name) == 0)
            return &formats[i];
    }
    return NULL;
}

const struct image_format *
image_format_find_qemu(const char *name)
{
    if (!name)
        return NULL;
    /* drivers of plain files and devices, found as backing format of older images: bytes as they
     * are
     */
    if (strcmp(name, "file") == 0 || strcmp(name, "host_device") == 0)
        return &formats[0];
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(formats[i].qemu, name) == 0)
            return &formats[i];
    }
    return NULL;
}
