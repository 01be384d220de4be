/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

/* A file in which libvirt has saved the memory of a VM: `virsh save`, managed save, or the external
 * memory of a snapshot.
 *
 * The format (libvirt: src/qemu/qemu_saveimage.h): 16 bytes "LibvirtQemudSave", or
 * "LibvirtQemudPart" of one that was not completed; 19 numbers of 32 bits in the byte order of the
 * host that wrote it, of which the first is the version (2) and the second the length of the data
 * that follows; this data, which begins with the domain XML and its NUL; then the memory.
 */

#define SAVE_IMAGE_HEADER_SIZE 92

/* The longest domain XML that is looked for, in bytes with its NUL. */
#define SAVE_IMAGE_XML_MAX (1024 * 1024)

/* In how many bytes behind the header the domain XML has to end, at most SAVE_IMAGE_XML_MAX, going
 * by HEADER, the first LENGTH bytes of the file. Pure. 0 with OFFSHOT_ERROR_INCONSISTENT when it is
 * no such file.
 */
size_t save_image_probe(const uint8_t *header, size_t length, GError **error);

/* The domain XML out of DATA, the LENGTH bytes behind the header. Pure. Hostile until parsed. Fails
 * with OFFSHOT_ERROR_INCONSISTENT when it does not end there. Free with g_free().
 */
char *save_image_xml(const uint8_t *data, size_t length, GError **error);
