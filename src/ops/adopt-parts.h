/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/tags.h"
#include "load/tree.h"
#include "ops/adopt.h"

/* One disk that takes part. */
struct adopt_disk {
    const struct state_disk *disk;
    GPtrArray *images; /* of const struct image *: its own, the active one first */
    GArray *frozen;    /* of guint: which of them snapshots froze, all but layers of ours … */
    GArray *open;      /* … and which of these no stored snapshot tells of */
};

/* Where a snapshot has a disk. */
struct adopt_place {
    const char *target;
    const struct image *image;
    const struct image *overlay; /* what stood on it right after; NULL: internal, or not known */
    const struct image_tag *tag; /* NULL: external */
};

/* A snapshot, found or stored, by where it has its disks. */
struct adopt_point {
    char *name;
    int64_t time;                    /* seconds since the epoch */
    GArray *places;                  /* of struct adopt_place */
    const struct snapshot_def *def;  /* of a stored one, else NULL */
    const struct adopt_point *after; /* of a found one: what becomes its parent, or NULL */
};

/* One adoption while it is planned. */
struct adopt {
    const struct state *state;
    GPtrArray *disks;  /* of struct adopt_disk */
    GPtrArray *found;  /* of struct adopt_point */
    GPtrArray *stored; /* of struct adopt_point */
    struct adoption *adoption;
};

struct adopt_point *adopt_point_new(const char *name, int64_t time);
void adopt_point_free(struct adopt_point *point);

/* Note that something stays as it is; the last arguments are the reason. IMAGE and TAG may be NULL.
 */
void adopt_leave(struct adopt *adopt, const char *target, const struct image *image,
                 const struct image_tag *tag, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* Why nobody can tell that IMAGE, on which ABOVE stands, is this domain's own; NULL: it is. Free
 * with g_free().
 */
char *adopt_find_doubt(const struct state *state, const struct image *above,
                       const struct image *image);

/* Find the disks that take part, each with its own images. Fails for one whose chain is broken. */
bool adopt_find_disks(struct adopt *adopt, GError **error);

/* Leave the tags of IMAGE, a template, that no stored snapshot tells of. */
void adopt_leave_tags(struct adopt *adopt, const char *target, const struct image *image);

/* Find where stored snapshots have their disks. */
void adopt_find_stored(struct adopt *adopt);

/* Find internal snapshots; then external ones. */
void adopt_find_tags(struct adopt *adopt);
void adopt_find_layers(struct adopt *adopt);

/* The name of the snapshot that froze image INDEX of DISK (1 or more) as the names of the files
 * have it: as the end of the overlay's, which is libvirt's way and that of most scripts, or in the
 * frozen image's own name, which the active one would have otherwise (create --keep-filename,
 * Proxmox). NULL when they say nothing. Free with g_free().
 */
char *adopt_layer_name(const struct adopt_disk *disk, guint index);

/* Where POINT has the disk TARGET, or NULL. */
const struct adopt_place *adopt_find_place(const struct adopt_point *point, const char *target);

/* Whether A came before B, by their images; by their times where they have no disk in common. */
bool adopt_is_older(const struct state *state, const struct adopt_point *a,
                    const struct adopt_point *b);

/* One of POINTS (of struct adopt_point) that POINT came before on one disk, and after on another;
 * or NULL.
 */
const struct adopt_point *adopt_find_contradiction(const struct state *state,
                                                   const struct adopt_point *point,
                                                   const GPtrArray *points);

/* Whether links prove that POINT came of FROM, which is external: each disk that both have stands
 * on what FROM froze.
 */
bool adopt_descends(const struct adopt_point *point, const struct adopt_point *from);

/* Leave internal snapshots that contradict others; bring the rest into order, oldest first, and
 * find parents: of what was found, and of stored ones that follow it.
 */
void adopt_order(struct adopt *adopt);

/* Describe what was found: the snapshots of the adoption. */
bool adopt_describe(struct adopt *adopt, GError **error);
