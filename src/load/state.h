/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/domain-def.h"
#include "image/graph.h"
#include "image/storage.h"
#include "store/location.h"
#include "store/snapshots.h"

/* What was found of one domain: read once, then only looked at. Planners see nothing else. */

struct state_disk {
    const struct domain_disk *def;
    const struct image *image; /* the active image, or NULL: no path, not asked for, or … */
    GError *error; /* … why it cannot be used; only matters when the disk takes part. With an image
                    * as well: the graph has it in another format; it is needed, but not usable */
    bool missing;  /* with an error: nothing at all is at the path */
    bool overruled; /* a <backingStore> says of the chain something else than the images do */
};

struct state {
    const struct domain_location *location; /* borrowed */
    struct domain_def *domain;
    struct file_identity domain_identity; /* of the domain XML file */
    bool domain_is_symlink;
    uint64_t domain_links; /* names that the file has */
    struct snapshot_store *snapshots;
    GPtrArray *missing; /* of char *: directories that the store still needs, outermost first */
    struct image_graph *graph; /* NULL unless STATE_IMAGES */
    GArray *disks;             /* of struct state_disk, in the domain's order */
    GHashTable *overlays;      /* path -> struct image: overlays that the user made beforehand */
    GHashTable *targets;       /* where an overlay goes, however it is spelt -> disk */
    GHashTable *aliases;       /* other spelling in a stored snapshot -> path of an active image */
    GHashTable *directories;   /* directory -> the same without symbolic links; filled on demand */
    GPtrArray *frozen;      /* of struct state_frozen: of every snapshot; NULL unless STATE_TREE */
    GHashTable *tags;       /* struct image -> GPtrArray of struct image_tag */
    GHashTable *dependents; /* struct image -> GPtrArray of char * */
    GHashTable *searched;   /* set of char *: the directories in which those were looked for */
    GHashTable *layers;     /* set of struct image: layers without a name that are ours */
    GHashTable *flattened;  /* set of struct image: what was ours before it was flattened */
    GHashTable *claims;     /* struct image -> table of tag -> whose snapshot is kept in it, too */
    GPtrArray *unheld;      /* of struct state_unheld (load/unheld.h); NULL: not asked for */
    GPtrArray
        *neighbours;     /* of struct state_neighbour; NULL unless load/neighbours.h loaded them */
    GHashTable *writers; /* struct image -> the neighbour that may write it */
    GPtrArray *kept;     /* of struct state_kept: what is not in the graph and has to stay;
                          * NULL: nothing */
    GPtrArray *memory;   /* of struct state_memory: of every snapshot that keeps it in a file */
    struct file_identity layers_identity; /* of their list; inode 0: there is none */
    char *token;                          /* for temporary names of this run */
    int64_t now;                          /* seconds since the epoch */
    int64_t loaded;                       /* when loading began, nanoseconds since the epoch */
};

/* A disk of another domain whose XML file lies beside that of this one (load/neighbours.h). */
struct state_neighbour {
    char *domain;            /* its name */
    char *xml;               /* the file that says so */
    char *target;            /* "vda" */
    char *path;              /* absolute */
    bool writes;             /* a guest may write it: neither <readonly/> nor <transient/> */
    struct storage *storage; /* NULL: nothing is there */
};

enum state_parts {
    STATE_METADATA, /* domain XML and snapshots */
    STATE_IMAGES,   /* these, and the chain of every disk */
    STATE_TREE,     /* these, and the images of every snapshot (load/tree.h) */
};

/* Load what PARTS says of the domain at LOCATION, and complete LOCATION from the domain's name.
 *
 * Fails with OFFSHOT_ERROR_USAGE when the domain XML is wrong, OFFSHOT_ERROR_FAILED when something
 * cannot be read; beyond STATE_METADATA, OFFSHOT_ERROR_REFUSED for a copy that still names the
 * images of the original (load/original.h). Faults of single snapshots are in snapshots->problems,
 * those of single disks in their `error`. Free with state_free().
 */
struct state *state_load(struct domain_location *location, enum state_parts parts, GError **error);

/* Walk the chain of DISK, which has a source, into the graph. Fails as image_graph_walk() does, and
 * for a source or a format that no overlay can stand on.
 */
const struct image *state_walk(struct state *state, const struct domain_disk *disk, GError **error);

/* DISK could not be walked, and the graph is complete: the image that its source is in the graph,
 * in another format, or NULL; and whether nothing at all is there.
 */
const struct image *state_identify(const struct state *state, const struct domain_disk *disk,
                                   bool *missing);

/* Look at overlay PATH, which the user made (--reuse-external), and note it in `overlays`. Fails as
 * image_graph_walk() does, and with OFFSHOT_ERROR_REFUSED when a snapshot has frozen it or another
 * image of the domain stands on it.
 */
bool state_load_overlay(struct state *state, const char *path, const struct image_format *format,
                        GError **error);

/* Make sure that PATH, where the overlay of DISK is to go, is none of the domain's images under
 * another name (a device node, a link), nor lies on one or under one (a loop device, a partition),
 * nor is the place of one that is missing; the same for the disks of neighbours, where these were
 * loaded; no place where another overlay of this run goes, and not inside the store or the
 * directory of lock and journal. Fails with OFFSHOT_ERROR_REFUSED.
 */
bool state_check_target(struct state *state, const char *disk, const char *path, GError **error);

/* Make sure that PATH, where a new file goes that is no part of the domain, is neither inside the
 * store or the directory of lock and journal, nor the place of an image that is missing. Fails with
 * OFFSHOT_ERROR_REFUSED.
 */
bool state_check_copy(const struct state *state, const char *path, GError **error);

/* Note in `aliases` under which other names stored snapshots know the active image of disk TARGET.
 */
void state_load_aliases(struct state *state, const char *target);

/* Note in `directories` where the directory of PATH really is. Fails with OFFSHOT_ERROR_REFUSED
 * when there is none.
 */
bool state_load_directory(struct state *state, const char *path, GError **error);

/* PATH with its directory as state_load_directory() found it, or as it is. Free with g_free(). */
char *state_resolve(const struct state *state, const char *path);
void state_free(struct state *state);
SCOPED_DEFINE(state)

/* The state of the disk whose target is TARGET; it must be one of the domain's. */
const struct state_disk *state_get_disk(const struct state *state, const char *target);

/* The first disk of another domain that may write IMAGE, an active one, or NULL. */
const struct state_neighbour *state_find_writer(const struct state *state,
                                                const struct image *image);
