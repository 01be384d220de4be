/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/xml-lex.h"

#include <string.h>

#include "util/error.h"

#define DEPTH_MAX 256
#define ELEMENTS_MAX 100000
#define ATTRIBUTES_MAX 256

struct lexer {
    const char *text;
    size_t length;
    size_t at;
    const char *name;
    GArray *tags;
    struct {
        uint32_t tag;      /* index into tags */
        size_t namespaces; /* in scope around the element */
    } open[DEPTH_MAX];
    size_t depth;
    size_t namespaces; /* in scope */
};

unsigned
xml_line_of(const char *text, size_t at)
{
    unsigned line = 1;

    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n')
            line++;
    }
    return line;
}

static bool
fail(const struct lexer *lexer, const char *what, GError **error)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s:%u: %s", lexer->name,
                xml_line_of(lexer->text, lexer->at), what);
    return false;
}

static size_t
skip_space(const char *text, size_t at)
{
    return at + strspn(text + at, " \t\r\n");
}

static size_t
skip_name(const char *text, size_t at)
{
    return at + strcspn(text + at, " \t\r\n=/<>'\"");
}

/* Read NAME="VALUE" at AT, and move AT behind it. */
static bool
scan_attribute(const char *text, size_t *at, struct xml_attribute *attribute)
{
    size_t p = *at;

    attribute->name = p;
    attribute->name_end = p = skip_name(text, p);
    p = skip_space(text, p);
    if (attribute->name == attribute->name_end || text[p] != '=')
        return false;
    p = skip_space(text, p + 1);
    if (text[p] != '"' && text[p] != '\'')
        return false;
    attribute->quote = text[p];
    attribute->value = ++p;
    while (text[p] != attribute->quote) {
        if (text[p] == '\0' || text[p] == '<')
            return false;
        p++;
    }
    attribute->value_end = p;
    *at = p + 1;
    return true;
}

size_t
xml_tag_name_end(const char *text, size_t start)
{
    return skip_name(text, start + 1);
}

bool
xml_tag_next_attribute(const char *text, size_t *at, struct xml_attribute *attribute)
{
    *at = skip_space(text, *at);
    return text[*at] != '>' && text[*at] != '/' && scan_attribute(text, at, attribute);
}

bool
xml_tag_find_attribute(const char *text, const struct xml_tag *tag, const char *name,
                       struct xml_attribute *attribute)
{
    size_t length = strlen(name);
    size_t at = xml_tag_name_end(text, tag->start);

    while (xml_tag_next_attribute(text, &at, attribute)) {
        if (attribute->name_end - attribute->name == length &&
            strncmp(text + attribute->name, name, length) == 0)
            return true;
    }
    return false;
}

/* Move over all attributes of the start tag at LEXER's place. Namespaces from outside count as if
 * they were declared here, which they are when the element is taken out of the document.
 */
static bool
lex_attributes(struct lexer *lexer, size_t *end, GError **error)
{
    struct xml_attribute attribute;
    size_t count = lexer->namespaces;
    size_t at = xml_tag_name_end(lexer->text, lexer->at);

    while (xml_tag_next_attribute(lexer->text, &at, &attribute)) {
        if (++count > ATTRIBUTES_MAX)
            return fail(lexer, "too many attributes in one tag", error);
        if (strncmp(lexer->text + attribute.name, "xmlns", 5) == 0)
            lexer->namespaces++;
    }
    *end = at;
    return true;
}

static bool
lex_start_tag(struct lexer *lexer, GError **error)
{
    const char *text = lexer->text;
    struct xml_tag tag = {.start = (uint32_t)lexer->at};
    size_t outside = lexer->namespaces;
    size_t at = 0;
    bool empty;

    if (lexer->tags->len >= ELEMENTS_MAX)
        return fail(lexer, "too many elements", error);
    if (lexer->depth >= DEPTH_MAX)
        return fail(lexer, "elements are nested too deep", error);
    if (!lex_attributes(lexer, &at, error))
        return false;
    empty = text[at] == '/' && text[at + 1] == '>';
    if (!empty && text[at] != '>')
        return fail(lexer, "malformed tag", error);
    tag.inner = tag.close = tag.end = (uint32_t)(at + (empty ? 2 : 1));
    if (empty) {
        lexer->namespaces = outside;
    } else {
        lexer->open[lexer->depth].tag = lexer->tags->len;
        lexer->open[lexer->depth++].namespaces = outside;
    }
    g_array_append_val(lexer->tags, tag);
    lexer->at = tag.inner;
    return true;
}

static bool
lex_end_tag(struct lexer *lexer, GError **error)
{
    size_t at = skip_space(lexer->text, skip_name(lexer->text, lexer->at + 2));
    struct xml_tag *tag;

    if (lexer->text[at] != '>')
        return fail(lexer, "malformed end tag", error);
    if (lexer->depth == 0)
        return fail(lexer, "end tag without a start tag", error);
    lexer->depth--;
    lexer->namespaces = lexer->open[lexer->depth].namespaces;
    tag = &g_array_index(lexer->tags, struct xml_tag, lexer->open[lexer->depth].tag);
    tag->close = (uint32_t)lexer->at;
    tag->end = (uint32_t)(at + 1);
    lexer->at = tag->end;
    return true;
}

/* Move behind the next END, of a construct that is no element. */
static bool
lex_other(struct lexer *lexer, size_t skip, const char *end, GError **error)
{
    const char *found = strstr(lexer->text + lexer->at + skip, end);

    if (!found)
        return fail(lexer, "a comment, CDATA section or processing instruction does not end",
                    error);
    lexer->at = (size_t)(found - lexer->text) + strlen(end);
    return true;
}

static bool
lex_markup(struct lexer *lexer, GError **error)
{
    const char *p = lexer->text + lexer->at;

    if (g_str_has_prefix(p, "<!--"))
        return lex_other(lexer, 4, "-->", error);
    if (g_str_has_prefix(p, "<![CDATA["))
        return lex_other(lexer, 9, "]]>", error);
    if (g_str_has_prefix(p, "<?"))
        return lex_other(lexer, 2, "?>", error);
    if (g_str_has_prefix(p, "</"))
        return lex_end_tag(lexer, error);
    return lex_start_tag(lexer, error);
}

bool
xml_lex(const char *text, size_t length, const char *name, GArray *tags, GError **error)
{
    struct lexer lexer = {.text = text, .length = length, .name = name, .tags = tags};

    for (;;) {
        lexer.at += strcspn(text + lexer.at, "<");
        if (lexer.at >= length || g_str_has_prefix(text + lexer.at, "<!DOCTYPE"))
            return true;
        if (!lex_markup(&lexer, error))
            return false;
    }
}
