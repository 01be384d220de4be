/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/backing.h"
#include "image/overlay-options.h"

/* Argument vectors for qemu-img, and what it answers. Pure: nothing here starts a process.
 *
 * File names go in as absolute paths behind "--" or as the argument of an option, the two places
 * where no name is misread (FACTS: names). Every vector is NULL-terminated; free with g_strfreev().
 */

/* What a new overlay is to be. */
struct overlay_spec {
    const char *path;           /* where, absolute */
    const char *format;         /* "qcow2" or "qed" */
    const char *backing;        /* backing string, as it is to stand in the header */
    const char *backing_format; /* qemu's name; never probed */
    uint64_t size;              /* virtual size in bytes */
    const char *options;        /* for -o, "key=value,…", or NULL */
};

/* qemu-img create -u: never opens the backing image. */
char **qemu_img_create_argv(const struct overlay_spec *spec);

/* qemu-img info of one layer, its format forced, as JSON. */
char **qemu_img_info_argv(const char *path, const char *format);

/* What `qemu-img info --output=json` says of one image. */
struct qemu_img_info {
    uint64_t virtual_size; /* bytes */
    bool has_backing;
    bool encrypted;
};

/* Parse the answer. Fails with OFFSHOT_ERROR_FAILED when it is not what qemu-img writes. */
bool qemu_img_info_parse(struct qemu_img_info *info, const char *json, size_t length,
                         GError **error);
