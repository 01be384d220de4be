/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/xml-text.h"

#include <string.h>

#include "conf/names.h"
#include "util/error.h"

/* What stands for C, or NULL for itself. */
static const char *
replacement(char c, bool in_attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\'':
        return "&apos;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void
escape(GString *out, const char *text, bool in_attribute)
{
    for (const char *p = text; *p; p++) {
        const char *instead = replacement(*p, in_attribute);

        if (instead)
            g_string_append(out, instead);
        else
            g_string_append_c(out, *p);
    }
}

void
xml_escape_content(GString *out, const char *text)
{
    escape(out, text, false);
}

void
xml_escape_attribute(GString *out, const char *text)
{
    escape(out, text, true);
}

void
xml_append_attribute(GString *out, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(out, " %s='", name);
    xml_escape_attribute(out, value);
    g_string_append_c(out, '\'');
}

bool
xml_text_check(const char *what, const char *text, GError **error)
{
    if (!text || text_is_xml(text))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "the %s cannot be written in XML", what);
    return false;
}

char *
xml_rename_element(const char *element, const char *name)
{
    const char *end_tag = strrchr(element, '<');
    size_t old = strcspn(element + 1, " \t\r\n/>");
    const char *rest = element + 1 + old;

    return g_strdup_printf("<%s%.*s</%s%s", name, (int)(end_tag - rest), rest, name,
                           end_tag + 2 + old);
}
