/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/names.h"
#include "util/scope.h"

/* One level of a <backingStore>, which says what an image stands on. */
struct domain_layer {
    char *format; /* <format type=…>, or NULL */
    char *source; /* path of a file or block device; NULL: something else, or part of one */
};

/* One <disk> of a domain (libvirt: formatdomain, "Hard drives, floppy disks, CDROMs"). */
struct domain_disk {
    enum disk_type type;
    enum disk_device device;
    char *target;        /* <target dev=…>, "vda"; never NULL */
    char *format;        /* <driver type=…>; NULL when absent, which means raw to libvirt */
    char *source;        /* path of a file, block or dir disk; NULL: empty drive, or no path */
    bool has_source;     /* a <source> that names something, path or not */
    bool readonly;       /* <readonly/>, or device cdrom */
    bool shareable;      /* <shareable/> */
    bool transient;      /* <transient/> */
    bool has_encryption; /* <encryption> in <disk> or <source> */
    bool has_slices;     /* <source><slices> */
    GPtrArray *layers; /* of struct domain_layer: what <backingStore> names, the image below SOURCE
                        * first, in the stead of the images' own links; NULL: there is none */
    bool layers_end;   /* an empty <backingStore> says that nothing is below them */
    enum snapshot_location snapshot; /* attribute snapshot=…, DEFAULT when absent */
};

/* What the domain XML says, with the text it was read from. */
struct domain_def {
    char *type;       /* "kvm", "qemu", …; NULL when absent */
    char *name;       /* never NULL */
    char *uuid;       /* NULL when the file has none; lower case, with dashes */
    GPtrArray *disks; /* of struct domain_disk, in document order */
    char *loader;     /* text of <os><loader>, or NULL */
    char *nvram;      /* path of <os><nvram> (its text, or <source file=…>), or NULL */
    bool has_tpm;     /* an emulated <tpm>, whose state lives outside of the disks */
    bool lacks_mac;   /* an <interface> without <mac>: libvirt makes one up at each definition */
    char *document;   /* the whole file, byte for byte, NUL-terminated */
    size_t start;     /* where in it the <domain> element begins, in bytes … */
    size_t length;    /* … and how long it is */
};

/* The new place of one disk, for domain_def_rewrite(). Nothing in it is owned. */
struct domain_disk_change {
    const char *target;  /* which disk */
    enum disk_type type; /* FILE or BLOCK */
    const char *source;  /* absolute path; NULL: the disk stays, and only loses <backingStore> */
    const char *format;  /* driver type; NULL leaves the driver alone */
};

/* Parse DOCUMENT (LENGTH bytes), a domain XML file. NAME is for messages ("vm.xml:12: …").
 *
 * Untrusted input: at most 1 MiB, UTF-8 only, any DOCTYPE refused, nothing fetched, depth bounded.
 * Fails with OFFSHOT_ERROR_USAGE, name and line in the message: not well-formed, not a <domain>, no
 * <name>, a disk without <target dev=…>, two disks with one target, an unknown snapshot=, device=
 * or malformed uuid. Free with domain_def_free().
 */
struct domain_def *domain_def_parse(const char *document, size_t length, const char *name,
                                    GError **error);

/* A copy of DEF and all that it holds. Free with domain_def_free(). */
struct domain_def *domain_def_copy(const struct domain_def *def);
void domain_def_free(struct domain_def *def);
SCOPED_DEFINE(domain_def)

/* Find the disk whose target is NAME or, failing that, the only one whose source path is NAME
 * (libvirt takes either). Returns a borrowed disk, or NULL with OFFSHOT_ERROR_NOT_FOUND, or
 * OFFSHOT_ERROR_USAGE when several disks have that source.
 */
const struct domain_disk *domain_def_find_disk(const struct domain_def *def, const char *name,
                                               GError **error);

/* The <domain> element alone, byte for byte. Free with g_free(). */
char *domain_def_element(const struct domain_def *def);

/* The document with the disks of CHANGES (COUNT of them) moved to new images. Only these bytes
 * change: <disk type=…>, the path in <source> (and its attribute's name), <driver type=…> (the
 * element is added when missing), and what libvirt drops with them: <backingStore>, <encryption>
 * and <slices>.
 *
 * With ELEMENT_ONLY the result is the <domain> element instead of the whole document. Fails with
 * OFFSHOT_ERROR_NOT_FOUND when a target is not there, OFFSHOT_ERROR_USAGE when a path cannot stand
 * in XML. Free with g_free().
 */
char *domain_def_rewrite(const struct domain_def *def, const struct domain_disk_change *changes,
                         size_t count, bool element_only, GError **error);

/* The document of FILE with ELEMENT, a <domain>, in the place of its own: what stands around it (a
 * header comment) is kept. Fails with OFFSHOT_ERROR_USAGE when ELEMENT is no domain, or the result
 * would be beyond the limits of domain_def_parse(). Free with g_free().
 */
char *domain_def_replace_element(const struct domain_def *file, const char *element,
                                 GError **error);

/* ELEMENT, a <domain>, with NAME as its name; every other byte stays. Fails with
 * OFFSHOT_ERROR_USAGE when ELEMENT is no domain, or the result would be beyond the limits of
 * domain_def_parse(). Free with g_free().
 */
char *domain_def_rename_element(const char *element, const char *name, GError **error);

/* Whether both are of one domain: the same uuid or, where neither has one, the same name. */
bool domain_def_is_same_domain(const struct domain_def *a, const struct domain_def *b);

/* Whether two definitions say the same: the same elements, attributes (in whatever order) and
 * texts, blank text and comments between elements aside.
 */
bool domain_def_is_same(const struct domain_def *a, const struct domain_def *b);

/* Whether libvirt reads the same from two definitions: as above, and elements of different names
 * may stand in any order.
 */
bool domain_def_is_equivalent(const struct domain_def *a, const struct domain_def *b);

/* Whether two definitions say the same of their images: for the same disks, in the same order,
 * where the data is, in which format and how it may be used, and what offshot noted in <metadata>
 * (conf/snapshot-facts.h). How the machine is to work with a disk (bus, cache, address) is left
 * aside.
 */
bool domain_def_has_same_images(const struct domain_def *a, const struct domain_def *b);
