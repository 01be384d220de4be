/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>
#include <stdbool.h>

/* Two elements say the same when they look the same in one spelling, which no file ever sees: names
 * with their namespace, attributes sorted, neither comments nor blank text.
 */

/* NODE and all that is in it, but for its children called as one of WITHOUT, which NULL ends (NULL:
 * for none). With SORTED, children of different names may stand in any order, as libvirt reads
 * them. The depth is that of the document, which xml_lex() bounds. Free with g_free().
 */
char *xml_spell(const xmlNode *node, const char *const *without, bool sorted);
