/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image.h"

/* Reading what an image says of itself; only for the graph. */

/* The format of image PATH, to which the image ABOVE links without saying it: what it looks like,
 * unless that is as good as nothing, which is refused.
 */
const struct image_format *image_format_guess(const char *path, const char *above,
                                              const char *looks_like, GError **error);

/* Read the header of IMAGE, whose path and identity are known, from FD; what we cannot read,
 * `qemu-img info` is asked. Sets format (if it was NULL: guessed, ABOVE links to it), header, size,
 * looks_like. Fails as image_graph_walk() does.
 */
bool image_read(struct image *image, int fd, const char *above, GError **error);
