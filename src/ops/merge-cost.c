/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge-cost.h"

#include "ops/merge-rules.h"

/* Headers, tables and refcounts that a merge may need beside the data, in bytes. */
#define METADATA_SPACE (1024 * 1024)

/* What IMAGE holds, in clusters of TARGET: each of its own may need a whole one there. */
static uint64_t
spread(const struct image *image, const struct image *target)
{
    uint64_t bytes = merge_rules_bytes(image);
    uint32_t from = image->header.cluster_size;
    uint32_t to = target->header.cluster_size;
    uint64_t factor = from > 0 && to > from ? to / from : 1;

    return bytes > UINT64_MAX / factor ? UINT64_MAX : bytes * factor;
}

static uint64_t
add(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* From FIRST down to, but not including, END. */
static uint64_t
sum(const struct image *first, const struct image *end, const struct image *target)
{
    uint64_t bytes = 0;

    for (const struct image *image = first; image != end; image = image->backing)
        bytes = add(bytes, target ? spread(image, target) : merge_rules_bytes(image));
    return bytes;
}

uint64_t
merge_cost_down(const struct merge *merge)
{
    return sum(merge->top, merge->bottom, NULL);
}

uint64_t
merge_cost_up(const struct merge *merge)
{
    return sum(merge->top->backing, merge->bottom->backing, NULL);
}

uint64_t
merge_cost_space(const struct merge *merge)
{
    bool down = merge->how == MERGE_COMMIT;
    const struct image *target = down ? merge->bottom : merge->top;
    uint64_t bytes = down ? sum(merge->top, merge->bottom, target)
                          : sum(merge->top->backing, merge->bottom->backing, target);

    return target->block ? 0 : add(MIN(bytes, merge->top->size), METADATA_SPACE);
}

static const struct image *
written_by(const struct merge *merge)
{
    return merge->how == MERGE_COMMIT ? merge->bottom : merge->top;
}

static bool
meet(const struct merge *a, const struct merge *b)
{
    return image_stands_on(a->top, written_by(b)) || image_stands_on(b->top, written_by(a)) ||
           image_stands_on(a->top, b->top) || image_stands_on(b->top, a->top);
}

unsigned
merge_cost_level(const GArray *merges, const struct merge *merge)
{
    unsigned level = 0;

    for (guint i = 0; i < merges->len; i++) {
        const struct merge *other = &g_array_index(merges, struct merge, i);

        if (meet(merge, other))
            level = MAX(level, other->level + 1);
    }
    return level;
}
