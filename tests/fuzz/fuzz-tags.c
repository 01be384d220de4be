/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz/fuzz.h"
#include "image/tags.h"
#include "util/scope.h"

static void
check_tags(const GPtrArray *tags, uint32_t count)
{
    g_assert(tags->len == count);
    for (guint i = 0; i < tags->len; i++) {
        const struct image_tag *tag = tags->pdata[i];

        g_assert(tag->id && tag->name);
        g_assert(strlen(tag->name) <= UINT16_MAX);
        g_assert(image_tags_count(tags, tag->name) > 0);
        g_assert(image_tags_find(tags, tag->name));
        image_tags_selector(tags, tag, 'a');
    }
}

/* DATA as a snapshot table: the first two bytes say how many entries it has. */
static void
fuzz_table(const uint8_t *data, size_t size)
{
    uint32_t count = (uint32_t)data[0] << 8 | data[1];
    g_autofree uint8_t *table = g_malloc(MAX(size - 2, 1));
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) tags = NULL;
    bool cut;

    /* a block of its own, so that a read past its end is seen */
    memcpy(table, data + 2, size - 2);
    tags = image_tags_parse(table, size - 2, count, &cut, &error);
    g_assert(!!tags + !!error + cut == 1);
    /* looking each up is quadratic */
    if (tags && count <= 100)
        check_tags(tags, count);
}

/* DATA as a whole image. */
static void
fuzz_image(const uint8_t *data, size_t size)
{
    scoped_fd fd = memfd_create("fuzz-tags", MFD_CLOEXEC);
    g_autoptr(GPtrArray) tags = NULL;

    g_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    tags = image_tags_read(fd, "image", NULL);
    for (guint i = 0; tags && i < MIN(tags->len, 10); i++) {
        bool active;

        image_tag_is_active(fd, "image", tags->pdata[i], &active, NULL);
    }
}

/* The first byte picks what the rest is: an image, or only a table. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    if (data[0] & 1)
        fuzz_table(data + 1, size - 1);
    else
        fuzz_image(data + 1, size - 1);
    return 0;
}
