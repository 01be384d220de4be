/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/outside.h"
#include "load/tree.h"

/* A search for what stands on the images of the graph. */
struct search {
    struct state *state;
    struct outside *outside; /* skips the images of the graph */
    GHashTable *images;      /* struct image_file -> struct image: these */
    GHashTable *strayed;     /* set of char *: directories where images of others are missing */
    const GPtrArray *others; /* of char *: stores that --store has named */
    GHashTable *stores;      /* set of char *: stores whose snapshots are known */
    GHashTable *looked;      /* set of char *: directories of which all was followed */
    GHashTable *named;       /* path -> struct image_file, or NULL: what own snapshots name */
};

/* A domain that is looked at, or one of its snapshots. */
struct neighbour {
    struct search *search;
    bool is_own;       /* our own, or a copy of it: what it names in the graph is no news */
    const char *owner; /* for messages */
};

/* Note on all images that it cannot be told what PATH of NEIGHBOUR needs. */
void search_unknown(const struct neighbour *neighbour, const char *path);

/* Follow all that lies beside PATH, once. */
void search_look_beside(struct search *search, const char *path);

/* Follow PATH, which is FILE, of NEIGHBOUR, and all that lies beside it, and note it as "PATH of
 * OWNER" where it is an image of the graph itself; on all images when it cannot be told what it
 * stands on. ERROR is told of that as well, and of OFFSHOT_ERROR_INCONSISTENT when PATH is no
 * longer FILE.
 */
void search_image(const struct neighbour *neighbour, const char *path, struct image_file *file,
                  GError **error);

/* Follow the disks of the domains whose files lie beside that of this one (load/domain-files.h),
 * links followed, directories (libvirt's "autostart") not, and what their <backingStore> names. A
 * disk that is an image of the graph itself is noted as "PATH of domain 'NAME'". Documents of
 * something else are passed over, and so are the images of the graph that another copy of this very
 * domain names (the same uuid or, without one, the same name). Their snapshots are followed in the
 * same way, in the default store and those that --store has named for them, and what they have
 * noted (load/noted.h); a disk is noted as "PATH of snapshot 'S' of domain 'NAME'".
 *
 * Snapshots of our own domain in any store but the one that was loaded are others' as well: in the
 * default one, in those that --store has named before, in that of libvirt where it keeps the domain
 * and we have a file elsewhere. They are noted as "PATH of snapshot 'S' in 'STORE'".
 *
 * A file that may be such XML, and cannot be read as that, is noted as "FILE (cannot be read)" on
 * the images whose file names or paths it says; on all images when nobody knows what it says. So is
 * a directory, a list or a disk that cannot be read.
 *
 * Where an image of theirs is missing, an operation may have given it another name for a while, or
 * put another in its place: all that lies in its directory is followed instead.
 */
void search_domains(struct search *search);
