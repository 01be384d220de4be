/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge-link.h"

#include <string.h>

#include "util/error.h"

/* The longest backing string that a header holds, in bytes. */
#define BACKING_MAX 1023

/* Where LINK leads that stands in the image called NAME: the directory's text and LINK, nothing
 * resolved, as QEMU does it.
 */
static char *
follow(const char *name, const char *link)
{
    const char *slash = strrchr(name, '/');

    if (*link == '/' || !slash)
        return g_strdup(link);
    return g_strdup_printf("%.*s%s", (int)(slash - name) + 1, name, link);
}

/* NAME of TOP, followed down to BELOW. Takes NAME. */
static char *
follow_to(char *name, const struct image *top, const struct image *below)
{
    for (const struct image *image = top; image && image != below; image = image->backing) {
        char *next = image->header.backing ? follow(name, image->header.backing) : NULL;

        g_return_val_if_fail(next != NULL, name);
        g_free(name);
        name = next;
    }
    return name;
}

char *
merge_link_path(const struct image *top, const struct image *below)
{
    return follow_to(g_strdup(top->path), top, below);
}

bool
merge_link_make(struct step_link *link, const struct image *top, const struct image *below,
                GError **error)
{
    char *text = follow_to(g_strdup(""), top, below);

    if (strlen(text) > BACKING_MAX) {
        g_free(text);
        text = g_strdup(below->path);
    }
    *link = (struct step_link){text, g_strdup(below->format->qemu)};
    if (strlen(text) <= BACKING_MAX)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the path from '%s' to '%s' is longer than the %d bytes of a backing link: use "
                "shorter names",
                top->path, below->path, BACKING_MAX);
    merge_link_clear(link);
    return false;
}

void
merge_link_get(struct step_link *link, const struct image *image)
{
    *link =
        (struct step_link){g_strdup(image->header.backing), g_strdup(image->header.backing_format)};
}

void
merge_link_clear(struct step_link *link)
{
    g_clear_pointer(&link->backing, g_free);
    g_clear_pointer(&link->format, g_free);
}
