/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Where the elements and attributes of an XML text stand, in bytes. libxml2 tells what a document
 * says, this tells where it says it, so that a change can leave every other byte alone.
 *
 * The grammar is XML 1.0 (https://www.w3.org/TR/xml/) without a document type declaration.
 */

/* One element. An empty-element tag has inner == close == end. */
struct xml_tag {
    uint32_t start; /* '<' of the start tag */
    uint32_t inner; /* behind '>' of the start tag */
    uint32_t close; /* '<' of the end tag */
    uint32_t end;   /* behind '>' of the end tag */
};

/* One attribute: NAME="VALUE". */
struct xml_attribute {
    size_t name;
    size_t name_end;
    size_t value;     /* behind the opening quote */
    size_t value_end; /* the closing quote */
    char quote;
};

/* Find all elements of TEXT (LENGTH bytes, NUL-terminated), in document order, into TAGS (of struct
 * xml_tag). Stops quietly at a document type declaration, which the parser proper refuses.
 *
 * Fails with OFFSHOT_ERROR_USAGE (NAME and line in the message) at markup that is no XML, and where
 * the document is beyond what any domain needs: 256 levels, 100,000 elements, 256 attributes and
 * namespaces in a tag (libxml2 2.9 needs quadratic time for those).
 */
bool xml_lex(const char *text, size_t length, const char *name, GArray *tags, GError **error);

/* Where the name in the tag that begins at START ends. */
size_t xml_tag_name_end(const char *text, size_t start);

/* Read the attribute that follows AT in a start tag, and move AT behind it; AT begins at the end of
 * the tag's name. Returns false when there are no more.
 */
bool xml_tag_next_attribute(const char *text, size_t *at, struct xml_attribute *attribute);

/* Find attribute NAME (as it is written, prefix and all) of the start tag at TAG. */
bool xml_tag_find_attribute(const char *text, const struct xml_tag *tag, const char *name,
                            struct xml_attribute *attribute);

/* The line that holds byte AT, from 1. */
unsigned xml_line_of(const char *text, size_t at);
