/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/qemu-img.h"

#include <inttypes.h>
#include <jansson.h>

#include "image/qemu-argv.h"
#include "util/error.h"

char **
qemu_img_create_argv(const struct overlay_spec *spec, struct sandbox *sandbox)
{
    g_autofree char *size = g_strdup_printf("%" PRIu64, spec->size);
    GPtrArray *argv = g_ptr_array_new();

    ARGV_ADD(argv, "qemu-img", "create", "-q", "-u", "-f", spec->format);
    ARGV_ADD(argv, "-F", spec->backing_format, "-b", spec->backing);
    if (spec->options && *spec->options)
        ARGV_ADD(argv, "-o", spec->options);
    ARGV_ADD(argv, "--", spec->path, size);
    sandbox_allow(sandbox, spec->path, SANDBOX_WRITE);
    return argv_finish(argv);
}

char **
qemu_img_info_argv(const char *path, const char *format, struct sandbox *sandbox)
{
    GPtrArray *argv = g_ptr_array_new();

    /* -U: who uses the image is asked by its locks, with a better message */
    ARGV_ADD(argv, "qemu-img", "info", "-U", "--output=json", "-f", format, "--", path);
    sandbox_allow(sandbox, path, SANDBOX_READ);
    return argv_finish(argv);
}

bool
qemu_img_info_parse(struct qemu_img_info *info, const char *json, size_t length, GError **error)
{
    json_error_t why;
    json_t *root = json_loadb(json, length, 0, &why);
    const json_t *size = json_object_get(root, "virtual-size");

    *info = (struct qemu_img_info){0};
    if (!root) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "'qemu-img info' wrote something that is not JSON (line %d: %s)", why.line,
                    why.text);
        return false;
    }
    if (!json_is_integer(size) || json_integer_value(size) < 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "'qemu-img info' did not say the virtual size");
        json_decref(root);
        return false;
    }
    info->virtual_size = (uint64_t)json_integer_value(size);
    info->has_backing = json_object_get(root, "backing-filename") != NULL ||
                        json_object_get(root, "full-backing-filename") != NULL;
    info->encrypted = json_is_true(json_object_get(root, "encrypted"));
    json_decref(root);
    return true;
}
