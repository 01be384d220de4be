/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* An image format that takes part in snapshots: libvirt's driver type and qemu-img's name differ.
 */
struct image_format {
    const char *libvirt; /* <driver type=…> */
    const char *qemu;    /* -f, -F */
    bool overlay;        /* can be the overlay of a snapshot */
    bool probed; /* size and backing link come from our own header probe, not from qemu-img */
};

/* By libvirt's or by qemu's name; NULL when an overlay cannot stand on such an image. NULL as
 * libvirt's name is raw, as it is to libvirt.
 */
const struct image_format *image_format_find_libvirt(const char *name);
const struct image_format *image_format_find_qemu(const char *name);
