/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>

#include "fuzz/fuzz.h"
#include "image/qemu-img.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qemu_img_info info;
    g_autoptr(GError) error = NULL;

    if (qemu_img_info_parse(&info, (const char *)data, size, &error))
        g_assert(info.virtual_size <= INT64_MAX);
    else
        g_assert(error);
    return 0;
}
