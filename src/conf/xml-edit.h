/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/xml-doc.h"

/* Changes to the text of a document, collected and then made at once: all places are those of the
 * text as it was read. Bytes that no change names stay as they are.
 */
struct xml_edit {
    const struct xml_doc *doc;
    GArray *splices;
};

/* Begin with no changes to DOC, which must outlive EDIT. End with xml_edit_clear(). */
void xml_edit_init(struct xml_edit *edit, const struct xml_doc *doc);
void xml_edit_clear(struct xml_edit *edit);
#define scoped_xml_edit __attribute__((cleanup(xml_edit_clear))) struct xml_edit

/* Put TEXT in the place of bytes START to END. */
void xml_edit_replace(struct xml_edit *edit, size_t start, size_t end, const char *text);

/* Give attribute NAME of NODE the value VALUE; nothing changes when it has it. A new one goes
 * behind the others, in the quotes that they use.
 */
void xml_edit_set_attribute(struct xml_edit *edit, const xmlNode *node, const char *name,
                            const char *value);

/* Remove attribute NAME of NODE, if there is one. */
void xml_edit_remove_attribute(struct xml_edit *edit, const xmlNode *node, const char *name);

/* Set the text inside of NODE, in the place of all that it holds. */
void xml_edit_set_content(struct xml_edit *edit, const xmlNode *node, const char *text);

/* Remove NODE, and its line when it has one for itself. NODE may be NULL. */
void xml_edit_remove(struct xml_edit *edit, const xmlNode *node);

/* Insert MARKUP, one element, before or behind NODE, on a line of its own when NODE has one. */
void xml_edit_insert_before(struct xml_edit *edit, const xmlNode *node, const char *markup);
void xml_edit_insert_after(struct xml_edit *edit, const xmlNode *node, const char *markup);

/* Append the elements of MARKUP (NULL-terminated) to those in NODE. */
void xml_edit_append(struct xml_edit *edit, const xmlNode *node, const char *const *markup);

/* Bytes START to END of the text with all changes inside of them made. Free with g_free(). */
char *xml_edit_apply(struct xml_edit *edit, size_t start, size_t end);
