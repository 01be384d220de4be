/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/domain-def.h"
#include "conf/snapshot-facts.h"
#include "conf/xml-doc.h"
#include "conf/xml-spell.h"
#include "conf/xml-text.h"

static char *
spell_all(const xmlNode *root)
{
    return xml_spell(root, NULL, false);
}

static char *
spell_sorted(const xmlNode *root)
{
    return xml_spell(root, NULL, true);
}

static void
add_element(GString *out, const xmlNode *node)
{
    g_autofree char *spelled = xml_spell(node, NULL, false);

    g_string_append(out, spelled);
}

/* Append attribute NAME of NODE (may be NULL) alone. */
static void
add_attribute(GString *out, const xmlNode *node, const char *name)
{
    g_autofree char *value = xml_attribute(node, name);

    g_string_append_printf(out, "<%s>", name);
    xml_escape_content(out, value ? value : "");
}

/* Append what <disk> NODE says of the image behind it. */
static void
add_disk(GString *out, const xmlNode *node)
{
    static const char *const attributes[] = {"type", "device", "snapshot"};
    static const char *const elements[] = {"source",   "backingStore", "mirror",   "encryption",
                                           "readonly", "shareable",    "transient"};

    g_string_append(out, "<disk>");
    for (size_t i = 0; i < G_N_ELEMENTS(attributes); i++)
        add_attribute(out, node, attributes[i]);
    add_attribute(out, xml_child(node, "driver"), "type");
    add_attribute(out, xml_child(node, "target"), "dev");
    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        const xmlNode *child = xml_child(node, elements[i]);

        for (; child; child = xml_next(child, elements[i]))
            add_element(out, child);
    }
}

/* What ROOT, a <domain>, says of its images. */
static char *
spell_images(const xmlNode *root)
{
    GString *out = g_string_new(NULL);
    xmlNodePtr node;

    for (node = xml_child(xml_child(root, "devices"), "disk"); node; node = xml_next(node, "disk"))
        add_disk(out, node);
    for (node = xml_child(xml_child(root, "metadata"), NULL); node; node = xml_next(node, NULL)) {
        if (node->ns && strcmp((const char *)node->ns->href, SNAPSHOT_FACTS_NAMESPACE) == 0)
            add_element(out, node);
    }
    return g_string_free(out, FALSE);
}

/* What SPELLING makes of DEF's root element. */
static char *
spell(const struct domain_def *def, char *(*spelling)(const xmlNode *root))
{
    scoped(xml_doc) doc = xml_doc_parse(def->document + def->start, def->length, def->name, NULL);

    g_assert(doc); /* it was parsed before */
    return spelling(xmlDocGetRootElement(doc->dom));
}

static bool
is_spelled_same(const struct domain_def *a, const struct domain_def *b,
                char *(*spelling)(const xmlNode *root))
{
    g_autofree char *left = spell(a, spelling);
    g_autofree char *right = spell(b, spelling);

    return strcmp(left, right) == 0;
}

bool
domain_def_is_same(const struct domain_def *a, const struct domain_def *b)
{
    return is_spelled_same(a, b, spell_all);
}

bool
domain_def_is_equivalent(const struct domain_def *a, const struct domain_def *b)
{
    return is_spelled_same(a, b, spell_sorted);
}

bool
domain_def_has_same_images(const struct domain_def *a, const struct domain_def *b)
{
    return is_spelled_same(a, b, spell_images);
}

bool
domain_def_is_same_domain(const struct domain_def *a, const struct domain_def *b)
{
    if (a->uuid || b->uuid)
        return g_strcmp0(a->uuid, b->uuid) == 0;
    return strcmp(a->name, b->name) == 0;
}
