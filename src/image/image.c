/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/image.h"

#include <unistd.h>

#include "image/image-file.h"
#include "image/lock.h"
#include "util/error.h"
#include "util/scope.h"

bool
image_stands_on(const struct image *top, const struct image *base)
{
    for (; top; top = top->backing) {
        if (top == base)
            return true;
    }
    return false;
}

int
image_open(const struct image *image, GError **error)
{
    struct image_file file = {0};
    scoped_fd fd = -1;
    bool same;

    if (!image_file_look(&file, image->path, error))
        return -1;
    fd = image_file_open(&file, image->path, error);
    if (fd < 0)
        return -1;
    /* the time stamp of a device node tells nothing of writes */
    if (image->block)
        file.identity.mtime = image->identity.mtime;
    same =
        file.block == image->block && file_identity_is_unchanged(&file.identity, &image->identity);
    if (same)
        return scoped_fd_steal(&fd);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "image '%s' changed since it was looked at: run the command again", image->path);
    return -1;
}

bool
image_check_unused(const struct image *top, GError **error)
{
    for (const struct image *image = top; image; image = image->backing) {
        scoped_fd fd = image_open(image, error);
        enum image_use use;

        if (fd < 0)
            return false;
        if (!image_lock_query(fd, &use, error)) {
            g_prefix_error(error, "image '%s': ", image->path);
            return false;
        }
        if (use == IMAGE_WRITTEN || (image == top && use != IMAGE_UNUSED)) {
            g_set_error(
                error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                "image '%s' is in use by another process: shut down the virtual machine, or "
                "end what else uses it",
                image->path);
            return false;
        }
    }
    return true;
}
