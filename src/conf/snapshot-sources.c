/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-sources.h"

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/xml-doc.h"

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

/* The attribute that counts of NODE, a <source> in a <disk>, <backingStore> or <mirror>; NULL when
 * NODE does not count: it is not the first, or nothing has a path by that type.
 */
static const char *
attribute_that_counts(const xmlNode *node)
{
    scoped_disk_xml disk = {0};

    disk_xml_read(&disk, node->parent);
    return disk.source == node ? disk_type_source_attribute(disk.type) : NULL;
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

/* What counts for nothing in NODE, a <source>, follows its image by name alone. */
static void
move_strays(struct xml_edit *edit, xmlNodePtr node, const struct snapshot_def_change *change,
            const char *const *done)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(source_attributes); i++) {
        const char *attribute = source_attributes[i];
        const struct snapshot_def_move *move = find_move(change, node, attribute);

        if (move && !g_strv_contains(done, attribute))
            xml_edit_set_attribute(edit, node, attribute, move->new_path);
    }
}

static void
move_source(struct xml_edit *edit, xmlNodePtr node, const struct snapshot_def_change *change)
{
    const char *attribute = attribute_that_counts(node);
    const struct snapshot_def_move *move = attribute ? find_move(change, node, attribute) : NULL;
    const char *done[] = {NULL, NULL, NULL};

    if (move) {
        done[0] = attribute;
        done[1] = move->set_type ? disk_type_source_attribute(move->type) : NULL;
        if (xml_is(node->parent, "disk"))
            move_disk(edit, node->parent, move);
        else
            move_layer(edit, node, attribute, move);
    }
    move_strays(edit, node, change, done);
}

void
snapshot_sources_move(struct xml_edit *edit, xmlNodePtr root,
                      const struct snapshot_def_change *change)
{
    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        if (is_source(node))
            move_source(edit, node, change);
    }
}

bool
snapshot_source_names_any(const xmlNode *node, GHashTable *paths)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(source_attributes); i++) {
        g_autofree char *path = xml_attribute(node, source_attributes[i]);

        if (path && g_hash_table_contains(paths, path))
            return true;
    }
    return false;
}

bool
snapshot_def_names_path(const struct snapshot_def *def, const char *path)
{
    g_autoptr(GHashTable) paths = g_hash_table_new(g_str_hash, g_str_equal);
    scoped(xml_doc) doc = NULL;
    xmlNodePtr root;

    if (!def->document)
        return false;
    g_hash_table_add(paths, (gpointer)path);
    doc = xml_doc_parse(def->document, strlen(def->document), "snapshot", NULL);
    root = doc ? xmlDocGetRootElement(doc->dom) : NULL;
    for (xmlNodePtr node = root; node; node = xml_walk(node, root)) {
        if (is_source(node) && snapshot_source_names_any(node, paths))
            return true;
    }
    return false;
}
