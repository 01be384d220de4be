/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/scope.h"

/* What ought to be: the content of every disk at every snapshot, and the tree. Knows no file but
 * the images that the test made itself, and nothing of how offshot keeps the rest.
 */

/* Disks are written in grains of one value each; smaller than a cluster of qcow2, so that clusters
 * hold data of several ages.
 */
#define GRAIN (16 * 1024)
#define DISKS_MAX 3

enum held_kind { HELD_NO, HELD_EXTERNAL, HELD_INTERNAL };

/* A disk at a snapshot. */
struct held {
    enum held_kind kind;
    GByteArray *content; /* one byte for each grain; NULL when it is not held */
};

struct model_snapshot {
    char *name;
    char *parent; /* NULL: a root */
    char *title;  /* of the domain at that moment */
    struct held held[DISKS_MAX];
};

struct model_disk {
    char *target;
    char *original; /* path of the first active image */
    GByteArray *content;
};

/* An image that the test made and nobody else may touch: a template that a disk stands on, or a
 * clone that stands on a frozen image.
 */
struct model_image {
    char *path;
    GByteArray *content;
};

struct model {
    GPtrArray *snapshots; /* of struct model_snapshot */
    char *current;        /* NULL: none */
    char *title;
    guint disk_count;
    struct model_disk disks[DISKS_MAX];
    GPtrArray *foreign; /* of struct model_image */
    bool all_kept;      /* every snapshot until now was taken with --keep-filename, or internal */
};

struct model *model_new(void);
void model_free(struct model *model);
SCOPED_DEFINE(model)

GByteArray *content_copy(const GByteArray *content);

struct model_snapshot *model_find(const struct model *model, const char *name);

/* SNAPSHOT stands in the subtree of ROOT, ROOT itself included. */
bool model_is_below(const struct model *model, const struct model_snapshot *snapshot,
                    const char *root);
bool model_has_children(const struct model *model, const char *name);

/* Note the present state as snapshot NAME, below the current one; KINDS says how each disk is held.
 */
void model_create(struct model *model, const char *name, const enum held_kind *kinds);

/* Go back to NAME: what it holds becomes present, and it current. */
void model_revert(struct model *model, const char *name);

/* Forget NAME, or its subtree with (DESCENDANTS) or without (and not SELF) it. */
void model_delete(struct model *model, const char *name, bool self, bool descendants);

/* Add an image that is foreign to the domain. Takes CONTENT. */
void model_add_foreign(struct model *model, const char *path, GByteArray *content);
