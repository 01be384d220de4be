/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/xml-edit.h"

/* Let our facts in DOMAIN, the <domain> of a snapshot (may be NULL), say that the frozen images of
 * the disks in FILES are these files from now on: target -> const struct frozen_record *, of which
 * no size and no time is known.
 */
void snapshot_facts_move(struct xml_edit *edit, const xmlNode *domain, GHashTable *files);
