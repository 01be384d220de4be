/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/domains.h"

/* Follow what DOMAIN, which lies beside our own, has noted in STATE, the directory of its lock: the
 * images that its earlier operations kept, and those that its journal names, since an operation
 * that was interrupted may need more than the links of its images say. A list or journal that
 * cannot be read counts as naming all images.
 */
void search_noted(const struct neighbour *domain, const char *state);
