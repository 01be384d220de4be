/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>
#include <stdint.h>

/* What lib/power-shim.c writes down and lib/power-cut.c reads: records, one after the other, each
 * with `length` bytes behind it where its kind says so.
 */
enum power_kind {
    POWER_NOTHING,   /* nothing that is lost */
    POWER_WRITE,     /* `length` bytes of INODE at `at`; they follow */
    POWER_ZERO,      /* `length` bytes of INODE at `at` read as zero; its size stays */
    POWER_ZERO_GROW, /* the same, and INODE reaches that far */
    POWER_GROW,      /* INODE is `at` + `length` bytes long, if it was shorter */
    POWER_SIZE,      /* INODE is `at` bytes long */
    POWER_SYNC,      /* what was done to INODE, a file or a directory, is durable */
    POWER_NAME,      /* `now` names INODE; struct power_names follows, as for all below */
    POWER_MOVE,      /* `now` names INODE and `old` nothing */
    POWER_GONE,      /* `now` names nothing */
};

struct power_record {
    uint32_t kind;
    uint64_t inode;
    uint64_t at;
    uint64_t length;
};

struct power_place {
    uint64_t directory; /* inode */
    char name[NAME_MAX + 1];
};

struct power_names {
    struct power_place now;
    struct power_place old;
    uint32_t is_directory; /* what gets the name is one */
};
