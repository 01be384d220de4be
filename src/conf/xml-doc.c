/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/xml-doc.h"

#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/xmlerror.h>
#include <string.h>

#include "conf/xml-text.h"
#include "util/error.h"

#define MESSAGE_BYTES_MAX 200

/* What went wrong first while libxml2 was parsing. */
struct fault {
    bool doctype;
    bool fatal;
    int line;
    char *message;
};

void
xml_doc_free(struct xml_doc *doc)
{
    if (!doc)
        return;
    if (doc->dom)
        xmlFreeDoc(doc->dom);
    if (doc->tags)
        g_array_unref(doc->tags);
    g_free(doc->text);
    g_free(doc->name);
    g_free(doc);
}

/* Refuse what would need more than the parser's care: size, NUL, other encodings. */
static bool
check_bytes(const char *text, size_t length, const char *name, GError **error)
{
    const char *bad;

    if (length > XML_DOC_BYTES_MAX) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s: larger than 1 MiB", name);
        return false;
    }
    if (g_utf8_validate_len(text, length, &bad))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s:%u: %s", name,
                xml_line_of(text, (size_t)(bad - text)),
                *bad ? "not valid UTF-8" : "NUL byte in the text");
    return false;
}

/* One line, lower case at its start, printable, short. */
static char *
tidy_message(const char *message)
{
    char *tidy = g_utf8_make_valid(message ? message : "not well-formed", -1);

    g_strchomp(tidy);
    g_strdelimit(tidy, "\t\r\n", ' ');
    if (strlen(tidy) > MESSAGE_BYTES_MAX)
        *g_utf8_find_prev_char(tidy, tidy + MESSAGE_BYTES_MAX) = '\0';
    if (g_ascii_isupper(tidy[0]) && g_ascii_islower(tidy[1]))
        tidy[0] = g_ascii_tolower(tidy[0]);
    return tidy;
}

/* Keep the first error, but let one that ends the parsing replace one that does not. */
static void
collect_fault(void *data, xmlErrorPtr fault)
{
    struct fault *first = data;
    bool fatal = fault->level == XML_ERR_FATAL;

    if (fault->level < XML_ERR_ERROR || first->fatal || (first->message && !fatal))
        return;
    g_free(first->message);
    first->message = tidy_message(fault->message);
    first->line = fault->line;
    first->fatal = fatal;
}

/* Called at "<!DOCTYPE name", before anything inside is read. */
static void
refuse_doctype(void *data, const xmlChar *name G_GNUC_UNUSED, const xmlChar *id G_GNUC_UNUSED,
               const xmlChar *system G_GNUC_UNUSED)
{
    xmlParserCtxtPtr context = data;
    struct fault *fault = context->_private;

    fault->doctype = true;
    fault->line = context->input->line;
    xmlStopParser(context);
}

static xmlDocPtr
run_parser(const struct xml_doc *doc, struct fault *fault)
{
    xmlStructuredErrorFunc old_function = xmlStructuredError;
    void *old_data = xmlStructuredErrorContext;
    xmlParserCtxtPtr context = xmlNewParserCtxt();
    xmlDocPtr dom = NULL;

    if (!context)
        return NULL;
    context->_private = fault;
    context->sax->internalSubset = refuse_doctype;
    xmlSetStructuredErrorFunc(fault, collect_fault);
    dom = xmlCtxtReadMemory(context, doc->text, (int)doc->length, NULL, NULL, XML_PARSE_NONET);
    xmlSetStructuredErrorFunc(old_data, old_function);
    xmlFreeParserCtxt(context);
    return dom;
}

static bool
encoding_is_utf8(const xmlDoc *dom)
{
    const char *encoding = (const char *)dom->encoding;

    return !encoding || g_ascii_strcasecmp(encoding, "UTF-8") == 0 ||
           g_ascii_strcasecmp(encoding, "US-ASCII") == 0 ||
           g_ascii_strcasecmp(encoding, "ASCII") == 0;
}

static bool
build_dom(struct xml_doc *doc, GError **error)
{
    struct fault fault = {.line = 1};
    g_autofree char *message = NULL;
    const char *what = NULL;

    doc->dom = run_parser(doc, &fault);
    message = fault.message;
    if (fault.doctype)
        what = "a document type (DOCTYPE) is not allowed";
    else if (!doc->dom)
        what = message ? message : "not well-formed";
    else if (!encoding_is_utf8(doc->dom))
        what = "the encoding is not UTF-8";
    if (!what)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s:%d: %s", doc->name,
                MAX(fault.line, 1), what);
    return false;
}

/* Whether SLICE, cut out for NODE, needs the declaration of NS that stands outside of it. */
static bool
needs_namespace(const struct xml_doc *doc, xmlNodePtr node, xmlNsPtr ns, const char *slice)
{
    g_autofree char *use = g_strconcat(ns->prefix ? (const char *)ns->prefix : "", ":", NULL);

    return ns->prefix && strstr(slice, use) && xmlSearchNs(doc->dom, node, ns->prefix) == ns;
}

/* Whether the start tag at AT in TEXT is the one of NODE. */
static bool
tag_is_of(const char *text, size_t at, const xmlNode *node)
{
    const char *prefix = node->ns ? (const char *)node->ns->prefix : NULL;
    const char *name = (const char *)node->name;

    at++;
    if (prefix) {
        if (!g_str_has_prefix(text + at, prefix) || text[at + strlen(prefix)] != ':')
            return false;
        at += strlen(prefix) + 1;
    }
    return g_str_has_prefix(text + at, name) && strchr(" \t\r\n/>", text[at + strlen(name)]);
}

/* Give each element its place in doc->tags, by counting: both are in document order. */
static bool
pair_tags(struct xml_doc *doc, GError **error)
{
    xmlNodePtr root = xmlDocGetRootElement(doc->dom);
    unsigned count = 0;

    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        if (count >= doc->tags->len ||
            !tag_is_of(doc->text, g_array_index(doc->tags, struct xml_tag, count).start, node))
            break;
        node->_private = GUINT_TO_POINTER(++count);
    }
    if (root && count == doc->tags->len)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s: not well-formed", doc->name);
    return false;
}

struct xml_doc *
xml_doc_parse(const char *text, size_t length, const char *name, GError **error)
{
    scoped(xml_doc) doc = NULL;

    if (!check_bytes(text, length, name, error))
        return NULL;
    doc = g_new0(struct xml_doc, 1);
    doc->name = g_strdup(name);
    doc->text = g_strndup(text, length);
    doc->length = length;
    doc->tags = g_array_new(FALSE, FALSE, sizeof(struct xml_tag));
    if (!xml_lex(doc->text, length, name, doc->tags, error) || !build_dom(doc, error) ||
        !pair_tags(doc, error))
        return NULL;
    return g_steal_pointer(&doc);
}

bool
xml_text_fits(const char *text, const char *what, GError **error)
{
    g_autoptr(GArray) tags = g_array_new(FALSE, FALSE, sizeof(struct xml_tag));
    size_t length = strlen(text);

    return check_bytes(text, length, what, error) && xml_lex(text, length, what, tags, error);
}

const struct xml_tag *
xml_doc_tag(const struct xml_doc *doc, const xmlNode *node)
{
    return &g_array_index(doc->tags, struct xml_tag, GPOINTER_TO_UINT(node->_private) - 1);
}

xmlNodePtr
xml_doc_root(const struct xml_doc *doc, const char *name, GError **error)
{
    xmlNodePtr root = xmlDocGetRootElement(doc->dom);

    if (xml_is(root, name))
        return root;
    xml_doc_set_error(error, doc, root, "the root element is <%.100s>, not <%s>", root->name, name);
    return NULL;
}

char *
xml_doc_slice(const struct xml_doc *doc, xmlNodePtr node)
{
    const struct xml_tag *tag = xml_doc_tag(doc, node);
    const char *text = doc->text + tag->start;
    g_autoptr(GString) slice = g_string_new_len(text, tag->end - tag->start);
    gssize at = (gssize)xml_tag_name_end(text, 0);

    for (xmlNodePtr outer = node->parent; outer && outer->type == XML_ELEMENT_NODE;
         outer = outer->parent) {
        for (xmlNsPtr ns = outer->nsDef; ns; ns = ns->next) {
            g_autoptr(GString) declaration = NULL;

            if (!needs_namespace(doc, node, ns, slice->str))
                continue;
            declaration = g_string_new(NULL);
            g_string_append_printf(declaration, " xmlns:%s='", ns->prefix);
            xml_escape_attribute(declaration, (const char *)ns->href);
            g_string_append_c(declaration, '\'');
            g_string_insert(slice, at, declaration->str);
        }
    }
    return g_string_free(g_steal_pointer(&slice), FALSE);
}

void
xml_doc_set_error(GError **error, const struct xml_doc *doc, const xmlNode *node,
                  const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s:%u: %s", doc->name,
                xml_line_of(doc->text, xml_doc_tag(doc, node)->start), text);
}

bool
xml_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && !node->ns &&
           strcmp((const char *)node->name, name) == 0;
}

static xmlNodePtr
first_from(xmlNodePtr node, const char *name)
{
    while (node && !(name ? xml_is(node, name) : node->type == XML_ELEMENT_NODE))
        node = node->next;
    return node;
}

xmlNodePtr
xml_child(const xmlNode *node, const char *name)
{
    return node ? first_from(node->children, name) : NULL;
}

xmlNodePtr
xml_next(const xmlNode *node, const char *name)
{
    return node ? first_from(node->next, name) : NULL;
}

xmlNodePtr
xml_walk(xmlNodePtr node, const xmlNode *root)
{
    xmlNodePtr next = xml_child(node, NULL);

    while (!next && node != root) {
        next = xml_next(node, NULL);
        node = node->parent;
    }
    return next;
}

/* A GLib copy of TEXT, which is freed; NULL when empty. */
static char *
take_text(xmlChar *text)
{
    char *copy = text && *text ? g_strdup((const char *)text) : NULL;

    xmlFree(text);
    return copy;
}

char *
xml_attribute(const xmlNode *node, const char *name)
{
    return node ? take_text(xmlGetNoNsProp(node, (const xmlChar *)name)) : NULL;
}

char *
xml_content(const xmlNode *node)
{
    return node ? take_text(xmlNodeGetContent(node)) : NULL;
}
