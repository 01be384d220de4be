/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "image/backing.h"
#include "image/overlay-options.h"

static void
join(const char *format, const char *user)
{
    static const char *const defaults[] = {"cluster_size=65536", "extended_l2=on", NULL};
    g_autofree char *joined = overlay_options_join(format, defaults, user, NULL);

    if (!joined)
        return;
    g_assert(g_str_has_prefix(joined, user));
    g_assert(!strstr(joined, "file=") && !strstr(joined, ",,"));
    g_assert(strstr(joined, "cluster_size="));
}

/* A backing string made for BASE leads to where BASE is. */
static void
there_and_back(const char *overlay, const char *base, bool relative)
{
    g_autofree char *backing = backing_string(overlay, base, relative, NULL);
    g_autofree char *reached = NULL;
    g_autofree char *reached_plain = NULL;
    g_autofree char *base_plain = NULL;

    if (!backing)
        return;
    g_assert(strlen(backing) <= 1023);
    reached = backing_string_resolve(overlay, backing, NULL);
    g_assert(reached && *reached == '/');
    reached_plain = g_canonicalize_filename(reached, "/");
    base_plain = g_canonicalize_filename(base, "/");
    g_assert_cmpstr(reached_plain, ==, base_plain);
}

/* Two strings, the second from after the first NUL: overlay options or a path, and a path. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *first = g_strndup((const char *)data, size);
    size_t length = strlen(first);
    g_autofree char *second =
        g_strndup((const char *)data + MIN(length + 1, size), size - MIN(length + 1, size));
    g_autofree char *overlay = g_strconcat("/", first + strspn(first, "/"), NULL);
    g_autofree char *base = g_strconcat("/", second + strspn(second, "/"), NULL);
    g_autofree char *reached = backing_string_resolve(overlay, second, NULL);

    g_assert(!reached || *reached == '/');
    join("qcow2", first);
    join("qed", first);
    if (!g_str_has_suffix(base, "/")) {
        there_and_back(overlay, base, false);
        there_and_back(overlay, base, true);
    }
    return 0;
}
