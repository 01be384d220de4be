/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/content.h"
#include "model/run.h"

/* What is: as `offshot list --json`, the domain XML and the directory show it. */

struct seen_disk {
    enum held_kind kind;
    char *frozen; /* NULL when the disk is not held */
};

struct seen_snapshot {
    char *name;
    char *parent;
    bool current;
    struct seen_disk disks[DISKS_MAX];
};

struct seen_image {
    char *path;
    struct link link;
};

struct seen {
    GPtrArray *snapshots;     /* of struct seen_snapshot */
    char *active[DISKS_MAX];  /* paths, as the domain XML has them … */
    char *formats[DISKS_MAX]; /* … and formats */
    char *title;
    GHashTable *files;  /* every file below the domain's directory -> a text that changes with it */
    GHashTable *images; /* path -> struct seen_image: of those files, what is no XML or lock */
};

/* Look at everything. What cannot be read, or does not make sense in itself, is a fault. */
struct seen *observe(struct run *run);
void seen_free(struct seen *seen);
SCOPED_DEFINE(seen)

const struct seen_snapshot *seen_find(const struct seen *seen, const char *name);

/* Images that stand directly on PATH (of const struct seen_image *). Free the container. */
GPtrArray *seen_overlays(const struct seen *seen, const char *path);

/* The first snapshot that holds a disk in PATH in the way of KIND; NULL: none. */
const struct seen_snapshot *seen_find_freezing(const struct seen *seen, const char *path,
                                               enum held_kind kind);

/* Fault unless both directories hold the same files, unchanged. */
void seen_compare_files(const struct run *run, const struct seen *before, const struct seen *after);
