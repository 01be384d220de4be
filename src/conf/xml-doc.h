/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "conf/xml-lex.h"
#include "util/scope.h"

#define XML_DOC_BYTES_MAX ((size_t)1024 * 1024)

/* A parsed document, together with the bytes that it was parsed from. */
struct xml_doc {
    char *name; /* for messages */
    char *text; /* NUL-terminated */
    size_t length;
    GArray *tags; /* of struct xml_tag, in document order */
    xmlDocPtr dom;
};

/* Parse TEXT (LENGTH bytes), which may be hostile: at most 1 MiB, UTF-8 only, any DOCTYPE refused,
 * nothing fetched, size and depth bounded (xml_lex()). libxml2 prints nothing.
 *
 * Fails with OFFSHOT_ERROR_USAGE, "NAME:LINE: message". Free with xml_doc_free().
 */
struct xml_doc *xml_doc_parse(const char *text, size_t length, const char *name, GError **error);
void xml_doc_free(struct xml_doc *doc);
SCOPED_DEFINE(xml_doc)

/* Whether TEXT, made by us, keeps to the limits of xml_doc_parse() and can so be read again. Fails
 * with OFFSHOT_ERROR_USAGE; WHAT is its subject.
 */
bool xml_text_fits(const char *text, const char *what, GError **error);

/* The root element when it is called NAME, in no namespace; or NULL with OFFSHOT_ERROR_USAGE. */
xmlNodePtr xml_doc_root(const struct xml_doc *doc, const char *name, GError **error);

/* Where NODE, an element of DOC, stands in its text. */
const struct xml_tag *xml_doc_tag(const struct xml_doc *doc, const xmlNode *node);

/* The text of NODE, byte for byte, with the namespace declarations that it uses and inherits from
 * the elements around it added to its start tag. Free with g_free().
 */
char *xml_doc_slice(const struct xml_doc *doc, xmlNodePtr node);

/* Set ERROR to OFFSHOT_ERROR_USAGE, "NAME:LINE: " of NODE and the formatted text. */
void xml_doc_set_error(GError **error, const struct xml_doc *doc, const xmlNode *node,
                       const char *format, ...) G_GNUC_PRINTF(4, 5);

/* Whether NODE is element NAME in no namespace. */
bool xml_is(const xmlNode *node, const char *name);

/* The first child element NAME (NULL: any name, any namespace) of NODE, and the next such sibling
 * of NODE; or NULL. NODE may be NULL.
 */
xmlNodePtr xml_child(const xmlNode *node, const char *name);
xmlNodePtr xml_next(const xmlNode *node, const char *name);

/* The element that follows NODE in document order inside of ROOT, or NULL. */
xmlNodePtr xml_walk(xmlNodePtr node, const xmlNode *root);

/* Attribute NAME (in no namespace) of NODE and the text in NODE: NULL when NODE is NULL, or what
 * was asked for is missing or empty. Free with g_free().
 */
char *xml_attribute(const xmlNode *node, const char *name);
char *xml_content(const xmlNode *node);
