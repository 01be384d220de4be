/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/xml-root.h"

#include <string.h>

#include "conf/xml-doc.h"

bool
xml_root_is_other(const char *text, size_t length, const char *name)
{
    scoped(xml_doc) doc = xml_doc_parse(text, length, name, NULL);

    return doc && strcmp((const char *)xmlDocGetRootElement(doc->dom)->name, name) != 0;
}
