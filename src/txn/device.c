/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/lock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/scope.h"

/* An overlay without data is a few hundred KiB; one made with preallocated metadata some MiB. */
#define OVERLAY_MAX (256 * 1024 * 1024)

/* Open DEVICE for writing; O_EXCL makes the kernel refuse one that is mounted or part of another.
 */
static int
device_open(const char *device, GError **error)
{
    scoped_fd fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);
    struct stat st;

    if (fd < 0 && errno == EBUSY) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY, "device '%s' is in use", device);
        return -1;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", device);
        return -1;
    }
    if (!S_ISBLK(st.st_mode)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, "'%s' is not a block device",
                    device);
        return -1;
    }
    return scoped_fd_steal(&fd);
}

/* Read LENGTH bytes from the beginning of DEVICE; a shorter device has no space for the overlay. */
static char *
device_read(int fd, const char *device, size_t length, GError **error)
{
    g_autofree char *data = g_malloc(length);
    size_t used = 0;

    while (used < length) {
        ssize_t got = pread(fd, data + used, length - used, (off_t)used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            offshot_set_error_errno(error, errno, "cannot read '%s'", device);
            return NULL;
        }
        if (got == 0) {
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NO_SPACE,
                        "device '%s' is too small for an overlay of %zu bytes", device, length);
            return NULL;
        }
        used += (size_t)got;
    }
    return g_steal_pointer(&data);
}

/* Write DATA, or zeros when it is NULL, to the beginning of the device and flush it. */
static bool
device_write(int fd, const char *device, const char *data, size_t length, GError **error)
{
    g_autofree char *zeros = data ? NULL : g_malloc0(length);

    if (lseek(fd, 0, SEEK_SET) < 0 || !file_write(fd, device, data ? data : zeros, length, error))
        return false;
    if (fsync(fd) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot flush '%s'", device);
    return false;
}

static bool
is_blank(const char *data, size_t length)
{
    return length == 0 || (data[0] == '\0' && memcmp(data, data + 1, length - 1) == 0);
}

static bool
check_blank(int fd, const char *device, size_t length, GError **error)
{
    g_autofree char *present = device_read(fd, device, length, error);

    if (!present)
        return false;
    if (is_blank(present, length))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "device '%s' is not blank: clear it (blkdiscard -z), or make the overlay on it "
                "yourself and use --reuse-external",
                device);
    return false;
}

bool
device_check_blank(const char *device, size_t length, GError **error)
{
    scoped_fd fd = device_open(device, error);
    enum image_use use;

    if (fd < 0 || !image_lock_query(fd, &use, error))
        return false;
    if (use == IMAGE_UNUSED)
        return check_blank(fd, device, length, error);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY, "device '%s' is in use", device);
    return false;
}

bool
device_fill(const char *device, const char *source, GError **error)
{
    g_autofree char *overlay = NULL;
    scoped_fd fd = -1;
    size_t length;

    overlay = file_read(source, OVERLAY_MAX, &length, NULL, error);
    if (!overlay)
        return false;
    fd = device_open(device, error);
    if (fd < 0 || !check_blank(fd, device, length, error))
        return false;
    if (device_write(fd, device, overlay, length, error))
        return true;
    device_write(fd, device, NULL, length, NULL);
    return false;
}

/* Blocks of the device that are neither zero nor the overlay's were written by somebody else. */
static bool
device_is_ours(const char *present, const char *overlay, size_t length)
{
    const size_t block = 512;

    for (size_t at = 0; at < length; at += block) {
        size_t part = MIN(block, length - at);

        if (!is_blank(present + at, part) && memcmp(present + at, overlay + at, part) != 0)
            return false;
    }
    return true;
}

bool
device_blank(const char *device, const char *source, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *overlay = NULL;
    g_autofree char *present = NULL;
    scoped_fd fd = -1;
    size_t length;

    overlay = file_read(source, OVERLAY_MAX, &length, NULL, &local);
    if (!overlay && g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND))
        return true;
    if (!overlay) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    fd = device_open(device, error);
    if (fd < 0)
        return false;
    present = device_read(fd, device, length, error);
    if (!present)
        return false;
    if (is_blank(present, length))
        return true;
    if (!device_is_ours(present, overlay, length)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "device '%s' holds what offshot did not write, and is left alone", device);
        return false;
    }
    return device_write(fd, device, NULL, length, error);
}
