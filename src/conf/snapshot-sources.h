/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "conf/xml-edit.h"

/* The <source> elements of disks, and of the layers below them, anywhere in a <domainsnapshot>. */

/* Whether SOURCE has any of PATHS, a set of strings, as its file, dev or dir. */
bool snapshot_source_names_any(const xmlNode *source, GHashTable *paths);

/* Make the moves of CHANGE in ROOT, a <domainsnapshot>: what counts takes format and type, too. */
void snapshot_sources_move(struct xml_edit *edit, xmlNodePtr root,
                           const struct snapshot_def_change *change);
