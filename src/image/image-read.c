/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/image-read.h"

#include <string.h>
#include <sys/wait.h>

#include "image/image-file.h"
#include "image/qemu-img.h"
#include "image/qemu-limits.h"
#include "util/child.h"
#include "util/error.h"

/* Enough for almost every header, so that a layer costs one read. */
#define FIRST_READ 4096

/* Let `qemu-img info` say the size of an image whose format we cannot read. */
static bool
ask_qemu_img(struct image *image, GError **error)
{
    scoped(sandbox) sandbox = sandbox_new();
    g_auto(GStrv) argv = qemu_img_info_argv(image->path, image->format->qemu, sandbox);
    struct child child = {.argv = argv, .sandbox = sandbox, .limits = qemu_img_header_limits};
    struct child *children[] = {&child};
    struct qemu_img_info info = {0};
    bool done = child_run(children, 1, 1, error) && child_check(&child, error) &&
                qemu_img_info_parse(&info, child.out->str, child.out->len, error);

    /* it ran and said no */
    if (!done && child.started && WIFEXITED(child.status) && WEXITSTATUS(child.status) == 1 &&
        error)
        (*error)->code = OFFSHOT_ERROR_INCONSISTENT;
    child_clear(&child);
    if (!done)
        return false;
    if (info.has_backing) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "has a backing image, which cannot be followed in format '%s'",
                    image->format->qemu);
        return false;
    }
    image->size = info.virtual_size;
    image->header.size = info.virtual_size;
    image->header.encrypted = info.encrypted;
    return true;
}

/* Read the header, and more of it only when its first bytes say so. */
static bool
header_read(struct image *image, int fd, const uint8_t *first, size_t length, GError **error)
{
    const char *format = image->format->qemu;
    uint64_t file_size = image->identity.size;
    g_autofree uint8_t *more = NULL;
    size_t wanted = image_header_wanted(format, first, length);
    ssize_t got;

    if (wanted > length && length == FIRST_READ) {
        more = g_malloc(wanted);
        got = image_file_read(fd, image->path, more, wanted, 0, error);
        if (got < 0)
            return false;
        first = more;
        length = (size_t)got;
    }
    if (!image_header_probe(&image->header, format, first, length, file_size, error)) {
        g_prefix_error(error, "image '%s': ", image->path);
        return false;
    }
    return true;
}

const struct image_format *
image_format_guess(const char *path, const char *above, const char *looks_like, GError **error)
{
    const struct image_format *format = image_format_find_qemu(looks_like);

    if (format && strcmp(format->qemu, "raw") != 0)
        return format;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "image '%s' does not say the format of its backing image '%s', which looks like %s: "
        "convert the upper one to qcow2, or set the format with 'qemu-img rebase -u -F'",
        above, path, looks_like);
    return NULL;
}

/* A raw image is as large as its file, in sectors as QEMU counts them. */
static bool
set_raw_size(struct image *image, GError **error)
{
    const uint64_t sector = 512;

    if (image->identity.size > INT64_MAX - (sector - 1)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "image '%s': its size is out of range", image->path);
        return false;
    }
    image->header.size = (image->identity.size + sector - 1) & ~(sector - 1);
    return true;
}

bool
image_read(struct image *image, int fd, const char *above, GError **error)
{
    uint8_t first[FIRST_READ];
    ssize_t length = image_file_read(fd, image->path, first, sizeof(first), 0, error);

    if (length < 0)
        return false;
    image->looks_like = image_header_guess(first, (size_t)length);
    if (!image->format)
        image->format = image_format_guess(image->path, above, image->looks_like, error);
    if (!image->format || !header_read(image, fd, first, (size_t)length, error))
        return false;
    if (!image->format->probed && !ask_qemu_img(image, error)) {
        g_prefix_error(error, "image '%s': ", image->path);
        return false;
    }
    if (strcmp(image->format->qemu, "raw") == 0 && !set_raw_size(image, error))
        return false;
    image->size = image->header.size;
    return image_header_check(&image->header, image->path, error);
}
