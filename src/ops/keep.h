/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/usage.h"

/* What an operation leaves of the images of a domain. Nothing in it is owned. */
struct keep {
    const struct state *state;
    const GPtrArray *disks;  /* of const struct image *: active images that stay so; NULL: all */
    snapshot_set *removed;   /* NULL: none */
    const GPtrArray *layers; /* of const struct image *: the list of layers afterwards */
    GHashTable *gone;        /* set of const struct image *: files that go; NULL: none */
};

/* The images (of const struct image *) that stay and are in no chain of the domain any more: what
 * they stand on has to stay as well, and only the list of layers can tell from now on. Those that
 * lie in the directory of the image below them are found there and left out. Pure. Free the
 * container with g_ptr_array_unref().
 */
GPtrArray *keep_find(const struct keep *keep);

/* Whether the list of layers lacks one of KEPT, or of what is to be kept in any case. */
bool keep_is_news(const struct state *state, const GPtrArray *kept);
