/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/xml-spell.h"

#include <string.h>

#include "conf/xml-doc.h"
#include "conf/xml-text.h"

static void
add_name(GString *out, const xmlChar *name, const xmlNs *ns)
{
    if (ns) {
        g_string_append_c(out, '{');
        xml_escape_attribute(out, (const char *)ns->href);
        g_string_append_c(out, '}');
    }
    g_string_append(out, (const char *)name);
}

static char *
spell_attribute(const xmlNode *node, const xmlAttr *attribute)
{
    xmlChar *value = attribute->ns
                         ? xmlGetNsProp((xmlNodePtr)node, attribute->name, attribute->ns->href)
                         : xmlGetNoNsProp((xmlNodePtr)node, attribute->name);
    GString *out = g_string_new(" ");

    add_name(out, attribute->name, attribute->ns);
    g_string_append(out, "='");
    xml_escape_attribute(out, value ? (const char *)value : "");
    g_string_append_c(out, '\'');
    xmlFree(value);
    return g_string_free(out, FALSE);
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_start(GString *out, const xmlNode *node)
{
    g_autoptr(GPtrArray) attributes = g_ptr_array_new_with_free_func(g_free);

    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
        g_ptr_array_add(attributes, spell_attribute(node, attribute));
    g_ptr_array_sort(attributes, compare_texts);
    g_string_append_c(out, '<');
    add_name(out, node->name, node->ns);
    for (unsigned i = 0; i < attributes->len; i++)
        g_string_append(out, g_ptr_array_index(attributes, i));
    g_string_append_c(out, '>');
}

/* Append the text collected in TEXT unless it is blank, and empty it. */
static void
flush_text(GString *out, GString *text)
{
    if (text->str[strspn(text->str, " \t\r\n")] != '\0')
        xml_escape_content(out, text->str);
    g_string_truncate(text, 0);
}

static int
compare_names(const void *a, const void *b)
{
    const xmlNode *left = *(const xmlNode *const *)a;
    const xmlNode *right = *(const xmlNode *const *)b;

    return strcmp((const char *)left->name, (const char *)right->name);
}

/* The nodes below NODE in the order that counts: the sort is a stable one, and text has no name of
 * an element.
 */
static GPtrArray *
list_children(const xmlNode *node, const char *const *without, bool sorted)
{
    GPtrArray *children = g_ptr_array_new();

    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (!without || !g_strv_contains(without, (const char *)child->name))
            g_ptr_array_add(children, child);
    }
    if (sorted)
        g_ptr_array_sort(children, compare_names);
    return children;
}

static void
add_element(GString *out, const xmlNode *node, const char *const *without, bool sorted)
{
    g_autoptr(GPtrArray) children = list_children(node, without, sorted);
    g_autoptr(GString) text = g_string_new(NULL);

    add_start(out, node);
    for (unsigned i = 0; i < children->len; i++) {
        const xmlNode *child = g_ptr_array_index(children, i);

        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
            g_string_append(text, (const char *)child->content);
        } else if (child->type == XML_ELEMENT_NODE) {
            flush_text(out, text);
            add_element(out, child, NULL, sorted);
        }
    }
    flush_text(out, text);
    g_string_append(out, "</>");
}

char *
xml_spell(const xmlNode *node, const char *const *without, bool sorted)
{
    GString *out = g_string_new(NULL);

    add_element(out, node, without, sorted);
    return g_string_free(out, FALSE);
}
