/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "load/state.h"
#include "txn/plan.h"

/* Check DEF, a snapshot that the user describes, by libvirt's rules: its <domain> is of this
 * domain, and OLD, the snapshot in whose place it comes (NULL: none; its name may be another),
 * keeps its kind (online, offline, disk-only). DEF gets the <domain> of OLD when it has none. Name,
 * parent and images are not looked at. Pure.
 *
 * Fails with OFFSHOT_ERROR_USAGE (no <domain>) or OFFSHOT_ERROR_REFUSED.
 */
bool redefine_check(const struct state *state, struct snapshot_def *def,
                    const struct snapshot_def *old, GError **error);

/* Plan to record DEF (create --redefine), in the place of the snapshot of its name, if there is
 * one: under the rules of redefine_check() and with a parent that exists and makes no cycle. DEF is
 * completed: disks by its <domain>, current when CURRENT or when the one it replaces was. What it
 * has on record of frozen images (conf/snapshot-facts.h) goes where the one it replaces has not the
 * same on record of the same image: it is of another file then. Pure.
 *
 * Fails as redefine_check() and snapshot_tree_check_parent() do, and with OFFSHOT_ERROR_USAGE for
 * its name. Free with plan_free().
 */
struct plan *redefine_plan(const struct state *state, struct snapshot_def *def, bool current,
                           GError **error);
