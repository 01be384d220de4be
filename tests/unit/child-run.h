/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unit/unit.h"
#include "util/child.h"

/* Running one child in a unit test. */

#define SHELL(script) ((char *[]){(char *)"/bin/sh", (char *)"-c", (char *)(script), NULL})

/* Run one child; its results stay in CHILD for the caller to clear. */
static inline void
run_one(struct child *child, char **argv)
{
    struct child *children[] = {child};
    g_autoptr(GError) error = NULL;

    child->argv = argv;
    ck_assert(child_run(children, 1, 1, &error));
    ck_assert_ptr_null(error);
}
