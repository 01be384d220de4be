/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-tree.h"
#include "util/file.h"

/* The snapshots of a domain as they lie in its store. */

/* The longest snapshot file that libvirt reads, in bytes. */
#define SNAPSHOT_XML_MAX (1024 * 1024)

/* Where a loaded snapshot lies. The file's name need not be that of the snapshot. */
struct snapshot_file {
    char *path;
    struct file_identity identity;
};

struct snapshot_store {
    char *directory;
    bool exists; /* the directory is there */
    struct snapshot_tree *tree;
    GHashTable *files; /* snapshot name -> struct snapshot_file */
    GPtrArray
        *problems; /* of char *: one sentence for each entry or link that is not as it should be */
};

/* Read every entry of DIRECTORY, as libvirt does. What cannot be read is a problem, never a
 * failure; a directory that is not there is an empty store. Fails with OFFSHOT_ERROR_FAILED when
 * the directory itself cannot be read. Free with snapshot_store_free().
 */
struct snapshot_store *snapshot_store_load(const char *directory, GError **error);

/* Add to the problems each snapshot whose <domain> has another uuid than DOMAIN. libvirt does not
 * compare them; it is of another VM all the same, which may need its images.
 */
void snapshot_store_check_domain(struct snapshot_store *store, const struct domain_def *domain);
void snapshot_store_free(struct snapshot_store *store);
SCOPED_DEFINE(snapshot_store)

/* Where snapshot NAME lies, borrowed, or NULL. */
const struct snapshot_file *snapshot_store_find_file(const struct snapshot_store *store,
                                                     const char *name);

/* "DIRECTORY/NAME.xml". Free with g_free(). */
char *snapshot_store_path(const struct snapshot_store *store, const char *name);
