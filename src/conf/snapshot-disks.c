/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-disks.h"

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/xml-text.h"

bool
snapshot_disks_check(const GPtrArray *disks, GError **error)
{
    for (unsigned i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        if (!xml_text_check("name of a disk", disk->name, error) ||
            !xml_text_check("path of a disk", disk->source, error) ||
            !xml_text_check("format of a disk", disk->format, error))
            return false;
    }
    return true;
}

static char *
format_new_disk(const struct snapshot_disk *disk, bool request)
{
    const char *source_attribute = disk_type_source_attribute(disk->type);
    bool detailed = disk->source || disk->format;
    GString *out = g_string_new("<disk");

    xml_append_attribute(out, "name", disk->name);
    if (disk->snapshot != SNAPSHOT_LOCATION_DEFAULT && !(request && disk->implied))
        xml_append_attribute(out, "snapshot", snapshot_location_format(disk->snapshot));
    if (detailed && !(request && disk->type_implied))
        xml_append_attribute(out, "type", disk_type_format(disk->type));
    if (!detailed) {
        g_string_append(out, "/>");
        return g_string_free(out, FALSE);
    }
    g_string_append(out, ">\n");
    if (disk->format) {
        g_string_append(out, "      <driver");
        xml_append_attribute(out, "type", disk->format);
        g_string_append(out, "/>\n");
    }
    if (disk->source && source_attribute) {
        g_string_append(out, "      <source");
        xml_append_attribute(out, source_attribute, disk->source);
        g_string_append(out, "/>\n");
    }
    g_string_append(out, "    </disk>");
    return g_string_free(out, FALSE);
}

/* All of them: what meant nothing, behind another one or by the old type, could name an image. */
static void
remove_sources(struct xml_edit *edit, xmlNodePtr element)
{
    for (xmlNodePtr node = xml_child(element, "source"); node; node = xml_next(node, "source"))
        xml_edit_remove(edit, node);
}

/* Bring XML to what DISK says. */
static void
update_disk(struct xml_edit *edit, const struct disk_xml *xml, const struct snapshot_disk *disk)
{
    bool move = disk->source && disk_type_source_attribute(disk->type) &&
                (disk->type != xml->type || g_strcmp0(disk->source, xml->path) != 0);
    const char *format = g_strcmp0(disk->format, xml->format) != 0 ? disk->format : NULL;

    xml_edit_set_attribute(edit, xml->element, "name", disk->name);
    if (disk->snapshot == SNAPSHOT_LOCATION_DEFAULT)
        xml_edit_remove_attribute(edit, xml->element, "snapshot");
    else
        xml_edit_set_attribute(edit, xml->element, "snapshot",
                               snapshot_location_format(disk->snapshot));
    if ((disk->source || disk->format) && !xmlHasNsProp(xml->element, BAD_CAST "type", NULL) &&
        disk->type == xml->type)
        xml_edit_set_attribute(edit, xml->element, "type", disk_type_format(disk->type));
    if (!disk->source && (xml->path || disk->type != xml->type))
        remove_sources(edit, xml->element);
    if (xml->format && !disk->format)
        xml_edit_remove_attribute(edit, xml->driver, "type");
    disk_xml_move(edit, xml, disk->type, move ? disk->source : NULL, format, NULL);
}

/* The element that DISK was read from, brought to what it says now. */
static char *
format_known_disk(const struct snapshot_disk *disk, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(disk->element, strlen(disk->element), disk->name, error);
    scoped_xml_edit edit = {0};
    scoped_disk_xml xml = {0};

    if (!doc)
        return NULL;
    xml_edit_init(&edit, doc);
    disk_xml_read(&xml, xmlDocGetRootElement(doc->dom));
    update_disk(&edit, &xml, disk);
    return xml_edit_apply(&edit, 0, doc->length);
}

static char *
format_disk(const struct snapshot_disk *disk, bool request, GError **error)
{
    return disk->element ? format_known_disk(disk, error) : format_new_disk(disk, request);
}

bool
snapshot_disks_format(GString *out, const char *name, const GPtrArray *disks, bool request,
                      GError **error)
{
    if (disks->len == 0)
        return true;
    g_string_append_printf(out, "  <%s>\n", name);
    for (unsigned i = 0; i < disks->len; i++) {
        g_autofree char *text = format_disk(g_ptr_array_index(disks, i), request, error);

        if (!text)
            return false;
        g_string_append_printf(out, "    %s\n", text);
    }
    g_string_append_printf(out, "  </%s>\n", name);
    return true;
}

/* Whether XML says of its disk what DISK does, if only by what follows from it. */
static bool
says_same(const struct disk_xml *xml, const struct snapshot_disk *disk)
{
    g_autofree char *text = xml_attribute(xml->element, "snapshot");
    enum snapshot_location location =
        xml->has_source || xml->format ? SNAPSHOT_LOCATION_EXTERNAL : SNAPSHOT_LOCATION_DEFAULT;

    if (text && !snapshot_location_parse(text, &location))
        return false;
    return location == disk->snapshot && xml->type == disk->type &&
           g_strcmp0(xml->path, disk->source) == 0 && g_strcmp0(xml->format, disk->format) == 0;
}

/* Take the first disk called NAME out of LEFT, or NULL. */
static const struct snapshot_disk *
take_disk(GPtrArray *left, const char *name)
{
    for (unsigned i = 0; i < left->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(left, i);

        if (g_strcmp0(disk->name, name) == 0)
            return g_ptr_array_remove_index(left, i);
    }
    return NULL;
}

/* Update or remove the disks that LIST has; those that it lacks remain in LEFT. */
static void
update_list(struct xml_edit *edit, xmlNodePtr list, GPtrArray *left)
{
    for (xmlNodePtr node = xml_child(list, "disk"); node; node = xml_next(node, "disk")) {
        g_autofree char *name = xml_attribute(node, "name");
        const struct snapshot_disk *disk = take_disk(left, name);
        scoped_disk_xml xml = {0};

        disk_xml_read(&xml, node);
        if (!disk)
            xml_edit_remove(edit, node);
        else if (!says_same(&xml, disk))
            update_disk(edit, &xml, disk);
    }
}

static bool
append_disks(struct xml_edit *edit, xmlNodePtr list, const GPtrArray *disks, GError **error)
{
    g_autoptr(GPtrArray) markup = g_ptr_array_new_with_free_func(g_free);

    if (disks->len == 0)
        return true;
    for (unsigned i = 0; i < disks->len; i++) {
        char *text = format_disk(g_ptr_array_index(disks, i), false, error);

        if (!text)
            return false;
        g_ptr_array_add(markup, text);
    }
    g_ptr_array_add(markup, NULL);
    xml_edit_append(edit, list, (const char *const *)markup->pdata);
    return true;
}

/* The element of ROOT, which has a name, behind which libvirt writes element NAME. */
static xmlNodePtr
find_before(xmlNodePtr root, const char *name)
{
    static const char *const order[] = {"disks",  "memory", "creationTime",
                                        "parent", "state",  "name"};

    for (unsigned i = strcmp(name, "disks") == 0 ? 1 : 0; i < G_N_ELEMENTS(order); i++) {
        xmlNodePtr node = xml_child(root, order[i]);

        if (node)
            return node;
    }
    g_return_val_if_reached(NULL);
}

static bool
insert_list(struct xml_edit *edit, xmlNodePtr root, const char *name, const GPtrArray *disks,
            GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (!snapshot_disks_format(text, name, disks, false, error))
        return false;
    g_string_erase(text, 0, 2);
    g_string_truncate(text, text->len - 1);
    xml_edit_insert_after(edit, find_before(root, name), text->str);
    return true;
}

bool
snapshot_disks_rewrite(struct xml_edit *edit, xmlNodePtr root, const char *name,
                       const GPtrArray *disks, GError **error)
{
    g_autoptr(GPtrArray) left = g_ptr_array_new();
    xmlNodePtr list = xml_child(root, name);

    if (disks->len == 0) {
        xml_edit_remove(edit, list);
        return true;
    }
    if (!list)
        return insert_list(edit, root, name, disks, error);
    for (unsigned i = 0; i < disks->len; i++)
        g_ptr_array_add(left, g_ptr_array_index(disks, i));
    update_list(edit, list, left);
    return append_disks(edit, list, left, error);
}
