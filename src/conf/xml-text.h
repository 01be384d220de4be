/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Append TEXT to OUT as the content of an element, or as the value of an attribute in either kind
 * of quotes, so that a parser reads TEXT again: the five characters of markup become entities, and
 * white space that a parser would normalize a character reference.
 */
void xml_escape_content(GString *out, const char *text);
void xml_escape_attribute(GString *out, const char *text);

/* Append a blank and NAME='VALUE' to OUT; nothing without VALUE. */
void xml_append_attribute(GString *out, const char *name, const char *value);

/* Whether TEXT (may be NULL) can stand in XML at all. Fails with OFFSHOT_ERROR_USAGE; WHAT is its
 * subject, without an article.
 */
bool xml_text_check(const char *what, const char *text, GError **error);

/* ELEMENT, the text of one element that has content, with NAME in its start and end tag. Free with
 * g_free().
 */
char *xml_rename_element(const char *element, const char *name);
