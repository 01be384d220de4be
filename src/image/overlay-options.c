/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/overlay-options.h"

#include <stdbool.h>
#include <string.h>

#include "util/error.h"

/* Keys that change nothing but how the overlay is laid out. */
static const struct format_keys {
    const char *format;
    const char *const *keys;
} format_keys[] = {
    {"qcow2",
     (const char *const[]){"compat", "cluster_size", "extended_l2", "lazy_refcounts",
                           "refcount_bits", "compression_type", "preallocation", "nocow", NULL}},
    {"qed", (const char *const[]){"cluster_size", "table_size", NULL}},
};

/* Keys that qemu-img knows and that would move, hide or resize the data. */
static const char *const own_keys[] = {
    "backing_file", "backing_fmt", "data_file", "data_file_raw", "encryption", "size", NULL,
};

static bool
format_knows(const char *format, const char *key)
{
    for (size_t i = 0; i < G_N_ELEMENTS(format_keys); i++) {
        if (strcmp(format_keys[i].format, format) == 0)
            return g_strv_contains(format_keys[i].keys, key);
    }
    return false;
}

static bool
is_own_key(const char *key)
{
    return g_strv_contains(own_keys, key) || g_str_has_prefix(key, "encrypt.");
}

/* Only such values need no quoting, and no option takes another. */
static bool
is_plain_value(const char *value)
{
    if (!*value)
        return false;
    for (const char *c = value; *c; c++) {
        if (!g_ascii_isalnum(*c) && !strchr("._-", *c))
            return false;
    }
    return true;
}

/* Split "KEY=VALUE": *VALUE points into OPTION. NULL when there is no key or no "=". */
static char *
option_key(const char *option, const char **value)
{
    const char *equals = strchr(option, '=');

    if (!equals || equals == option)
        return NULL;
    *value = equals + 1;
    return g_strndup(option, (gsize)(equals - option));
}

static bool
bad_option(GError **error, int code, const char *option, const char *why)
{
    g_autofree char *shown = g_strescape(option, NULL);

    g_set_error(error, OFFSHOT_ERROR, code, "overlay option '%s' %s", shown, why);
    return false;
}

static bool
option_check(const char *format, const char *option, GHashTable *seen, GError **error)
{
    const char *value = NULL;
    g_autofree char *key = option_key(option, &value);

    if (!key)
        return bad_option(error, OFFSHOT_ERROR_USAGE, option, "is not of the form KEY=VALUE");
    if (is_own_key(key))
        return bad_option(error, OFFSHOT_ERROR_REFUSED, key, "is set by offshot alone");
    if (!format_knows(format, key))
        return bad_option(error, OFFSHOT_ERROR_USAGE, key, "is not known for this format");
    if (!is_plain_value(value))
        return bad_option(error, OFFSHOT_ERROR_USAGE, option, "has a malformed value");
    if (strcmp(option, "table_size=1") == 0)
        return bad_option(error, OFFSHOT_ERROR_USAGE, option,
                          "makes an image that QEMU cannot open");
    if (!g_hash_table_add(seen, g_steal_pointer(&key)))
        return bad_option(error, OFFSHOT_ERROR_USAGE, option, "is given twice");
    return true;
}

char *
overlay_options_join(const char *format, const char *const *defaults, const char *user,
                     GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) given = g_strsplit(user ? user : "", ",", -1);
    g_autoptr(GPtrArray) joined = g_ptr_array_new_with_free_func(g_free);

    for (char **option = given; *option; option++) {
        if (!option_check(format, *option, seen, error))
            return NULL;
        g_ptr_array_add(joined, g_strdup(*option));
    }
    for (; defaults && *defaults; defaults++) {
        const char *value;
        g_autofree char *key = option_key(*defaults, &value);

        if (key && format_knows(format, key) && !g_hash_table_contains(seen, key))
            g_ptr_array_add(joined, g_strdup(*defaults));
    }
    g_ptr_array_add(joined, NULL);
    return g_strjoinv(",", (char **)joined->pdata);
}
