/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* Those checks of a plan that are about names and the directories that they are in: what is to be
 * made, replaced or removed there. The kernel's word is asked for beforehand where it would refuse
 * in the middle.
 */

/* Nothing has the name, and a file can get it. Fails with OFFSHOT_ERROR_REFUSED. */
bool check_absent(const struct plan_check *check, GError **error);

/* The name leads to the file that the plan saw, as it saw it, and can be given to another. Fails
 * with OFFSHOT_ERROR_BUSY when it was changed, else with OFFSHOT_ERROR_REFUSED or
 * OFFSHOT_ERROR_FAILED.
 */
bool check_unchanged(const struct plan_check *check, GError **error);

/* Whether files that are staged beside a directory can be renamed into it. Fails with
 * OFFSHOT_ERROR_REFUSED or OFFSHOT_ERROR_FAILED.
 */
bool check_install(const struct plan_check *check, GError **error);

/* Fail with OFFSHOT_ERROR_BUSY: somebody has changed PATH since the plan was made. */
bool check_set_changed(const char *path, GError **error);
