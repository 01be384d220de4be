/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"

/* virsh's short forms (man virsh, snapshot-create-as). A comma in a value is doubled. */

/* Parse "DISK[,snapshot=LOCATION][,driver=FORMAT][,stype=file|block][,file=PATH]". A relative PATH
 * is taken from the working directory. A path or a format without snapshot= means external. Fails
 * with OFFSHOT_ERROR_USAGE. Free with snapshot_disk_free().
 */
struct snapshot_disk *disk_spec_parse(const char *text, GError **error);

/* Parse "[file=]PATH[,snapshot=no|internal|external]" into memory and memory_file of DEF. A path
 * without snapshot= means external. Fails with OFFSHOT_ERROR_USAGE.
 */
bool memory_spec_parse(struct snapshot_def *def, const char *text, GError **error);
