/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-def.h"
#include "conf/xml-edit.h"
#include "conf/xml-text.h"
#include "util/error.h"

static const char *const source_attributes[] = {"file", "dev", "dir"};

/* Whether NODE is inside of a <disk>. */
static bool
is_of_disk(const xmlNode *node)
{
    for (node = node->parent; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
        if (xml_is(node, "disk"))
            return true;
    }
    return false;
}

/* The attribute of NODE, a disk's <source>, that names PATH; or NULL. */
static const char *
attribute_naming(const xmlNode *node, const char *path)
{
    if (!xml_is(node, "source") || !is_of_disk(node))
        return NULL;
    for (unsigned i = 0; i < G_N_ELEMENTS(source_attributes); i++) {
        g_autofree char *value = xml_attribute(node, source_attributes[i]);

        if (g_strcmp0(value, path) == 0)
            return source_attributes[i];
    }
    return NULL;
}

static void
set_active(struct xml_edit *edit, xmlNodePtr root, int active)
{
    xmlNodePtr node = xml_child(root, "active");
    const char *const markup[] = {active ? "<active>1</active>" : "<active>0</active>", NULL};

    if (node)
        xml_edit_set_content(edit, node, active ? "1" : "0");
    else
        xml_edit_append(edit, root, markup);
}

/* The element behind which libvirt writes <parent>. */
static xmlNodePtr
before_parent(xmlNodePtr root)
{
    xmlNodePtr node = xml_child(root, "state");

    if (!node)
        node = xml_child(root, "description");
    return node ? node : xml_child(root, "name");
}

/* Add <name> to <parent>, or when there is none <parent> to ROOT. */
static void
add_parent(struct xml_edit *edit, xmlNodePtr root, const char *parent)
{
    xmlNodePtr node = xml_child(root, "parent");
    g_autoptr(GString) name = g_string_new("<name>");
    g_autofree char *markup = NULL;
    const char *elements[] = {NULL, NULL};

    xml_escape_content(name, parent);
    g_string_append(name, "</name>");
    if (node) {
        elements[0] = name->str;
        xml_edit_append(edit, node, elements);
        return;
    }
    markup = g_strdup_printf("<parent>\n    %s\n  </parent>", name->str);
    xml_edit_insert_after(edit, before_parent(root), markup);
}

static void
set_parent(struct xml_edit *edit, xmlNodePtr root, const char *parent)
{
    xmlNodePtr node = xml_child(root, "parent");
    xmlNodePtr name = xml_child(node, "name");

    if (!parent)
        xml_edit_remove(edit, node);
    else if (name)
        xml_edit_set_content(edit, name, parent);
    else
        add_parent(edit, root, parent);
}

static void
set_path(struct xml_edit *edit, xmlNodePtr root, const char *path, const char *new_path)
{
    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        const char *attribute = attribute_naming(node, path);

        if (attribute)
            xml_edit_set_attribute(edit, node, attribute, new_path);
    }
}

static bool
check_change(const struct snapshot_def *def, const struct snapshot_def_change *change,
             GError **error)
{
    const char *path = change->path ? change->new_path : NULL;
    const char *parent = change->set_parent ? change->parent : NULL;

    if ((!path || text_is_xml(path)) && (!parent || text_is_xml(parent)))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "a change to snapshot '%s' cannot be written in XML", def->name);
    return false;
}

char *
snapshot_def_rewrite(const struct snapshot_def *def, const struct snapshot_def_change *change,
                     GError **error)
{
    scoped(xml_doc) doc = NULL;
    scoped_xml_edit edit = {0};
    g_autofree char *text = NULL;
    xmlNodePtr root;

    if (!check_change(def, change, error))
        return NULL;
    doc = xml_doc_parse(def->document, strlen(def->document), def->name, error);
    if (!doc)
        return NULL;
    root = xmlDocGetRootElement(doc->dom);
    xml_edit_init(&edit, doc);
    if (change->active >= 0)
        set_active(&edit, root, change->active);
    if (change->set_parent)
        set_parent(&edit, root, change->parent);
    if (change->path)
        set_path(&edit, root, change->path, change->new_path);
    text = xml_edit_apply(&edit, 0, doc->length);
    if (!xml_text_fits(text, "the XML of the snapshot", error))
        return NULL;
    return g_steal_pointer(&text);
}

bool
snapshot_def_names_path(const struct snapshot_def *def, const char *path)
{
    scoped(xml_doc) doc = NULL;
    xmlNodePtr root;

    if (!def->document)
        return false;
    doc = xml_doc_parse(def->document, strlen(def->document), "snapshot", NULL);
    root = doc ? xmlDocGetRootElement(doc->dom) : NULL;
    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        if (attribute_naming(node, path))
            return true;
    }
    return false;
}

char *
snapshot_def_dump(const struct snapshot_def *def)
{
    scoped(xml_doc) doc = xml_doc_parse(def->document, strlen(def->document), "snapshot", NULL);
    scoped_xml_edit edit = {0};
    g_autofree char *text = NULL;
    const struct xml_tag *tag;
    xmlNodePtr root;

    g_assert(doc); /* it was parsed before */
    root = xmlDocGetRootElement(doc->dom);
    tag = xml_doc_tag(doc, root);
    xml_edit_init(&edit, doc);
    xml_edit_remove(&edit, xml_child(root, "active"));
    text = xml_edit_apply(&edit, tag->start, tag->end);
    return g_strconcat(text, "\n", NULL);
}
