/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/lock.h"

#include <errno.h>
#include <fcntl.h>

#include "util/error.h"

#define BYTE_USES 100     /* + permission: "I use it" */
#define BYTE_UNSHARES 200 /* + permission: "nobody else may" */

enum { PERMISSION_READ = 0, PERMISSION_WRITE = 1, PERMISSION_RESIZE = 3, PERMISSIONS = 4 };

/* Whether there are no OFD locks here: an old kernel, a file system or file server without them. */
static bool
is_unsupported(int errnum)
{
    return errnum == EINVAL || errnum == ENOSYS || errnum == EOPNOTSUPP || errnum == ENOLCK;
}

/* Whether somebody else holds a lock on COUNT bytes from START; -1 with errno set when it cannot be
 * told.
 */
static int
bytes_held(int fd, off_t start, off_t count)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = count};

    if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
        return -1;
    return lock.l_type != F_UNLCK;
}

/* What others do with the image; -1 with errno set when it cannot be told. */
static int
others_use(int fd)
{
    int held = bytes_held(fd, BYTE_USES, BYTE_UNSHARES + PERMISSIONS - BYTE_USES);

    if (held <= 0)
        return held < 0 ? -1 : IMAGE_UNUSED;
    held = bytes_held(fd, BYTE_USES + PERMISSION_WRITE, 1);
    if (held == 0)
        held = bytes_held(fd, BYTE_USES + PERMISSION_RESIZE, 1);
    if (held < 0)
        return -1;
    return held ? IMAGE_WRITTEN : IMAGE_READ;
}

bool
image_lock_query(int fd, enum image_use *use, GError **error)
{
    int found = others_use(fd);

    *use = found < 0 ? IMAGE_UNUSED : (enum image_use)found;
    if (found >= 0 || is_unsupported(errno))
        return true;
    offshot_set_error_errno(error, errno, "cannot ask who uses the image");
    return false;
}

static bool
byte_hold(int fd, off_t byte)
{
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

static void
bytes_release(int fd)
{
    struct flock lock = {.l_type = F_UNLCK,
                         .l_whence = SEEK_SET,
                         .l_start = BYTE_USES,
                         .l_len = BYTE_UNSHARES + PERMISSIONS - BYTE_USES};

    fcntl(fd, F_OFD_SETLK, &lock);
}

static bool
bytes_hold(int fd, bool exclusive)
{
    static const off_t shared[] = {BYTE_USES + PERMISSION_READ, BYTE_UNSHARES + PERMISSION_WRITE};
    static const off_t others[] = {BYTE_USES + PERMISSION_WRITE, BYTE_USES + PERMISSION_RESIZE,
                                   BYTE_UNSHARES + PERMISSION_RESIZE};

    for (size_t i = 0; i < G_N_ELEMENTS(shared); i++) {
        if (!byte_hold(fd, shared[i]))
            return false;
    }
    for (size_t i = 0; exclusive && i < G_N_ELEMENTS(others); i++) {
        if (!byte_hold(fd, others[i]))
            return false;
    }
    return true;
}

static bool
busy(GError **error, const char *path, enum image_use use)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                "image '%s' is being %s by another process: shut down what uses it first", path,
                use == IMAGE_WRITTEN ? "written" : "read");
    return false;
}

bool
image_lock_take(int fd, const char *path, bool exclusive, GError **error)
{
    enum image_use use;

    if (!bytes_hold(fd, exclusive)) {
        int errnum = errno;

        bytes_release(fd);
        if (is_unsupported(errnum))
            return true;
        if (errnum == EAGAIN || errnum == EACCES)
            return busy(error, path, IMAGE_WRITTEN);
        offshot_set_error_errno(error, errnum, "cannot lock image '%s'", path);
        return false;
    }
    if (!image_lock_query(fd, &use, error)) {
        g_prefix_error(error, "image '%s': ", path);
        bytes_release(fd);
        return false;
    }
    if (use == IMAGE_WRITTEN || (exclusive && use == IMAGE_READ)) {
        bytes_release(fd);
        return busy(error, path, use);
    }
    return true;
}
