/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/request-xml.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/snapshots.h"
#include "util/error.h"
#include "util/scope.h"

/* A pipe will do as well as a file: the shell's <(…) is one. */
static int
open_request(const char *path, GError **error)
{
    int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                    : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "there is no file '%s'", path);
    else if (fd < 0)
        offshot_set_error_errno(error, errno, "cannot open '%s'", path);
    return fd;
}

char *
request_xml_read(const char *path, size_t *length, GError **error)
{
    scoped_fd fd = open_request(path, error);
    g_autofree char *data = g_malloc(SNAPSHOT_XML_MAX + 2);
    size_t used = 0;

    while (fd >= 0 && used <= SNAPSHOT_XML_MAX) {
        ssize_t got = read(fd, data + used, SNAPSHOT_XML_MAX + 1 - used);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            offshot_set_error_errno(error, errno, "cannot read '%s'", path);
            return NULL;
        }
        if (got == 0) {
            data[used] = '\0';
            *length = used;
            return g_steal_pointer(&data);
        }
        used += (size_t)got;
    }
    if (fd >= 0)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "'%s' is longer than %d bytes", path,
                    SNAPSHOT_XML_MAX);
    return NULL;
}
