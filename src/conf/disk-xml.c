/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/disk-xml.h"

#include <string.h>

#include "conf/xml-text.h"

static bool
names_something(const struct disk_xml *disk)
{
    if (disk_type_source_attribute(disk->type))
        return disk->path != NULL;
    return disk->source && (disk->source->properties || xml_child(disk->source, NULL));
}

void
disk_xml_read(struct disk_xml *disk, xmlNodePtr element)
{
    g_autofree char *type = xml_attribute(element, "type");
    const char *attribute;

    memset(disk, 0, sizeof(*disk));
    disk->element = element;
    disk->driver = xml_child(element, "driver");
    disk->source = xml_child(element, "source");
    disk->type = DISK_TYPE_FILE;
    if (type && !disk_type_parse(type, &disk->type))
        disk->type = DISK_TYPE_OTHER;
    disk->format = xml_attribute(disk->driver, "type");
    attribute = disk_type_source_attribute(disk->type);
    if (attribute)
        disk->path = xml_attribute(disk->source, attribute);
    disk->has_source = names_something(disk);
}

void
disk_xml_clear(struct disk_xml *disk)
{
    g_clear_pointer(&disk->format, g_free);
    g_clear_pointer(&disk->path, g_free);
}

/* Whether NODE has no attributes but those in NAMES, and only elements and white space inside. */
static bool
has_only(const xmlNode *node, const char *const *names)
{
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
        if (attribute->ns || !g_strv_contains(names, (const char *)attribute->name))
            return false;
    }
    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (child->type != XML_ELEMENT_NODE && !xmlIsBlankNode(child))
            return false;
    }
    return !node->nsDef;
}

bool
disk_xml_is_plain(const struct disk_xml *disk)
{
    const char *path = disk_type_source_attribute(disk->type);
    const char *const disk_names[] = {"name", "snapshot", "type", NULL};
    const char *const driver_names[] = {"type", NULL};
    const char *const source_names[] = {path, NULL};
    xmlNodePtr element = disk->element;

    if (!path || !has_only(element, disk_names) ||
        (!disk->path && !disk->format && xmlHasNsProp(element, BAD_CAST "type", NULL)))
        return false;
    for (xmlNodePtr child = xml_child(element, NULL); child; child = xml_next(child, NULL)) {
        bool driver = child == disk->driver && disk->format && has_only(child, driver_names);
        bool source = child == disk->source && disk->path && has_only(child, source_names);

        if ((!driver && !source) || xml_child(child, NULL))
            return false;
    }
    return true;
}

/* <ELEMENT NAME='VALUE'/> with PREFIX, attributes as they are, in front of NAME. */
static char *
make_element(const char *element, const char *prefix, const char *name, const char *value)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(text, "<%s %s%s='", element, prefix, name);
    xml_escape_attribute(text, value);
    g_string_append(text, "'/>");
    return g_string_free(text, FALSE);
}

static char *
make_driver(const char *format, const char *driver_name)
{
    g_autofree char *name = driver_name ? g_strdup_printf("name='%s' ", driver_name) : g_strdup("");

    return make_element("driver", name, "type", format);
}

/* Point the <source> that is there to PATH. */
static void
change_source(struct xml_edit *edit, const struct disk_xml *disk, enum disk_type type,
              const char *path)
{
    const char *old_name = disk_type_source_attribute(disk->type);
    const char *new_name = disk_type_source_attribute(type);
    const struct xml_tag *tag = xml_doc_tag(edit->doc, disk->source);
    struct xml_attribute old;
    g_autofree char *fresh = NULL;

    if (!old_name) { /* nothing in a network source fits a path */
        fresh = make_element("source", "", new_name, path);
        xml_edit_replace(edit, tag->start, tag->end, fresh);
        return;
    }
    if (strcmp(old_name, new_name) != 0) {
        if (!xmlHasNsProp(disk->source, (const xmlChar *)new_name, NULL) &&
            xml_tag_find_attribute(edit->doc->text, tag, old_name, &old)) {
            g_autoptr(GString) text = g_string_new(NULL);

            g_string_append_printf(text, "%s=%c", new_name, old.quote);
            xml_escape_attribute(text, path);
            xml_edit_replace(edit, old.name, old.value_end, text->str);
            return;
        }
        xml_edit_remove_attribute(edit, disk->source, old_name);
    }
    xml_edit_set_attribute(edit, disk->source, new_name, path);
}

/* Put in the elements that are missing: DRIVER before <source>, SOURCE behind <driver>, both before
 * <target>; NULL is none.
 */
static void
add_elements(struct xml_edit *edit, const struct disk_xml *disk, const char *driver,
             const char *source)
{
    const char *const both[] = {driver ? driver : source, driver ? source : NULL, NULL};
    xmlNodePtr target = xml_child(disk->element, "target");

    if (driver && disk->source)
        xml_edit_insert_before(edit, disk->source, driver);
    else if (source && disk->driver)
        xml_edit_insert_after(edit, disk->driver, source);
    else if (!target)
        xml_edit_append(edit, disk->element, both);
    else {
        if (driver)
            xml_edit_insert_before(edit, target, driver);
        if (source)
            xml_edit_insert_before(edit, target, source);
    }
}

void
disk_xml_move(struct xml_edit *edit, const struct disk_xml *disk, enum disk_type type,
              const char *path, const char *format, const char *driver_name)
{
    g_autofree char *driver = NULL;
    g_autofree char *source = NULL;

    if (type != disk->type)
        xml_edit_set_attribute(edit, disk->element, "type", disk_type_format(type));
    if (format && disk->driver)
        xml_edit_set_attribute(edit, disk->driver, "type", format);
    else if (format)
        driver = make_driver(format, driver_name);
    if (path && disk->source)
        change_source(edit, disk, type, path);
    else if (path)
        source = make_element("source", "", disk_type_source_attribute(type), path);
    if (driver || source)
        add_elements(edit, disk, driver, source);
}
