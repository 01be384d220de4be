/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* Find what else stands on the images of the graph, which is complete, and note it in `dependents`,
 * sorted: all files and block devices in the directories of its images that could be images
 * themselves, through symbolic links as well, what own snapshots name and what was kept
 * (load/kept.h), and the disks of the domains beside this one and of their snapshots
 * (load/domains.h), each with its chain. A file of which it cannot be told what it
 * stands on counts as standing on all images of its directory, and so does a directory that cannot
 * be read. All directories in which images were found, those of the other domains as well, are
 * noted in `searched`. Fails as stores_load().
 */
bool state_load_dependents(struct state *state, GError **error);
