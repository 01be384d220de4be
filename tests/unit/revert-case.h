/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/revert.h"
#include "unit/forest.h"

/* Reverts of trees that are written as text (unit/forest.h). */

#define REVERT_STAMP 1795378938

static struct forest forest;
static struct revert_report report;

static inline void
revert_teardown(void)
{
    forest_clear(&forest);
}

static inline struct snapshot_def *
revert_find(const char *name)
{
    struct snapshot_def *def =
        (struct snapshot_def *)snapshot_tree_find(forest.planner.state.snapshots->tree, name);

    ck_assert_msg(def != NULL, "no snapshot %s", name);
    return def;
}

/* Snapshot NAME was taken with --keep-filename. */
static inline void
revert_keep_names(const char *name)
{
    forest_keep_names(&forest, name);
}

static inline struct plan *
revert_to(const char *name, const char *save_as, GError **error)
{
    const struct revert_request request = {revert_find(name), save_as, REVERT_STAMP};

    planner_load_unheld(&forest.planner);
    return revert_plan(&forest.planner.state, &request, &report, forest.notes, error);
}

/* The plan, which there must be. */
static inline struct plan *
reverted(const char *name, const char *save_as)
{
    g_autoptr(GError) error = NULL;
    struct plan *plan = revert_to(name, save_as, &error);

    unit_assert_ok(plan != NULL, error);
    return plan;
}

static inline void
assert_refused(const char *name, const char *save_as, enum offshot_error code, const char *fragment)
{
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = revert_to(name, save_as, &error);

    ck_assert_msg(plan == NULL, "not refused: %s", fragment);
    unit_assert_error(error, code, fragment);
}

/* The text that PLAN stages for PATH. */
static inline const char *
staged(const struct plan *plan, const char *path)
{
    return planner_step(plan, planner_step(plan, path)->source)->content;
}

/* Whether PLAN has a step for PATH. */
static inline bool
touches(const struct plan *plan, const char *path)
{
    g_autofree char *steps = planner_steps(plan);
    g_autofree char *first = g_strdup_printf(" %s\n", path);
    g_autofree char *other = g_strdup_printf(" %s <-", path);

    return strstr(steps, first) || strstr(steps, other);
}
