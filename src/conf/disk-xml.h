/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/names.h"
#include "conf/xml-edit.h"

/* What <disk> has in common in domain and snapshot XML. Clear with disk_xml_clear(). */
struct disk_xml {
    xmlNodePtr element;
    xmlNodePtr driver; /* or NULL */
    xmlNodePtr source; /* or NULL */
    enum disk_type type;
    char *format;    /* <driver type=…>, or NULL */
    char *path;      /* of <source>, or NULL */
    bool has_source; /* <source> names something, path or not */
};

void disk_xml_read(struct disk_xml *disk, xmlNodePtr element);
void disk_xml_clear(struct disk_xml *disk);
#define scoped_disk_xml __attribute__((cleanup(disk_xml_clear))) struct disk_xml

/* Whether a snapshot's DISK says nothing beyond name, snapshot, type, the driver's type and a path,
 * so that it may be written anew from these.
 */
bool disk_xml_is_plain(const struct disk_xml *disk);

/* Let DISK be of TYPE with PATH as its source and FORMAT as its driver's type. NULL leaves what is
 * there. Elements that are missing are added, a new <driver> with DRIVER_NAME (or NULL).
 */
void disk_xml_move(struct xml_edit *edit, const struct disk_xml *disk, enum disk_type type,
                   const char *path, const char *format, const char *driver_name);
