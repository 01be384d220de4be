/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/run.h"

/* Stands in the domain XML, outside of <domain>, and has to stay. */
#define START_COMMENT "<!-- kept by hand -->"

/* Begin SEED in DIRECTORY, which is made: a domain with one to three disks, no snapshot. Free with
 * run_free().
 */
struct run *run_start(const char *offshot, const char *directory, guint seed);
void run_free(struct run *run);
SCOPED_DEFINE(run)

/* Write random places of disk DISK, its active image being PATH. */
void run_write(struct run *run, guint disk, const char *path, const char *format);
