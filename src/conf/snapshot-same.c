/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-def.h"
#include "conf/xml-doc.h"
#include "conf/xml-spell.h"

static char *
spell(const struct snapshot_def *def, bool revert_disks)
{
    const char *const without[] = {"active", revert_disks ? NULL : "revertDisks", NULL};
    scoped(xml_doc) doc = xml_doc_parse(def->document, strlen(def->document), def->name, NULL);

    g_assert(doc); /* it was parsed before */
    return xml_spell(xmlDocGetRootElement(doc->dom), without, true);
}

bool
snapshot_def_is_equivalent(const struct snapshot_def *a, const struct snapshot_def *b,
                           bool revert_disks)
{
    g_autofree char *left = spell(a, revert_disks);
    g_autofree char *right = spell(b, revert_disks);

    return strcmp(left, right) == 0;
}
