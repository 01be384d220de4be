/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"

/* Complete DEF's <disks> from DOMAIN by libvirt's rules (formatsnapshot,
 * virDomainSnapshotAlignDisks):
 *
 * - a requested disk is found by target or by its only source path, and then named by its target;
 * - a request without a location gets the domain's snapshot= attribute; else `no` for read-only
 *   disks and cdroms; else DEFAULT_LOCATION;
 * - a disk that was not requested: `no` when the drive is empty; else the domain's snapshot=
 *   attribute; else `no` for read-only disks and cdroms; else DEFAULT_LOCATION (also a floppy with
 *   media);
 * - the result holds every disk of the domain once, in the domain's order.
 *
 * Fails with OFFSHOT_ERROR_NOT_FOUND (no such disk) or OFFSHOT_ERROR_USAGE (disk given twice,
 * ambiguous path, a path with a location other than external; a format alone is let pass, as
 * libvirt does). DEF is unchanged after a failure.
 */
bool snapshot_def_align_disks(struct snapshot_def *def, const struct domain_def *domain,
                              enum snapshot_location default_location, GError **error);

/* The overlay's name as libvirt makes it: the last ".suffix" of the file name in PATH (if it has
 * one) replaced by ".NAME". Free with g_free().
 */
char *snapshot_overlay_name(const char *path, const char *name);

/* The frozen image's name with --keep-filename: "STEM.NAME.SUFFIX" for PATH "STEM.SUFFIX",
 * "PATH.NAME" for a file name without a suffix. Free with g_free().
 */
char *snapshot_frozen_name(const char *path, const char *name);
