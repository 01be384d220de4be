/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/format.h"
#include "image/image.h"
#include "util/scope.h"

/* libvirt refuses chains of more layers, and qemu-img's cost is quadratic in them. */
#define IMAGE_CHAIN_MAX 200

/* All images that were looked at, by identity. Owns them. */
struct image_graph;

struct image_graph *image_graph_new(void);
void image_graph_free(struct image_graph *graph);
SCOPED_DEFINE(image_graph)

/* Open PATH (absolute), read its header as FORMAT (not NULL) says, and walk its backing links down
 * to the base. Never opens a FIFO, socket or directory in a way that can block or have an effect.
 * Images that are in the graph are not read again. Returns the top image, borrowed.
 *
 * Formats that our probe does not know are asked of `qemu-img info`, format forced, under CPU,
 * memory and time limits.
 *
 * Fails with
 * - OFFSHOT_ERROR_INCONSISTENT: an image of the chain is missing, is not of its format, or the
 *   chain loops; the same image was reached before with another format;
 * - OFFSHOT_ERROR_REFUSED: neither file nor block device, a protocol or json: in a link, a qcow2
 *   link without a format, more than IMAGE_CHAIN_MAX layers, or what image_header_check() refuses;
 * - OFFSHOT_ERROR_FAILED: it cannot be opened or read.
 */
const struct image *image_graph_walk(struct image_graph *graph, const char *path,
                                     const struct image_format *format, GError **error);

/* The image of the graph that PATH leads to now, through whatever links; NULL: none. */
const struct image *image_graph_find(const struct image_graph *graph, const char *path);

/* Where an image of a chain has to be that could not be looked at, mostly because nothing is there,
 * by the links of all chains that were walked: path -> path of the image that links to it, NULL at
 * the top. Borrowed.
 */
GHashTable *image_graph_missing(const struct image_graph *graph);

/* All images of the graph, in no order. Free the container with g_ptr_array_unref(). */
GPtrArray *image_graph_all(const struct image_graph *graph);
