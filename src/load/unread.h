/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/scope.h"

/* A file that may be XML of a domain or of a snapshot and that we cannot read as such: broken, with
 * a document type, in another encoding. libvirt may read it nevertheless, and its owner may mend
 * it; so what it names counts.
 */
struct unread {
    char *text; /* in UTF-8 where that can be, without the NULs that other encodings have; NULL:
                   nobody knows what is in it */
    size_t length;
};

/* Read PATH. NULL when it cannot be such XML: nothing is there, it is no regular file, or it is a
 * good document of something else than a ROOT. What is too long, or may not be read, has no text.
 * Free with unread_free().
 */
struct unread *unread_load(const char *path, const char *root);
void unread_free(struct unread *unread);
SCOPED_DEFINE(unread)

/* Whether it says the file name of the image at PATH. A name that could be written otherwise than
 * it is counts as said, and so does any name in a file that could spell it out.
 */
bool unread_names(const struct unread *unread, const char *path);

/* The absolute paths that stand in it between quotes (of char *), but for what numbers or entities
 * of its own spell. Free with g_ptr_array_unref().
 */
GPtrArray *unread_paths(const struct unread *unread);
