/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/domain-def.h"
#include "util/file.h"

/* What offshot remembers of a snapshot and libvirt has no element for. It goes into <metadata> of
 * the <domain> that is embedded in the snapshot, which libvirt keeps:
 *
 *     <offshot:snapshot xmlns:offshot="urn:offshot:snapshot:1" keep-filename="yes" adopted="yes">
 *       <offshot:frozen disk="vda" inode="12" size="197120" mtime="1795378938000000000"/>
 *     </offshot:snapshot>
 *
 * Where a merge of our own has written the image since, size and mtime are not known beforehand,
 * and the image is known in its place only: directory="34" is the inode of its directory then.
 */
#define SNAPSHOT_FACTS_NAMESPACE "urn:offshot:snapshot:1"

enum snapshot_facts_flags {
    SNAPSHOT_FACTS_KEEP_FILENAME = 1, /* taken with --keep-filename */
    SNAPSHOT_FACTS_ADOPTED = 2,       /* made by other tools; `adopt` described it afterwards */
};

/* The image of DISK as it was when it was frozen: inode, size in bytes, modification time in
 * nanoseconds since the epoch. (Device numbers mean nothing after a boot.)
 */
struct frozen_image {
    const char *disk;
    struct file_identity identity;
};

/* The same as it is found again. */
struct frozen_record {
    struct file_identity identity; /* inode; size and mtime, both 0 when not known */
    uint64_t directory;            /* then: inode of the directory in which it was; 0: not known */
};

/* The <domain> element ELEMENT with these facts (FLAGS of enum snapshot_facts_flags), replacing any
 * that it has. Every other byte is kept. Fails with OFFSHOT_ERROR_USAGE when ELEMENT is no domain.
 * Free with g_free().
 */
char *snapshot_facts_set(const char *element, const struct frozen_image *frozen, size_t count,
                         unsigned flags, GError **error);

/* Whether the snapshot whose <domain> is ELEMENT was taken with --keep-filename; was adopted. */
bool snapshot_facts_keep_filename(const char *element);
bool snapshot_facts_adopted(const char *element);

/* What the facts in ELEMENT say of the frozen images: disk (char *) -> struct
 * frozen_record. What cannot be understood is left out. Free with
 * g_hash_table_unref().
 */
GHashTable *snapshot_facts_frozen(const char *element);

/* Whether the file NOW can be the one that THEN was noted of: by its inode, or as a copy that kept
 * size and time (cp -a, a backup that was restored), the time perhaps less finely.
 */
bool snapshot_facts_match(const struct frozen_record *then, const struct file_identity *now);

/* Whether a file in the directory with inode DIRECTORY that does not match THEN is another one for
 * sure. What is known by its inode only may as well have been copied along with its directory.
 */
bool snapshot_facts_exclude(const struct frozen_record *then, uint64_t directory);

/* The <domain> element without what is noted of the frozen images of DISKS (set of targets). Every
 * other byte is kept. Fails as snapshot_facts_set(). Free with g_free().
 */
char *snapshot_facts_forget(const char *element, GHashTable *disks, GError **error);

/* The <domain> element without any facts of ours, and without an empty <metadata> that they leave.
 * Every other byte is kept. Fails as snapshot_facts_set(). Free with g_free().
 */
char *snapshot_facts_clear(const char *element, GError **error);
