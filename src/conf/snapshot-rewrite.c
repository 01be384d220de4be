/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/snapshot-def.h"
#include "conf/snapshot-disks.h"
#include "conf/snapshot-facts-xml.h"
#include "conf/xml-text.h"
#include "util/error.h"

static const char *const source_attributes[] = {"file", "dev", "dir"};

/* Whether NODE is the <source> of a <disk>, or of something inside of one. */
static bool
is_source(const xmlNode *node)
{
    if (!xml_is(node, "source"))
        return false;
    for (node = node->parent; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
        if (xml_is(node, "disk"))
            return true;
    }
    return false;
}

/* The move of CHANGE for the image that ATTRIBUTE of NODE, the <source> of a disk, names; or NULL.
 */
static const struct snapshot_def_move *
find_move(const struct snapshot_def_change *change, const xmlNode *node, const char *attribute)
{
    g_autofree char *path = xml_attribute(node, attribute);

    for (size_t i = 0; path && i < change->move_count; i++) {
        if (strcmp(change->moves[i].path, path) == 0)
            return &change->moves[i];
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

/* Whether NODE is the <source> that counts for its <disk>, and ATTRIBUTE what of it does. */
static bool
is_own_source(const xmlNode *node, const char *attribute)
{
    scoped_disk_xml disk = {0};

    if (!xml_is(node->parent, "disk"))
        return false;
    disk_xml_read(&disk, node->parent);
    return disk.source == node && g_strcmp0(disk_type_source_attribute(disk.type), attribute) == 0;
}

/* The image of <disk> ELEMENT itself moves. */
static void
move_disk(struct xml_edit *edit, xmlNodePtr element, const struct snapshot_def_move *move)
{
    bool of_domain = xml_is(element->parent, "devices");
    scoped_disk_xml disk = {0};

    disk_xml_read(&disk, element);
    disk_xml_move(edit, &disk, move->set_type ? move->type : disk.type, move->new_path,
                  move->format, of_domain ? "qemu" : NULL);
}

/* An image below that of a <disk> moves: NODE, its <source>, is in a <backingStore> or a <mirror>,
 * which have a <format> where the disk has a <driver>.
 */
static void
move_layer(struct xml_edit *edit, xmlNodePtr node, const char *attribute,
           const struct snapshot_def_move *move)
{
    const char *wanted = move->set_type ? disk_type_source_attribute(move->type) : attribute;
    xmlNodePtr format = xml_child(node->parent, "format");

    if (strcmp(wanted, attribute) != 0) {
        xml_edit_remove_attribute(edit, node, attribute);
        xml_edit_set_attribute(edit, node->parent, "type", disk_type_format(move->type));
    }
    xml_edit_set_attribute(edit, node, wanted, move->new_path);
    if (format && move->format)
        xml_edit_set_attribute(edit, format, "type", move->format);
}

static void
move_source(struct xml_edit *edit, xmlNodePtr node, const struct snapshot_def_change *change)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(source_attributes); i++) {
        const char *attribute = source_attributes[i];
        const struct snapshot_def_move *move = find_move(change, node, attribute);

        if (move && is_own_source(node, attribute))
            move_disk(edit, node->parent, move);
        else if (move)
            move_layer(edit, node, attribute, move);
    }
}

static bool
make_moves(struct xml_edit *edit, xmlNodePtr root, const struct snapshot_def_change *change,
           GError **error G_GNUC_UNUSED)
{
    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        if (is_source(node))
            move_source(edit, node, change);
    }
    return true;
}

static bool
names_any(const xmlNode *node, GHashTable *paths)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(source_attributes); i++) {
        g_autofree char *path = xml_attribute(node, source_attributes[i]);

        if (path && g_hash_table_contains(paths, path))
            return true;
    }
    return false;
}

/* Whether ELEMENT, a <disk>, says of one of PATHS where in a chain it is. */
static bool
has_in_chain(xmlNodePtr element, GHashTable *paths)
{
    for (xmlNodePtr node = element; node; node = xml_child(node, "backingStore")) {
        if (names_any(xml_child(node, "source"), paths))
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

/* Whether NODE, the <source> of a disk, names PATH. */
static bool
names_path(const xmlNode *node, const char *path)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(source_attributes); i++) {
        g_autofree char *value = xml_attribute(node, source_attributes[i]);

        if (g_strcmp0(value, path) == 0)
            return true;
    }
    return false;
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
        if (is_source(node) && names_path(node, path))
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
