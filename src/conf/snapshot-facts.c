/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-facts.h"

#include <inttypes.h>
#include <string.h>

#include "conf/xml-edit.h"
#include "conf/xml-text.h"

/* Our element in METADATA (may be NULL), or NULL. */
static xmlNodePtr
find_facts(const xmlNode *metadata)
{
    for (xmlNodePtr node = xml_child(metadata, NULL); node; node = xml_next(node, NULL)) {
        if (node->ns && strcmp((const char *)node->ns->href, SNAPSHOT_FACTS_NAMESPACE) == 0)
            return node;
    }
    return NULL;
}

static char *
format_facts(const struct frozen_image *frozen, size_t count, bool keep_filename)
{
    GString *text =
        g_string_new("<offshot:snapshot xmlns:offshot=\"" SNAPSHOT_FACTS_NAMESPACE "\"");

    if (keep_filename)
        g_string_append(text, " keep-filename=\"yes\"");
    g_string_append(text, ">");
    for (size_t i = 0; i < count; i++) {
        g_string_append(text, "<offshot:frozen disk=\"");
        xml_escape_attribute(text, frozen[i].disk);
        g_string_append_printf(
            text, "\" inode=\"%" PRIu64 "\" size=\"%" PRIu64 "\" mtime=\"%" PRId64 "\"/>",
            frozen[i].identity.inode, frozen[i].identity.size, frozen[i].identity.mtime);
    }
    g_string_append(text, "</offshot:snapshot>");
    return g_string_free(text, FALSE);
}

char *
snapshot_facts_set(const char *element, const struct frozen_image *frozen, size_t count,
                   bool keep_filename, GError **error)
{
    size_t length = strlen(element);
    scoped(xml_doc) doc = xml_doc_parse(element, length, "the domain", error);
    xmlNodePtr domain = doc ? xml_doc_root(doc, "domain", error) : NULL;
    xmlNodePtr metadata = xml_child(domain, "metadata");
    g_autofree char *facts = format_facts(frozen, count, keep_filename);
    g_autofree char *whole = g_strdup_printf("<metadata>%s</metadata>", facts);
    const char *const markup[] = {metadata ? facts : whole, NULL};
    scoped_xml_edit edit = {0};

    if (!domain)
        return NULL;
    xml_edit_init(&edit, doc);
    xml_edit_remove(&edit, find_facts(metadata));
    xml_edit_append(&edit, metadata ? metadata : domain, markup);
    return xml_edit_apply(&edit, 0, length);
}
