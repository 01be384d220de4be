/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image-file.h"
#include "load/tree.h"

/* A light reader of chains that are not in the graph: they are not ours, so nothing about them is
 * an error, and all that counts is where they meet the graph.
 */
struct outside {
    struct state *state; /* dependents are noted here */
    GHashTable *images;  /* struct image_file -> struct image: the whole graph */
    GHashTable *seen;    /* set of struct image_file: what was followed already */
};

void outside_init(struct outside *outside, struct state *state);
void outside_clear(struct outside *outside);

/* The image of the graph that FILE is, NULL: none. */
const struct image *outside_find_image(const struct outside *outside,
                                       const struct image_file *file);

/* Note TEXT, which says what stands on IMAGE. Takes ownership. */
void outside_note(struct outside *outside, const struct image *image, char *text);

/* Note TEXT on all images. */
void outside_note_all(struct outside *outside, const char *text);

/* Follow the links of PATH, which is FILE and no image of the graph, and note the first image that
 * stands on one of the graph. Each file is followed once, through at most IMAGE_CHAIN_MAX layers;
 * what PATH as a symbolic link leads to may be followed again, since its own links start elsewhere.
 *
 * Fails with OFFSHOT_ERROR_FAILED when PATH itself cannot be opened or read, OFFSHOT_ERROR_REFUSED
 * when it cannot be told on what file it, or an image below it, stands.
 */
bool outside_follow(struct outside *outside, const char *path, const struct image_file *file,
                    GError **error);
