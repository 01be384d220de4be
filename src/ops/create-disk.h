/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/create.h"

/* One disk of an external snapshot: what may stand in its way, and the steps that freeze its image.
 */

/* Whether DEF, what the domain XML says of the disk, is something that can be frozen. Fails with
 * OFFSHOT_ERROR_REFUSED.
 */
bool create_disk_check_definition(const struct domain_disk *def, GError **error);

/* Whether the image of DISK can be frozen, and nothing else would write it then. Remarks go to
 * NOTES. Fails with OFFSHOT_ERROR_REFUSED, or with why the disk's image could not be used.
 */
bool create_disk_check(const struct state *state, const struct create_request *request,
                       const struct snapshot_disk *disk, GPtrArray *notes, GError **error);

/* Names of one disk's images, once the plan has run. */
struct create_disk_names {
    char *overlay; /* the new active image */
    char *frozen;  /* the image that holds the state */
};

void create_disk_names_clear(struct create_disk_names *names);

/* Plan the overlay of DISK: steps that make it and give the images their names, and the checks they
 * rest on. *NAMES says how they are called then.
 */
bool create_disk_plan(struct plan *plan, const struct state *state,
                      const struct create_request *request, const struct snapshot_disk *disk,
                      const char *snapshot, struct create_disk_names *names, GError **error);
