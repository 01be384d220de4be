/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step-new.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/backing.h"
#include "image/header.h"
#include "txn/step-look.h"
#include "util/error.h"

/* Whether the backing string, read from where the overlay lies, names the very file it should:
 * "../" goes elsewhere than it seems behind a symbolic link.
 */
static bool
leads_to_backing(const struct step *step)
{
    const struct step_overlay *want = &step->overlay;
    g_autofree char *path = NULL;
    struct stat there;
    struct stat expected;

    if (!want->backing_path)
        return true;
    path = backing_string_resolve(step->path, want->backing, NULL);
    return path && stat(path, &there) == 0 && stat(want->backing_path, &expected) == 0 &&
           there.st_ino == expected.st_ino && there.st_dev == expected.st_dev;
}

/* The virtual size of the new image, as far as it can be read without a program; what was asked for
 * where it cannot.
 */
static uint64_t
size_of(const struct image_header *header, const struct step_overlay *want, uint64_t file_size)
{
    static const char *const sized[] = {"qcow2", "qed", "qcow", "vmdk", NULL};

    if (strcmp(want->format, "raw") == 0)
        return file_size;
    return g_strv_contains(sized, want->format) ? header->size : want->size;
}

static bool
fits(const struct step *step, const struct image_header *header, uint64_t file_size)
{
    const struct step_overlay *want = &step->overlay;

    return size_of(header, want, file_size) == want->size &&
           g_strcmp0(header->backing, want->backing) == 0 &&
           (!header->backing_format ||
            g_strcmp0(header->backing_format, want->backing_format) == 0) &&
           leads_to_backing(step);
}

/* qemu-img's exit code alone is no proof: read back what it was asked for. */
static bool
check_content(const struct step *step, int fd, uint64_t file_size, GError **error)
{
    g_autofree uint8_t *data = g_malloc(IMAGE_HEADER_SIZE);
    const char *format = step->overlay.format;
    ssize_t got = pread(fd, data, IMAGE_HEADER_SIZE, 0);
    struct image_header header = {0};
    g_autoptr(GError) local = NULL;
    bool fine;

    if (got < 0) {
        offshot_set_error_errno(error, errno, "cannot read '%s'", step->path);
        return false;
    }
    if (!image_header_probe(&header, format, data, (size_t)got, 0, &local)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "qemu-img made '%s', which is no %s image: %s", step->path, format,
                    local->message);
        return false;
    }
    fine = fits(step, &header, file_size);
    image_header_clear(&header);
    if (!fine)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "qemu-img made '%s', but not with the size and backing link that it was given",
                    step->path);
    return fine;
}

/* Whether the name of the new file still leads to it. */
static bool
check_name(const struct step *step, GError **error)
{
    struct file_identity there;
    struct stat st;

    if (!step_look(step->path, &there, &st, error))
        return false;
    if (file_identity_is_same_file(&there, &step->made))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "'%s' was replaced by somebody else while it was made", step->path);
    return false;
}

bool
step_new_image_end(struct step *step, GError **error)
{
    scoped_fd fd = scoped_fd_steal(&step->fd);
    scoped_fd like = open(step->like, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;

    if (like < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", step->like);
        return false;
    }
    if (fstat(fd, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot look at '%s'", step->path);
        return false;
    }
    if (!check_content(step, fd, (uint64_t)st.st_size, error) ||
        !file_copy_attributes(like, fd, step->path, error))
        return false;
    if (fsync(fd) < 0) {
        offshot_set_error_errno(error, errno, "cannot flush '%s'", step->path);
        return false;
    }
    file_identity_set(&step->made, &st);
    file_identity_add_birth(&step->made, fd, NULL);
    return check_name(step, error);
}
