/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"
#include "txn/plan.h"

/* What one new overlay takes at most, in bytes: header, refcounts and an L1 table of a few
 * clusters. An image with more fails in qemu-img and is undone.
 */
#define OVERLAY_SPACE (1024 * 1024)

/* … and at least: asked of the file system for all overlays together, so that nothing is refused
 * that would succeed.
 */
#define OVERLAY_SPACE_LEAST (128 * 1024)

/* How the backing string of an overlay is written. */
enum backing_path {
    BACKING_PATH_AUTO, /* relative when base and overlay share a directory, else absolute */
    BACKING_PATH_RELATIVE,
    BACKING_PATH_ABSOLUTE,
};

/* One new overlay. Nothing in it is owned. */
struct overlay_request {
    const struct image *base;
    const char *base_path;             /* what BASE is called once the plan has run */
    const char *path;                  /* what the overlay is called then */
    const char *temporary;             /* the file that it is made as */
    const struct image_format *format; /* of the overlay */
    enum backing_path backing_path;
    const char *options; /* the user's, or NULL */
    const char *like;    /* the file whose attributes it gets; NULL: those of BASE */
    bool base_moves;     /* BASE has not got BASE_PATH yet when the overlay is made */
};

/* Plan the step that makes an empty overlay as the file TEMPORARY. Fails with OFFSHOT_ERROR_USAGE
 * (options), OFFSHOT_ERROR_REFUSED (backing string too long).
 */
bool overlay_plan(struct plan *plan, const struct state *state,
                  const struct overlay_request *request, GError **error);
