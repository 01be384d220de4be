/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "conf/xml-edit.h"

/* The <disks> and <revertDisks> of a snapshot as text; DISKS is of struct snapshot_disk. */

/* Whether all texts of DISKS can stand in XML. Fails with OFFSHOT_ERROR_USAGE. */
bool snapshot_disks_check(const GPtrArray *disks, GError **error);

/* Append element NAME with DISKS to OUT, indented and with a line break; nothing for no disks. In a
 * REQUEST what is only implied is not said. Fails with OFFSHOT_ERROR_USAGE when the element that a
 * disk was read from cannot be read again.
 */
bool snapshot_disks_format(GString *out, const char *name, const GPtrArray *disks, bool request,
                           GError **error);

/* Bring element NAME of ROOT, a <domainsnapshot>, to what DISKS say. Disks that it says the same of
 * keep every byte. Fails as snapshot_disks_format().
 */
bool snapshot_disks_rewrite(struct xml_edit *edit, xmlNodePtr root, const char *name,
                            const GPtrArray *disks, GError **error);
