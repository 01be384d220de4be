/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* What an edit must leave as it is. Pure. */

/* Whether DEF, which has the <domain> of OLD when it has none itself, says the same as OLD of what
 * holds the snapshot: state, creation time, memory, disks, overlays of reverts, and the disks of
 * its definitions. Fails with OFFSHOT_ERROR_REFUSED, naming what differs.
 */
bool edit_rules_check_fixed(const struct snapshot_def *old, const struct snapshot_def *def,
                            GError **error);

/* Whether PARENT is a place for SNAPSHOT (both are stored ones): every disk that both hold stands
 * on what PARENT holds, or is in the same image. Fails with OFFSHOT_ERROR_REFUSED, and with
 * OFFSHOT_ERROR_INCONSISTENT when an image is missing.
 */
bool edit_rules_check_parent(const struct state *state, const char *snapshot, const char *parent,
                             GError **error);

/* The same of the active state of the disks that SNAPSHOT holds, which is to be the current one. */
bool edit_rules_check_current(const struct state *state, const char *snapshot, GError **error);
