/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Whether TEXT (LENGTH bytes) is a document that xml_doc_parse() takes, and its root element is
 * called otherwise than NAME.
 */
bool xml_root_is_other(const char *text, size_t length, const char *name);
