/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/domain-def.h"
#include "util/error.h"

static bool
check_change(const struct domain_disk_change *change, GError **error)
{
    if (text_is_xml(change->source) && (!change->format || text_is_xml(change->format)))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "the new path of disk '%s' cannot be written in XML", change->target);
    return false;
}

static xmlNodePtr
find_disk(xmlNodePtr domain, const char *target)
{
    for (xmlNodePtr list = xml_child(domain, "devices"); list; list = xml_next(list, "devices")) {
        for (xmlNodePtr disk = xml_child(list, "disk"); disk; disk = xml_next(disk, "disk")) {
            g_autofree char *dev = xml_attribute(xml_child(disk, "target"), "dev");

            if (g_strcmp0(dev, target) == 0)
                return disk;
        }
    }
    return NULL;
}

static void
drop_children(struct xml_edit *edit, xmlNodePtr parent, const char *name)
{
    for (xmlNodePtr node = xml_child(parent, name); node; node = xml_next(node, name))
        xml_edit_remove(edit, node);
}

/* Drop what describes the image that was there, as libvirt does when a snapshot moves a disk. */
static void
drop_image_details(struct xml_edit *edit, const struct disk_xml *disk)
{
    drop_children(edit, disk->element, "backingStore");
    drop_children(edit, disk->element, "encryption");
    if (!disk_type_source_attribute(disk->type)) /* the whole element is replaced */
        return;
    drop_children(edit, disk->source, "encryption");
    drop_children(edit, disk->source, "slices");
}

static bool
make_change(struct xml_edit *edit, xmlNodePtr domain, const struct domain_disk_change *change,
            GError **error)
{
    xmlNodePtr node = find_disk(domain, change->target);
    scoped_disk_xml disk = {0};

    if (!node) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "no disk named '%s'",
                    change->target);
        return false;
    }
    if (!change->source) {
        drop_children(edit, node, "backingStore");
        return true;
    }
    if (!check_change(change, error))
        return false;
    disk_xml_read(&disk, node);
    disk_xml_move(edit, &disk, change->type, change->source, change->format, "qemu");
    drop_image_details(edit, &disk);
    return true;
}

char *
domain_def_rewrite(const struct domain_def *def, const struct domain_disk_change *changes,
                   size_t count, bool element_only, GError **error)
{
    size_t length = strlen(def->document);
    scoped(xml_doc) doc = xml_doc_parse(def->document, length, def->name, error);
    size_t start = element_only ? def->start : 0;
    size_t end = element_only ? def->start + def->length : length;
    scoped_xml_edit edit = {0};
    g_autofree char *text = NULL;

    if (!doc)
        return NULL;
    xml_edit_init(&edit, doc);
    for (size_t i = 0; i < count; i++) {
        if (!make_change(&edit, xmlDocGetRootElement(doc->dom), &changes[i], error))
            return NULL;
    }
    text = xml_edit_apply(&edit, start, end);
    if (!xml_text_fits(text, "the XML of the domain", error))
        return NULL;
    return g_steal_pointer(&text);
}

char *
domain_def_replace_element(const struct domain_def *file, const char *element, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(element, strlen(element), file->name, error);
    xmlNodePtr root = doc ? xml_doc_root(doc, "domain", error) : NULL;
    g_autofree char *text = NULL;
    const struct xml_tag *tag;

    if (!root)
        return NULL;
    tag = xml_doc_tag(doc, root);
    text = g_strdup_printf("%.*s%.*s%s", (int)file->start, file->document,
                           (int)(tag->end - tag->start), doc->text + tag->start,
                           file->document + file->start + file->length);
    if (!xml_text_fits(text, "the XML of the domain", error))
        return NULL;
    return g_steal_pointer(&text);
}

char *
domain_def_rename_element(const char *element, const char *name, GError **error)
{
    size_t length = strlen(element);
    scoped(xml_doc) doc = xml_doc_parse(element, length, name, error);
    xmlNodePtr root = doc ? xml_doc_root(doc, "domain", error) : NULL;
    scoped_xml_edit edit = {0};
    g_autofree char *text = NULL;

    if (!root)
        return NULL;
    xml_edit_init(&edit, doc);
    xml_edit_set_content(&edit, xml_child(root, "name"), name);
    text = xml_edit_apply(&edit, 0, length);
    if (!xml_text_fits(text, "the XML of the domain", error))
        return NULL;
    return g_steal_pointer(&text);
}
