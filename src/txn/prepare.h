/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/apply.h"

/* Write the first journal of a plan and run its prepare steps rank by rank, the programs of one
 * rank side by side. *BEGUN counts the steps that may have left something, also after a failure.
 */
bool plan_prepare(const struct execution *execution, guint *begun, GError **error);

/* Fail with OFFSHOT_ERROR_FAILED when a signal came. */
bool plan_check_interrupted(GError **error);
