/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/random.h"

/* splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"). */
static guint64
rng_next(struct rng *rng)
{
    guint64 z = rng->state += G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void
rng_init(struct rng *rng, guint seed)
{
    rng->state = seed;
    rng_next(rng);
}

guint
rng_below(struct rng *rng, guint limit)
{
    return rng_next(rng) % limit;
}

bool
rng_percent(struct rng *rng, guint percent)
{
    return rng_below(rng, 100) < percent;
}
