/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image.h"
#include "txn/plan.h"

/* Names of images of a chain as QEMU makes them, from the backing links alone: right whatever
 * symbolic links are on the way, and what qemu-img compares a base with. Pure.
 */

/* The path of BELOW, an image in the chain of TOP, as QEMU comes to it from TOP. Free with
 * g_free().
 */
char *merge_link_path(const struct image *top, const struct image *below);

/* The backing link that leads from TOP to BELOW, at least one link deeper: relative when every link
 * on the way is. Fails with OFFSHOT_ERROR_REFUSED when it is longer than a header holds. Free with
 * merge_link_clear().
 */
bool merge_link_make(struct step_link *link, const struct image *top, const struct image *below,
                     GError **error);

/* The backing link that IMAGE, which stands on another, has. Free with merge_link_clear(). */
void merge_link_get(struct step_link *link, const struct image *image);
void merge_link_clear(struct step_link *link);
