/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/image-file.h"
#include "image/qemu-img.h"
#include "txn/step-part.h"
#include "util/child.h"
#include "util/error.h"

bool
step_part_read(const struct qemu_img_target *image, int fd, struct image_header *header,
               GError **error)
{
    g_autofree uint8_t *data = g_malloc(IMAGE_HEADER_SIZE);
    ssize_t got = image_file_read(fd, image->path, data, IMAGE_HEADER_SIZE, 0, error);

    if (got < 0)
        return false;
    if (image_header_probe(header, image->format, data, (size_t)got, 0, error))
        return true;
    g_prefix_error(error, "image '%s': ", image->path);
    return false;
}

bool
step_link_read(const struct step *step, int fd, struct image_header *header, GError **error)
{
    const struct qemu_img_target image = step_part_target(step);

    return step_part_read(&image, fd, header, error);
}

bool
step_link_is(const struct image_header *header, const struct step_link *link)
{
    if (g_strcmp0(header->backing, link->backing) != 0)
        return false;
    /* not every format of images says it */
    return !header->backing_format || g_strcmp0(header->backing_format, link->format) == 0;
}

bool
step_link_set(const struct step *step, int fd, const struct step_link *link, GError **error)
{
    g_autofree char *name = step_part_name(fd);
    const struct qemu_img_target image = {.path = name,
                                          .format = step->format,
                                          .block = step->block};
    const struct rebase_spec spec = {.backing = link->backing,
                                     .backing_format = link->format,
                                     .unsafe = true};
    scoped(sandbox) sandbox = sandbox_new();
    struct image_header header = {0};
    bool fine;

    if (!step_part_run(qemu_img_rebase_argv(&image, &spec, sandbox), sandbox, fd, error) ||
        !step_link_read(step, fd, &header, error))
        return false;
    fine = step_link_is(&header, link);
    image_header_clear(&header);
    if (fine)
        return step_part_flush(fd, step->path, error);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "qemu-img did not set the backing link of image '%s' although it did not complain",
                step->path);
    return false;
}

/* Descriptor FD as the program that inherits it has it, and nobody else. */
static char *
program_own_name(int fd)
{
    return g_strdup_printf(CHILD_PROC "fd/%d", fd);
}

/* Zeros of SIZE bytes that take no space. */
static char *
stand_in_nothing(struct step *step, uint64_t size, GError **error)
{
    step->fd = memfd_create("offshot-nothing", MFD_CLOEXEC);
    if (step->fd >= 0 && ftruncate(step->fd, (off_t)size) == 0)
        return program_own_name(step->fd);
    offshot_set_error_errno(error, errno,
                            "cannot make an empty image of %" G_GUINT64_FORMAT " bytes in memory",
                            size);
    return NULL;
}

char *
step_stand_in(struct step *step, uint64_t virtual_size, GError **error)
{
    g_autofree char *directory = NULL;
    g_autofree char *name = NULL;
    g_autofree char *through = NULL;

    if (!step->base)
        return stand_in_nothing(step, virtual_size, error);
    directory = g_path_get_dirname(step->base);
    name = g_path_get_basename(step->base);
    /* a directory, so that the base's own link is read from where it lies */
    step->fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (step->fd < 0) {
        offshot_set_error_errno(error, errno, "cannot open directory '%s'", directory);
        return NULL;
    }
    through = program_own_name(step->fd);
    return g_strdup_printf("%s/%s", through, name);
}

/* The text behind the digits that TEXT, behind PREFIX, begins with; NULL: it does not so. */
static const char *
skip_number(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    size_t digits;

    if (!text || strncmp(text, prefix, length) != 0)
        return NULL;
    digits = strspn(text + length, "0123456789");
    return digits ? text + length + digits : NULL;
}

bool
step_is_stand_in(const char *backing)
{
    static const char filename[] = "\"filename\":\"";
    const char *path = backing;
    const char *rest;

    if (path && g_str_has_prefix(path, "json:")) {
        path = strstr(path, filename);
        path = path ? path + strlen(filename) : NULL;
    }
    rest = skip_number(skip_number(path, "/proc/"), "/fd/");
    return rest && (*rest == '\0' || *rest == '/');
}
