/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Where the state of a disk, or of memory, is kept by a snapshot. The order and names are libvirt's
 * (formatsnapshot: attribute `snapshot`); DEFAULT stands for "not said".
 */
enum snapshot_location {
    SNAPSHOT_LOCATION_DEFAULT,
    SNAPSHOT_LOCATION_NO,
    SNAPSHOT_LOCATION_INTERNAL,
    SNAPSHOT_LOCATION_EXTERNAL,
    SNAPSHOT_LOCATION_MANUAL,
};

/* <disk type=…> of domain and snapshot XML (formatdomain, "Hard drives, floppy disks, CDROMs").
 * OTHER is a type that this version does not know; it is kept and never touched.
 */
enum disk_type {
    DISK_TYPE_FILE,
    DISK_TYPE_BLOCK,
    DISK_TYPE_DIR,
    DISK_TYPE_NETWORK,
    DISK_TYPE_VOLUME,
    DISK_TYPE_NVME,
    DISK_TYPE_VHOSTUSER,
    DISK_TYPE_VHOSTVDPA,
    DISK_TYPE_OTHER,
};

enum disk_device {
    DISK_DEVICE_DISK,
    DISK_DEVICE_CDROM,
    DISK_DEVICE_FLOPPY,
    DISK_DEVICE_LUN,
};

/* Names as in XML: "default", "no", "internal", "external", "manual"; "file", …; "disk", …
 * The parsers leave their result alone and return false for a name that is none.
 */
const char *snapshot_location_format(enum snapshot_location location);
bool snapshot_location_parse(const char *name, enum snapshot_location *location);
const char *disk_type_format(enum disk_type type);
bool disk_type_parse(const char *name, enum disk_type *type);
const char *disk_device_format(enum disk_device device);
bool disk_device_parse(const char *name, enum disk_device *device);

/* The attribute of <source> that holds the path for TYPE: "file", "dev", "dir", or NULL for types
 * whose source is no path.
 */
const char *disk_type_source_attribute(enum disk_type type);

/* Whether TEXT can stand in XML 1.0: valid UTF-8, no control character but tab, newline, return. */
bool text_is_xml(const char *text);

/* Check the name of a new snapshot: no '/', no leading '.' or '-', no control characters, valid
 * UTF-8, 1 to 247 bytes. Fails with OFFSHOT_ERROR_USAGE, naming the rule.
 */
bool snapshot_name_check(const char *name, GError **error);
