/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/image-file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"
#include "util/scope.h"

guint
image_file_hash(gconstpointer data)
{
    const struct image_file *file = data;
    uint64_t mixed = file->block ? file->rdev : file->identity.inode * 31 + file->identity.device;

    return (guint)(mixed ^ mixed >> 32);
}

gboolean
image_file_equal(gconstpointer a, gconstpointer b)
{
    const struct image_file *one = a;
    const struct image_file *other = b;

    if (one->block != other->block)
        return FALSE;
    if (one->block)
        return one->rdev == other->rdev;
    return file_identity_is_same_file(&one->identity, &other->identity);
}

static bool
set_missing(GError **error, const char *path, int errnum)
{
    if (errnum == ENOENT || errnum == ENOTDIR)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT, "image '%s' does not exist",
                    path);
    else if (errnum == ELOOP)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "image '%s' is a symbolic link that leads nowhere", path);
    else
        offshot_set_error_errno(error, errnum, "cannot open image '%s'", path);
    return false;
}

static bool
set_from_stat(struct image_file *file, const char *path, const struct stat *st, GError **error)
{
    if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' is neither a file nor a block device", path);
        return false;
    }
    file->block = S_ISBLK(st->st_mode);
    file->links = st->st_nlink;
    file->rdev = file->block ? st->st_rdev : 0;
    file->allocated = file->block ? 0 : (uint64_t)st->st_blocks * 512;
    file_identity_set(&file->identity, st);
    return true;
}

struct image_file *
image_file_copy(const struct image_file *file)
{
    struct image_file *copy = g_new(struct image_file, 1);

    *copy = *file;
    return copy;
}

bool
image_file_look(struct image_file *file, const char *path, GError **error)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return set_missing(error, path, errno);
    file->symlink = S_ISLNK(st.st_mode);
    if (file->symlink && stat(path, &st) < 0)
        return set_missing(error, path, errno);
    return set_from_stat(file, path, &st, error);
}

static bool
read_capacity(struct image_file *file, int fd, const char *path, GError **error)
{
    if (ioctl(fd, BLKGETSIZE64, &file->identity.size) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot ask the size of block device '%s'", path);
    return false;
}

int
image_file_open(struct image_file *file, const char *path, GError **error)
{
    /* should the path become a FIFO or a terminal this very moment, it neither blocks nor attaches

     */
    scoped_fd fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    struct image_file opened = *file;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        set_missing(error, path, errno);
        return -1;
    }
    if (!set_from_stat(&opened, path, &st, error))
        return -1;
    if (!image_file_equal(file, &opened)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "image '%s' was replaced while it was being looked at: run the command again",
                    path);
        return -1;
    }
    if (opened.block && !read_capacity(&opened, fd, path, error))
        return -1;
    *file = opened;
    return scoped_fd_steal(&fd);
}

bool
image_file_is_writable(const struct image_file *file, const char *path, int fd)
{
    struct statx sx;
    int read_only = 0;

    if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0)
        return false;
    if (file->block)
        return ioctl(fd, BLKROGET, &read_only) < 0 || !read_only;
    /* root may write all the same, but somebody has said that it is not to be written */
    return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx) < 0 ||
           ((sx.stx_mode & 0222) != 0 &&
            (sx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) == 0);
}

ssize_t
image_file_read(int fd, const char *path, void *data, size_t length, off_t offset, GError **error)
{
    size_t done = 0;

    while (done < length) {
        ssize_t got = pread(fd, (char *)data + done, length - done, offset + (off_t)done);

        if (got == 0)
            break;
        if (got > 0) {
            done += (size_t)got;
        } else if (errno != EINTR) {
            offshot_set_error_errno(error, errno, "cannot read image '%s'", path);
            return -1;
        }
    }
    return (ssize_t)done;
}
