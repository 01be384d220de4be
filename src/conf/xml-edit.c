/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/xml-edit.h"

#include <string.h>

#include "conf/xml-text.h"

struct splice {
    size_t start;
    size_t end;
    size_t order; /* of its making: insertions at one place stay in order */
    char *text;
};

static void
splice_clear(void *data)
{
    struct splice *splice = data;

    g_free(splice->text);
}

void
xml_edit_init(struct xml_edit *edit, const struct xml_doc *doc)
{
    edit->doc = doc;
    edit->splices = g_array_new(FALSE, FALSE, sizeof(struct splice));
    g_array_set_clear_func(edit->splices, splice_clear);
}

void
xml_edit_clear(struct xml_edit *edit)
{
    g_clear_pointer(&edit->splices, g_array_unref);
}

void
xml_edit_replace(struct xml_edit *edit, size_t start, size_t end, const char *text)
{
    struct splice splice = {start, end, edit->splices->len, g_strdup(text)};

    g_array_append_val(edit->splices, splice);
}

static bool
find_attribute(const struct xml_edit *edit, const xmlNode *node, const char *name,
               struct xml_attribute *attribute)
{
    return xml_tag_find_attribute(edit->doc->text, xml_doc_tag(edit->doc, node), name, attribute);
}

/* Add NAME="VALUE" behind the last attribute of NODE. */
static void
add_attribute(struct xml_edit *edit, const xmlNode *node, const char *name, const char *value)
{
    const char *text = edit->doc->text;
    size_t at = xml_tag_name_end(text, xml_doc_tag(edit->doc, node)->start);
    struct xml_attribute last = {.quote = '\''};
    g_autoptr(GString) added = g_string_new(" ");
    size_t behind = at;

    while (xml_tag_next_attribute(text, &at, &last))
        behind = at;
    if (last.quote != '"')
        last.quote = '\'';
    g_string_append_printf(added, "%s=%c", name, last.quote);
    xml_escape_attribute(added, value);
    g_string_append_c(added, last.quote);
    xml_edit_replace(edit, behind, behind, added->str);
}

void
xml_edit_set_attribute(struct xml_edit *edit, const xmlNode *node, const char *name,
                       const char *value)
{
    struct xml_attribute attribute;
    g_autofree char *old = xml_attribute(node, name);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!find_attribute(edit, node, name, &attribute)) {
        add_attribute(edit, node, name, value);
    } else if (g_strcmp0(old, value) != 0) {
        xml_escape_attribute(text, value);
        xml_edit_replace(edit, attribute.value, attribute.value_end, text->str);
    }
}

void
xml_edit_remove_attribute(struct xml_edit *edit, const xmlNode *node, const char *name)
{
    const char *text = edit->doc->text;
    struct xml_attribute attribute;

    if (!find_attribute(edit, node, name, &attribute))
        return;
    while (strchr(" \t\r\n", text[attribute.name - 1]))
        attribute.name--;
    xml_edit_replace(edit, attribute.name, attribute.value_end + 1, "");
}

/* Open up the empty-element tag of NODE around CONTENT, which is markup. */
static void
fill_empty(struct xml_edit *edit, const xmlNode *node, const char *content)
{
    const struct xml_tag *tag = xml_doc_tag(edit->doc, node);
    size_t name = xml_tag_name_end(edit->doc->text, tag->start) - tag->start - 1;
    g_autofree char *filled =
        g_strdup_printf(">%s</%.*s>", content, (int)name, edit->doc->text + tag->start + 1);

    xml_edit_replace(edit, tag->end - 2, tag->end, filled);
}

void
xml_edit_set_content(struct xml_edit *edit, const xmlNode *node, const char *text)
{
    const struct xml_tag *tag = xml_doc_tag(edit->doc, node);
    g_autoptr(GString) content = g_string_new(NULL);

    xml_escape_content(content, text);
    if (tag->inner == tag->end)
        fill_empty(edit, node, content->str);
    else
        xml_edit_replace(edit, tag->inner, tag->close, content->str);
}

/* Where the white space before AT begins that puts it on its own line (its line break, then
 * blanks), or AT when something else stands in front.
 */
static size_t
indent_start(const char *text, size_t at)
{
    size_t p = at;

    while (p > 0 && (text[p - 1] == ' ' || text[p - 1] == '\t'))
        p--;
    if (p == 0 || text[p - 1] != '\n')
        return at;
    p--;
    return p > 0 && text[p - 1] == '\r' ? p - 1 : p;
}

static char *
indent_of(const struct xml_edit *edit, const xmlNode *node)
{
    size_t at = xml_doc_tag(edit->doc, node)->start;
    size_t start = indent_start(edit->doc->text, at);

    return g_strndup(edit->doc->text + start, at - start);
}

void
xml_edit_remove(struct xml_edit *edit, const xmlNode *node)
{
    const char *text = edit->doc->text;
    const struct xml_tag *tag;
    size_t behind;

    if (!node)
        return;
    tag = xml_doc_tag(edit->doc, node);
    behind = tag->end + strspn(text + tag->end, " \t\r");
    if (text[behind] == '\n')
        xml_edit_replace(edit, indent_start(text, tag->start), tag->end, "");
    else
        xml_edit_replace(edit, tag->start, tag->end, "");
}

void
xml_edit_insert_before(struct xml_edit *edit, const xmlNode *node, const char *markup)
{
    size_t at = xml_doc_tag(edit->doc, node)->start;
    g_autofree char *indent = indent_of(edit, node);
    g_autofree char *text = g_strconcat(markup, indent, NULL);

    xml_edit_replace(edit, at, at, text);
}

void
xml_edit_insert_after(struct xml_edit *edit, const xmlNode *node, const char *markup)
{
    size_t at = xml_doc_tag(edit->doc, node)->end;
    g_autofree char *indent = indent_of(edit, node);
    g_autofree char *text = g_strconcat(indent, markup, NULL);

    xml_edit_replace(edit, at, at, text);
}

/* The element in NODE behind all others, or NULL. */
static const xmlNode *
last_child(const xmlNode *node)
{
    const xmlNode *last = NULL;

    for (const xmlNode *child = xml_child(node, NULL); child; child = xml_next(child, NULL))
        last = child;
    return last;
}

void
xml_edit_append(struct xml_edit *edit, const xmlNode *node, const char *const *markup)
{
    const struct xml_tag *tag = xml_doc_tag(edit->doc, node);
    const xmlNode *last = last_child(node);
    g_autofree char *indent = indent_of(edit, last ? last : node);
    g_autoptr(GString) text = g_string_new(NULL);
    size_t behind = tag->close;

    for (; *markup; markup++)
        g_string_append_printf(text, "%s%s%s", indent, last || !*indent ? "" : "  ", *markup);
    if (last) {
        behind = xml_doc_tag(edit->doc, last)->end;
        xml_edit_replace(edit, behind, behind, text->str);
        return;
    }
    g_string_append(text, indent);
    while (behind > tag->inner && strchr(" \t\r\n", edit->doc->text[behind - 1]))
        behind--;
    if (tag->inner == tag->end)
        fill_empty(edit, node, text->str);
    else
        xml_edit_replace(edit, behind, tag->close, text->str);
}

/* By place; what is inserted before an element comes before what replaces it. */
static int
compare_splices(const void *a, const void *b)
{
    const struct splice *left = a;
    const struct splice *right = b;
    bool left_inserts = left->start == left->end;
    bool right_inserts = right->start == right->end;

    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    if (left_inserts != right_inserts)
        return left_inserts ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

char *
xml_edit_apply(struct xml_edit *edit, size_t start, size_t end)
{
    const char *text = edit->doc->text;
    g_autoptr(GString) out = g_string_new(NULL);

    g_array_sort(edit->splices, compare_splices);
    for (unsigned i = 0; i < edit->splices->len; i++) {
        const struct splice *splice = &g_array_index(edit->splices, struct splice, i);

        if (splice->start < start || splice->end > end) /* in what is left out or gone already */
            continue;
        g_string_append_len(out, text + start, (gssize)(splice->start - start));
        g_string_append(out, splice->text);
        start = splice->end;
    }
    g_string_append_len(out, text + start, (gssize)(end - start));
    return g_string_free(g_steal_pointer(&out), FALSE);
}
