/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/domain-def.h"
#include "conf/snapshot-facts.h"
#include "conf/xml-doc.h"
#include "conf/xml-text.h"

/* Two documents say the same when they look the same in one spelling, which no file ever sees:
 * names with their namespace, attributes sorted, neither comments nor blank text.
 */

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

/* The depth is bounded by xml_lex(). */
static void
add_element(GString *out, const xmlNode *node)
{
    g_autoptr(GString) text = g_string_new(NULL);

    add_start(out, node);
    for (const xmlNode *child = node->children; child; child = child->next) {
        if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE) {
            g_string_append(text, (const char *)child->content);
        } else if (child->type == XML_ELEMENT_NODE) {
            flush_text(out, text);
            add_element(out, child);
        }
    }
    flush_text(out, text);
    g_string_append(out, "</>");
}

/* Append attribute NAME of NODE (may be NULL) alone. */
static void
add_attribute(GString *out, const xmlNode *node, const char *name)
{
    g_autofree char *value = xml_attribute(node, name);

    g_string_append_printf(out, "<%s>", name);
    xml_escape_content(out, value ? value : "");
}

/* Append what <disk> NODE says of the image behind it. */
static void
add_disk(GString *out, const xmlNode *node)
{
    static const char *const attributes[] = {"type", "device", "snapshot"};
    static const char *const elements[] = {"source",   "backingStore", "mirror",   "encryption",
                                           "readonly", "shareable",    "transient"};

    g_string_append(out, "<disk>");
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        add_attribute(out, node, attributes[i]);
    add_attribute(out, xml_child(node, "driver"), "type");
    add_attribute(out, xml_child(node, "target"), "dev");
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        const xmlNode *child = xml_child(node, elements[i]);

        for (; child; child = xml_next(child, elements[i]))
            add_element(out, child);
    }
}

/* Append what ROOT, a <domain>, says of its images. */
static void
add_images(GString *out, const xmlNode *root)
{
    xmlNodePtr node;

    for (node = xml_child(xml_child(root, "devices"), "disk"); node; node = xml_next(node, "disk"))
        add_disk(out, node);
    for (node = xml_child(xml_child(root, "metadata"), NULL); node; node = xml_next(node, NULL)) {
        if (node->ns && strcmp((const char *)node->ns->href, SNAPSHOT_FACTS_NAMESPACE) == 0)
            add_element(out, node);
    }
}

/* What ADD appends of DEF's root element. */
static char *
spell(const struct domain_def *def, void (*add)(GString *out, const xmlNode *root))
{
    scoped(xml_doc) doc = xml_doc_parse(def->document + def->start, def->length, def->name, NULL);
    GString *out = g_string_new(NULL);

    g_assert(doc); /* it was parsed before */
    add(out, xmlDocGetRootElement(doc->dom));
    return g_string_free(out, FALSE);
}

static bool
is_spelled_same(const struct domain_def *a, const struct domain_def *b,
                void (*add)(GString *out, const xmlNode *root))
{
    g_autofree char *left = spell(a, add);
    g_autofree char *right = spell(b, add);

    return strcmp(left, right) == 0;
}

bool
domain_def_is_same(const struct domain_def *a, const struct domain_def *b)
{
    return is_spelled_same(a, b, add_element);
}

bool
domain_def_has_same_images(const struct domain_def *a, const struct domain_def *b)
{
    return is_spelled_same(a, b, add_images);
}

bool
domain_def_is_same_domain(const struct domain_def *a, const struct domain_def *b)
{
    if (a->uuid || b->uuid)
        return g_strcmp0(a->uuid, b->uuid) == 0;
    return strcmp(a->name, b->name) == 0;
}
