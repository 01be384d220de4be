/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/run.h"

/* Reading images with QEMU's own tools, and their links by ourselves. */

struct link {
    bool is_qcow2;
    char *backing; /* absolute path of the image below; NULL: none */
    char *format;  /* what the image says of its format; NULL: nothing */
};

void link_clear(struct link *link);

/* Read the header of PATH. A header that no image of ours may have is a fault. */
void link_read(const struct run *run, const char *path, struct link *link);

/* "qcow2" or "raw": by content, since no disk of this test looks like what it is not. */
const char *content_format(const struct run *run, const char *path);

/* What the guest saw in PATH, in its internal snapshot TAG unless that is NULL. A grain that holds
 * more than one value is a fault. Borrowed until the images change.
 */
const GByteArray *content_read(struct run *run, const char *path, const char *tag);

/* `qemu-img check` has nothing to say of PATH. */
void content_check(struct run *run, const char *path);

/* The names of the internal snapshots in PATH (of char *). Borrowed until the image changes. */
const GPtrArray *content_tags(struct run *run, const char *path);

/* Where two contents differ first; G_MAXUINT: nowhere. Of a TAG qemu-img shows as many bytes as the
 * image has now: zeros behind what it had then, or less than that.
 */
guint content_differs(const GByteArray *have, const GByteArray *want, bool tag);

/* The cache for run->contents. */
GHashTable *content_cache_new(void);
