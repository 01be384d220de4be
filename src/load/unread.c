/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/unread.h"

#include <string.h>

#include "conf/xml-root.h"
#include "util/error.h"
#include "util/file.h"

/* What is longer is not searched, in bytes. */
#define UNREAD_MAX ((size_t)16 * 1024 * 1024)

/* Take the NULs out: UTF-16 has one beside each plain character. */
static size_t
squeeze(char *text, size_t length)
{
    size_t kept = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i])
            text[kept++] = text[i];
    }
    text[kept] = '\0';
    return kept;
}

/* TEXT in UTF-8, as far as it says which encoding it is in and there is such a one. */
static void
decode(struct unread *unread)
{
    g_autoptr(GRegex) regex =
        g_regex_new("\\A\\s*<\\?xml[^>]*encoding\\s*=\\s*['\"]([A-Za-z0-9._-]+)['\"]", G_REGEX_RAW,
                    0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    g_autofree char *encoding = NULL;
    char *decoded;
    gsize length;

    if (!g_regex_match(regex, unread->text, 0, &match))
        return;
    encoding = g_match_info_fetch(match, 1);
    decoded =
        g_convert(unread->text, (gssize)unread->length, "UTF-8", encoding, NULL, &length, NULL);
    if (!decoded)
        return;
    g_free(unread->text);
    unread->text = decoded;
    unread->length = length;
}

struct unread *
unread_load(const char *path, const char *root)
{
    scoped(unread) unread = NULL;

    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
        return NULL;
    unread = g_new0(struct unread, 1);
    unread->text = file_read(path, UNREAD_MAX, &unread->length, NULL, NULL);
    if (!unread->text)
        return g_steal_pointer(&unread);
    if (xml_root_is_other(unread->text, unread->length, root))
        return NULL;
    unread->length = squeeze(unread->text, unread->length);
    decode(unread);
    return g_steal_pointer(&unread);
}

void
unread_free(struct unread *unread)
{
    if (!unread)
        return;
    g_free(unread->text);
    g_free(unread);
}

/* Whether NAME looks the same in all encodings, and is no markup. */
static bool
is_plain(const char *name)
{
    for (; *name; name++) {
        if (!g_ascii_isprint(*name) || strchr("&<>\"'", *name))
            return false;
    }
    return true;
}

/* Whether it can say things in pieces. */
static bool
can_spell(const struct unread *unread)
{
    return strstr(unread->text, "&#") || strstr(unread->text, "<!ENTITY");
}

/* Whether NAME stands in TEXT as the end of a path, or as a volume of a pool. */
static bool
says_name(const char *text, const char *name)
{
    const char *at = text;

    while ((at = strstr(at, name))) {
        if (at > text && strchr("/'\"", at[-1]))
            return true;
        at++;
    }
    return false;
}

bool
unread_names(const struct unread *unread, const char *path)
{
    g_autofree char *name = g_path_get_basename(path);

    return !unread->text || !is_plain(name) || can_spell(unread) || says_name(unread->text, name);
}

/* Undo what XML has for the characters that may not stand in an attribute as they are. */
static char *
unescape(const char *text, size_t length)
{
    static const char *const names[][2] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};
    char *plain = g_strndup(text, length);

    for (size_t i = 0; strchr(plain, '&') && i < G_N_ELEMENTS(names); i++) {
        g_auto(GStrv) parts = g_strsplit(plain, names[i][0], -1);

        g_free(plain);
        plain = g_strjoinv(names[i][1], parts);
    }
    return plain;
}

GPtrArray *
unread_paths(const struct unread *unread)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    const char *at = unread->text;

    while (at && (at = strpbrk(at, "'\""))) {
        const char *start = at + 1;
        const char *end = strchr(start, *at);

        /* nobody knows which quote begins and which ends something */
        if (*start == '/' && end)
            g_ptr_array_add(paths, unescape(start, (size_t)(end - start)));
        at = start;
    }
    return paths;
}
