/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "image/image-file.h"
#include "image/tags.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "util/error.h"

/* Where a qcow2 header has the number of its internal snapshots and the place of their table (QEMU
 * docs/interop/qcow2.txt).
 */
#define TABLE_REFERENCE 60

bool
step_table_remember(struct step *step, int fd, GPtrArray *tags, GError **error)
{
    struct step_table *table = &step->table;
    ssize_t got = image_file_read(fd, step->path, table->header, sizeof(table->header),
                                  TABLE_REFERENCE, error);

    if (got < 0)
        return false;
    g_clear_pointer(&table->tags, g_ptr_array_unref);
    if ((size_t)got == sizeof(table->header))
        table->tags = g_ptr_array_ref(tags);
    return true;
}

static bool
has_tag(const GPtrArray *tags, const struct image_tag *wanted)
{
    for (guint i = 0; i < tags->len; i++) {
        const struct image_tag *tag = g_ptr_array_index(tags, i);

        if (strcmp(tag->id, wanted->id) == 0 && strcmp(tag->name, wanted->name) == 0 &&
            tag->l1_offset == wanted->l1_offset)
            return true;
    }
    return false;
}

/* Whether the image has all tags that STEP is not about. */
static bool
is_whole(const struct step *step, int fd)
{
    g_autoptr(GPtrArray) now = image_tags_read(fd, step->path, NULL);

    for (guint i = 0; now && i < step->table.tags->len; i++) {
        const struct image_tag *tag = g_ptr_array_index(step->table.tags, i);

        if (strcmp(tag->name, step->tag) != 0 && !has_tag(now, tag))
            return false;
    }
    return now != NULL;
}

static bool
put_back(const struct step *step, int fd, GError **error)
{
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    scoped_fd writable = open(name, O_RDWR | O_CLOEXEC);
    const struct step_table *table = &step->table;

    if (writable >= 0 &&
        pwrite(writable, table->header, sizeof(table->header), TABLE_REFERENCE) ==
            (ssize_t)sizeof(table->header) &&
        fsync(writable) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot restore the snapshot table of '%s'", step->path);
    return false;
}

bool
step_table_restore(const struct step *step, int fd, GError **error)
{
    if (!step->table.tags || is_whole(step, fd))
        return true;
    if (!put_back(step, fd, error))
        return false;
    return is_whole(step, fd) ||
           step_set_unexplained(error, step->path, "has lost its internal snapshots");
}
