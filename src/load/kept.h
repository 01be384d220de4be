/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/domains.h"

/* Images that are in no chain of the domain and that offshot knows nevertheless: a snapshot names
 * them, as a disk that it does not hold or as an overlay that is no disk's any more, or an earlier
 * operation left them alone and noted that (`kept`).
 */

/* Follow them, and all that lies in their directories. Media that are only read have to do without
 * the latter.
 */
void search_kept(struct search *search);

/* After all has been followed: add to `kept` what snapshots name and what stands on images of the
 * graph, unless it lies in the directory of what it stands on, and so will always be found.
 */
void search_note_kept(struct search *search);
