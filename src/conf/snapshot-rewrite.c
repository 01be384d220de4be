/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-def.h"
#include "conf/snapshot-disks.h"
#include "conf/snapshot-facts-xml.h"
#include "conf/snapshot-sources.h"
#include "conf/xml-text.h"
#include "util/error.h"

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

/* Whether ELEMENT, a <disk>, says of one of PATHS where in a chain it is. */
static bool
has_in_chain(xmlNodePtr element, GHashTable *paths)
{
    for (xmlNodePtr node = element; node; node = xml_child(node, "backingStore")) {
        if (snapshot_source_names_any(xml_child(node, "source"), paths))
            return true;
    }
    return false;
}

static bool
drop_chains(struct xml_edit *edit, xmlNodePtr root, const struct snapshot_def_change *change,
            GError **error G_GNUC_UNUSED)
{
    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        xmlNodePtr chain = xml_is(node, "disk") ? xml_child(node, "backingStore") : NULL;

        if (chain && has_in_chain(node, change->merged))
            xml_edit_remove(edit, chain);
    }
    return true;
}

static bool
make_moves(struct xml_edit *edit, xmlNodePtr root, const struct snapshot_def_change *change,
           GError **error G_GNUC_UNUSED)
{
    snapshot_sources_move(edit, root, change);
    return true;
}

static bool
refile_frozen(struct xml_edit *edit, xmlNodePtr root, const struct snapshot_def_change *change,
              GError **error G_GNUC_UNUSED)
{
    snapshot_facts_move(edit, xml_child(root, "domain"), change->refiled);
    return true;
}

static bool
make_changes(struct xml_edit *edit, xmlNodePtr root, const struct snapshot_def_change *change,
             GError **error)
{
    if (change->active >= 0)
        set_active(edit, root, change->active);
    if (change->set_parent)
        set_parent(edit, root, change->parent);
    if (change->disks && !snapshot_disks_rewrite(edit, root, "disks", change->disks, error))
        return false;
    if (change->drop_revert_disks)
        xml_edit_remove(edit, xml_child(root, "revertDisks"));
    else if (change->revert_disks)
        return snapshot_disks_rewrite(edit, root, "revertDisks", change->revert_disks, error);
    return true;
}

static bool
check_change(const struct snapshot_def *def, const struct snapshot_def_change *change,
             GError **error)
{
    bool fine = !change->set_parent || !change->parent || text_is_xml(change->parent);

    for (size_t i = 0; fine && i < change->move_count; i++) {
        const struct snapshot_def_move *move = &change->moves[i];

        fine = text_is_xml(move->new_path) && (!move->format || text_is_xml(move->format));
    }
    if (!fine) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "a change to snapshot '%s' cannot be written in XML", def->name);
        return false;
    }
    return (!change->disks || snapshot_disks_check(change->disks, error)) &&
           (!change->revert_disks || snapshot_disks_check(change->revert_disks, error));
}

static bool
only_chains(const struct snapshot_def_change *change)
{
    return change->active < 0 && !change->set_parent && !change->drop_revert_disks &&
           !change->disks && !change->revert_disks;
}

typedef bool (*make_edits)(struct xml_edit *edit, xmlNodePtr root,
                           const struct snapshot_def_change *change, GError **error);

/* Put in the place of *TEXT what MAKE makes of it. */
static bool
rewrite_text(char **text, const char *name, const struct snapshot_def_change *change,
             make_edits make, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(*text, strlen(*text), name, error);
    scoped_xml_edit edit = {0};

    if (!doc)
        return false;
    xml_edit_init(&edit, doc);
    if (!make(&edit, xmlDocGetRootElement(doc->dom), change, error))
        return false;
    g_free(*text);
    *text = xml_edit_apply(&edit, 0, doc->length);
    return true;
}

char *
snapshot_def_rewrite(const struct snapshot_def *def, const struct snapshot_def_change *change,
                     GError **error)
{
    /* one after the other, since a disk may be concerned by several; chains by their old names */
    const struct {
        bool needed;
        make_edits make;
    } passes[] = {
        {!only_chains(change), make_changes},
        {change->merged != NULL, drop_chains},
        {change->refiled != NULL, refile_frozen},
        {change->move_count > 0, make_moves},
    };
    g_autofree char *text = NULL;

    if (!check_change(def, change, error))
        return NULL;
    text = g_strdup(def->document);
    for (unsigned i = 0; i < G_N_ELEMENTS(passes); i++) {
        if (passes[i].needed && !rewrite_text(&text, def->name, change, passes[i].make, error))
            return NULL;
    }
    return xml_text_fits(text, "the XML of the snapshot", error) ? g_steal_pointer(&text) : NULL;
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
