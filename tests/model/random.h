/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Numbers that are the same for a seed on every machine. */
struct rng {
    guint64 state;
};

void rng_init(struct rng *rng, guint seed);

/* 0 … LIMIT - 1; LIMIT is at least 1. */
guint rng_below(struct rng *rng, guint limit);

/* True in PERCENT of all cases. */
bool rng_percent(struct rng *rng, guint percent);
