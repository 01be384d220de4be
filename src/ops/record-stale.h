/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "txn/plan.h"

/* What is on record of frozen images (conf/snapshot-facts.h) and PLAN makes untrue: an image that
 * it merges into another, or changes in place, is not the file any more that was noted. Pure.
 */

/* The steps of PLAN that change images or merge them into others: path -> struct step, both
 * borrowed from PLAN. Free with g_hash_table_unref().
 */
GHashTable *record_find_changing(const struct plan *plan);

/* The disks of snapshot DEF whose frozen images CHANGING changes: target (borrowed from
 * DEF) -> struct frozen_record, the file that holds them afterwards; NULL: it changes none, or
 * STATE has no tree. Free with g_hash_table_unref().
 */
GHashTable *record_find_stale(const struct state *state, const struct snapshot_def *def,
                              GHashTable *changing);
