/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/image-file.h"
#include "util/scope.h"

/* A light reader of chains that are not ours, clones and templates and the disks of others: nothing
 * about them is an error, and all that counts is what they stand on.
 */
struct outside;

/* What stands directly on a file. */
struct dependent {
    char *text;             /* its path, or else what to say of it */
    struct image_file file; /* which file it is; inode 0: not known */
};

struct outside *outside_new(void);
void outside_free(struct outside *outside);
SCOPED_DEFINE(outside)

/* FILE is known otherwise: what it stands on itself is not looked at. */
void outside_skip(struct outside *outside, const struct image_file *file);

/* Note TEXT (ownership passes), which says what stands on BELOW; unless it was noted before. WHO is
 * the file that does, or NULL.
 */
void outside_note(struct outside *outside, const struct image_file *below, char *text,
                  const struct image_file *who);

/* What stands on FILE (of struct dependent), borrowed; NULL: nothing that was found. */
const GPtrArray *outside_find(const struct outside *outside, const struct image_file *file);

/* Follow the links of PATH, which is FILE, and note what each image stands on, down to the first
 * that is skipped. Each file is followed once for each directory in which it is named, since its
 * links start there.
 *
 * Fails with OFFSHOT_ERROR_FAILED when PATH itself cannot be opened or read,
 * OFFSHOT_ERROR_INCONSISTENT when it is no longer FILE (which may be followed under another name
 * then), OFFSHOT_ERROR_REFUSED when it cannot be told on what file it, or an image below it,
 * stands.
 */
bool outside_follow(struct outside *outside, const char *path, const struct image_file *file,
                    GError **error);

/* Follow all files and block devices in DIRECTORY that could be images, through symbolic links as
 * well. UNREADABLE (of char *) gets the paths of those of which it cannot be told what they stand
 * on, or DIRECTORY itself when it cannot be read, or others rename files in it all the time. One
 * that is renamed meanwhile is found under one of its names.
 */
void outside_look(struct outside *outside, const char *directory, GPtrArray *unreadable);
