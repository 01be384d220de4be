/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/error.h"
#include "util/scope.h"

/* The longest file name of every file system in use here, in bytes. */
#define FILE_NAME_MAX 255

/* More than any access ACL or label that a kernel hands out in practice (XATTR_SIZE_MAX). */
#define ATTRIBUTE_MAX 65536

void
file_identity_set(struct file_identity *identity, const struct stat *st)
{
    identity->device = st->st_dev;
    identity->inode = st->st_ino;
    identity->size = (uint64_t)st->st_size;
    identity->mtime =
        (int64_t)st->st_mtim.tv_sec * G_GINT64_CONSTANT(1000000000) + st->st_mtim.tv_nsec;
    identity->birth = 0;
}

void
file_identity_add_birth(struct file_identity *identity, int fd, const char *path)
{
    int where = fd >= 0 ? fd : AT_FDCWD;
    int flags = fd >= 0 ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
    struct statx sx;

    if (statx(where, fd >= 0 ? "" : path, flags, STATX_BTIME, &sx) == 0 &&
        (sx.stx_mask & STATX_BTIME))
        identity->birth =
            sx.stx_btime.tv_sec * G_GINT64_CONSTANT(1000000000) + sx.stx_btime.tv_nsec;
}

bool
file_identity_is_same_file(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode;
}

bool
file_identity_is_unchanged(const struct file_identity *a, const struct file_identity *b)
{
    return file_identity_is_same_file(a, b) && a->size == b->size && a->mtime == b->mtime;
}

bool
file_stat(const char *path, bool follow, struct stat *st, bool *exists, GError **error)
{
    *exists = false;
    if (fstatat(AT_FDCWD, path, st, follow ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
        *exists = true;
        return true;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        offshot_set_error_errno(error, errno, "cannot look at '%s'", path);
    return false;
}

static int
file_open_for_reading(const char *path, struct stat *st, GError **error)
{
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "there is no file '%s'", path);
        return -1;
    }
    if (fd < 0 || fstat(fd, st) < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", path);
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "'%s' is not a regular file", path);
        return -1;
    }
    return scoped_fd_steal(&fd);
}

/* Read on in FD to the end, or until more than LIMIT bytes are there. SIZE is what the file is said
 * to hold; it may grow meanwhile, and those of /proc hold more than nothing. NULL: ERROR is set.
 */
static char *
read_up_to(int fd, const char *path, uint64_t size, size_t limit, size_t *length, GError **error)
{
    size_t room = (size_t)MIN(size, limit) + 1;
    g_autofree char *data = g_malloc(room + 1);

    *length = 0;
    while (*length <= limit) {
        ssize_t got;

        if (*length == room) {
            room = MIN(2 * room, limit + 1);
            data = g_realloc(data, room + 1);
        }
        got = read(fd, data + *length, room - *length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            offshot_set_error_errno(error, errno, "cannot read '%s'", path);
            return NULL;
        }
        if (got == 0)
            break;
        *length += (size_t)got;
    }
    data[*length] = '\0';
    return g_steal_pointer(&data);
}

char *
file_read(const char *path, size_t limit, size_t *length, struct file_identity *identity,
          GError **error)
{
    struct stat st;
    scoped_fd fd = file_open_for_reading(path, &st, error);
    g_autofree char *data = NULL;

    if (fd < 0)
        return NULL;
    if (identity) {
        file_identity_set(identity, &st);
        file_identity_add_birth(identity, fd, NULL);
    }
    data = read_up_to(fd, path, (uint64_t)st.st_size, limit, length, error);
    if (!data)
        return NULL;
    if (*length > limit) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "'%s' is longer than %zu bytes",
                    path, limit);
        return NULL;
    }
    return g_steal_pointer(&data);
}

int
file_create(const char *path, GError **error)
{
    scoped_fd fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        offshot_set_error_errno(error, errno, "cannot create '%s'", path);
        return -1;
    }
    if (fchmod(fd, 0600) < 0) {
        offshot_set_error_errno(error, errno, "cannot set the mode of '%s'", path);
        unlink(path);
        return -1;
    }
    return scoped_fd_steal(&fd);
}

bool
file_write(int fd, const char *path, const void *data, size_t length, GError **error)
{
    const char *bytes = data;

    while (length > 0) {
        ssize_t put = write(fd, bytes, length);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            offshot_set_error_errno(error, put < 0 ? errno : EIO, "cannot write '%s'", path);
            return false;
        }
        bytes += put;
        length -= (size_t)put;
    }
    return true;
}

/* Copy one extended attribute; where the source has none, the target shall have none either. */
static bool
attribute_copy(int from, int to, const char *name, const char *to_path, GError **error)
{
    g_autofree char *value = g_malloc(ATTRIBUTE_MAX);
    g_autofree char *present = NULL;
    ssize_t length = fgetxattr(from, name, value, ATTRIBUTE_MAX);

    if (length < 0 && errno != ENODATA && errno != EOPNOTSUPP) {
        offshot_set_error_errno(error, errno, "cannot read attribute %s for '%s'", name, to_path);
        return false;
    }
    if (length < 0) {
        if (errno == EOPNOTSUPP || fremovexattr(to, name) == 0 || errno == ENODATA ||
            errno == EOPNOTSUPP || errno == EPERM || errno == EACCES)
            return true;
        offshot_set_error_errno(error, errno, "cannot remove attribute %s of '%s'", name, to_path);
        return false;
    }
    present = g_malloc(ATTRIBUTE_MAX);
    if (fgetxattr(to, name, present, ATTRIBUTE_MAX) == length &&
        memcmp(value, present, (size_t)length) == 0)
        return true;
    if (fsetxattr(to, name, value, (size_t)length, 0) == 0 || errno == EOPNOTSUPP)
        return true;
    offshot_set_error_errno(error, errno, "cannot set attribute %s of '%s'", name, to_path);
    return false;
}

bool
file_copy_attributes(int from, int to, const char *to_path, GError **error)
{
    struct stat want;
    struct stat have;

    if (fstat(from, &want) < 0 || fstat(to, &have) < 0) {
        offshot_set_error_errno(error, errno, "cannot look at '%s'", to_path);
        return false;
    }
    if ((want.st_uid != have.st_uid || want.st_gid != have.st_gid) &&
        fchown(to, want.st_uid == have.st_uid ? (uid_t)-1 : want.st_uid,
               want.st_gid == have.st_gid ? (gid_t)-1 : want.st_gid) < 0) {
        offshot_set_error_errno(error, errno, "cannot give '%s' to user %u, group %u", to_path,
                                want.st_uid, want.st_gid);
        return false;
    }
    /* The ACL before the mode: a default ACL of the directory must not be widened by fchmod(). */
    if (!attribute_copy(from, to, "system.posix_acl_access", to_path, error) ||
        !attribute_copy(from, to, "security.selinux", to_path, error))
        return false;
    if (fchmod(to, want.st_mode & 0777) < 0) {
        offshot_set_error_errno(error, errno, "cannot set the mode of '%s'", to_path);
        return false;
    }
    return true;
}

bool
file_sync_directory(const char *directory, GError **error)
{
    scoped_fd fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    /* A file system whose directories cannot be flushed (EINVAL) has nothing to flush. */
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) {
        offshot_set_error_errno(error, errno, "cannot flush directory '%s'", directory);
        return false;
    }
    return true;
}

bool
file_save(const char *path, const char *data, size_t length, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool full;

    if (g_file_set_contents_full(path, data, (gssize)length,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                 &local))
        return true;
    full = g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOSPC);
    g_set_error(error, OFFSHOT_ERROR, full ? OFFSHOT_ERROR_NO_SPACE : OFFSHOT_ERROR_FAILED,
                "cannot write '%s': %s", path, local->message);
    return false;
}

char *
file_absolute(const char *path, GError **error)
{
    char *here;
    char *absolute = NULL;

    if (g_path_is_absolute(path))
        return g_strdup(path);
    here = getcwd(NULL, 0);
    if (here && here[0] == '/')
        absolute = g_build_filename(here, path, NULL);
    else
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "'%s' is relative to a working directory that is gone", path);
    free(here);
    return absolute;
}

char *
file_temporary_name(const char *path, const char *token)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    size_t room = FILE_NAME_MAX - strlen("..offshot-") - strlen(token);

    if (strlen(name) > room) {
        while (room > 0 && ((unsigned char)name[room] & 0xc0) == 0x80)
            room--;
        name[room] = '\0';
    }
    return g_strdup_printf("%s%s.%s.offshot-%s", directory,
                           g_str_has_suffix(directory, "/") ? "" : "/", name, token);
}

char *
file_random_token(void)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char token[13];

    for (size_t i = 0; i < sizeof(token) - 1; i++)
        token[i] = digits[g_random_int_range(0, sizeof(digits) - 1)];
    token[sizeof(token) - 1] = '\0';
    return g_strdup(token);
}
