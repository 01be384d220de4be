/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "load/state.h"
#include "txn/plan.h"

/* Plan to record DEF, a snapshot that the user describes (create --redefine), under libvirt's
 * rules: its parent exists and no cycle comes of it, its <domain> is of this domain, and a snapshot
 * of that name that is there keeps its kind (online, offline, disk-only). DEF is completed: disks
 * by its <domain>, the <domain> from the snapshot it replaces, current when CURRENT or when the one
 * it replaces was. Images are not looked at. Pure.
 *
 * Fails with OFFSHOT_ERROR_USAGE, OFFSHOT_ERROR_NOT_FOUND (parent) or OFFSHOT_ERROR_REFUSED. Free
 * with plan_free().
 */
struct plan *redefine_plan(const struct state *state, struct snapshot_def *def, bool current,
                           GError **error);
