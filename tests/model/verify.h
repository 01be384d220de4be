/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/observe.h"

/* Compare what is with what ought to be; each difference is a fault. */
void verify(struct run *run, const struct seen *seen);

/* After a deletion, no image is left that no snapshot names and that could have been merged. */
void verify_nothing_mergeable(struct run *run, const struct seen *seen);
