/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/pid-file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include "util/error.h"
#include "util/file.h"
#include "util/scope.h"

bool
pid_file_ask_lock(const char *path, bool *locked, pid_t *pid, GError **error)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *locked = false;
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return true;
    if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0) {
        offshot_set_error_errno(error, errno, "cannot read '%s'", path);
        return false;
    }
    *locked = lock.l_type != F_UNLCK;
    *pid = MAX(lock.l_pid, 0);
    return true;
}

bool
pid_file_is_alive(const char *path, pid_t *pid)
{
    g_autofree char *text = NULL;
    size_t length;
    bool locked;

    text = file_read(path, 64, &length, NULL, NULL);
    *pid = text ? (pid_t)g_ascii_strtoll(text, NULL, 10) : 0;
    if (*pid > 0 && (kill(*pid, 0) == 0 || errno == EPERM))
        return true;
    return pid_file_ask_lock(path, &locked, pid, NULL) && locked;
}
