/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/snapshot-def.h"
#include "conf/xml-text.h"
#include "util/error.h"

/* libvirt puts these words before everything that it stores. */
static const char header[] =
    "<!--\n"
    "WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\n"
    "OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:\n"
    "  virsh snapshot-edit\n"
    "or other application using the libvirt API.\n"
    "-->\n\n";

static bool
check_text(const char *what, const char *text, GError **error)
{
    if (!text || text_is_xml(text))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "the %s cannot be written in XML", what);
    return false;
}

static bool
check_disks(const GPtrArray *disks, GError **error)
{
    for (unsigned i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        if (!check_text("name of a disk", disk->name, error) ||
            !check_text("path of a disk", disk->source, error) ||
            !check_text("format of a disk", disk->format, error))
            return false;
    }
    return true;
}

static bool
check_texts(const struct snapshot_def *def, GError **error)
{
    return check_text("name of the snapshot", def->name, error) &&
           check_text("description", def->description, error) &&
           check_text("state", def->state, error) &&
           check_text("name of the parent", def->parent, error) &&
           check_text("path of the memory file", def->memory_file, error) &&
           check_disks(def->disks, error) && check_disks(def->revert_disks, error);
}

/* <NAME>TEXT</NAME> on a line behind INDENT; nothing without TEXT. */
static void
add_content(GString *out, const char *indent, const char *name, const char *text)
{
    if (!text)
        return;
    g_string_append_printf(out, "%s<%s>", indent, name);
    xml_escape_content(out, text);
    g_string_append_printf(out, "</%s>\n", name);
}

/* A blank and NAME='VALUE'; nothing without VALUE. */
static void
add_attribute(GString *out, const char *name, const char *value)
{
    if (!value)
        return;
    g_string_append_printf(out, " %s='", name);
    xml_escape_attribute(out, value);
    g_string_append_c(out, '\'');
}

static void
add_memory(GString *out, const struct snapshot_def *def)
{
    if (def->memory == SNAPSHOT_LOCATION_DEFAULT)
        return;
    g_string_append(out, "  <memory");
    if (def->state || !def->memory_implied)
        add_attribute(out, "snapshot", snapshot_location_format(def->memory));
    add_attribute(out, "file", def->memory_file);
    g_string_append(out, "/>\n");
}

static void
add_new_disk(GString *out, const struct snapshot_disk *disk, bool request)
{
    const char *source_attribute = disk_type_source_attribute(disk->type);
    bool detailed = disk->source || disk->format;

    g_string_append(out, "    <disk");
    add_attribute(out, "name", disk->name);
    if (disk->snapshot != SNAPSHOT_LOCATION_DEFAULT && !(request && disk->implied))
        add_attribute(out, "snapshot", snapshot_location_format(disk->snapshot));
    if (detailed && !(request && disk->type_implied))
        add_attribute(out, "type", disk_type_format(disk->type));
    if (!detailed) {
        g_string_append(out, "/>\n");
        return;
    }
    g_string_append(out, ">\n");
    if (disk->format) {
        g_string_append(out, "      <driver");
        add_attribute(out, "type", disk->format);
        g_string_append(out, "/>\n");
    }
    if (disk->source && source_attribute) {
        g_string_append(out, "      <source");
        add_attribute(out, source_attribute, disk->source);
        g_string_append(out, "/>\n");
    }
    g_string_append(out, "    </disk>\n");
}

/* Bring XML, the element that DISK was read from, to what DISK says now. */
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
    if (xml->path && !disk->source)
        xml_edit_remove(edit, xml->source);
    if (xml->format && !disk->format)
        xml_edit_remove_attribute(edit, xml->driver, "type");
    disk_xml_move(edit, xml, disk->type, move ? disk->source : NULL, format, NULL);
}

static bool
add_known_disk(GString *out, const struct snapshot_disk *disk, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(disk->element, strlen(disk->element), disk->name, error);
    scoped_xml_edit edit = {0};
    scoped_disk_xml xml = {0};
    g_autofree char *text = NULL;

    if (!doc)
        return false;
    xml_edit_init(&edit, doc);
    disk_xml_read(&xml, xmlDocGetRootElement(doc->dom));
    update_disk(&edit, &xml, disk);
    text = xml_edit_apply(&edit, 0, doc->length);
    g_string_append_printf(out, "    %s\n", text);
    return true;
}

static bool
add_disks(GString *out, const char *name, const GPtrArray *disks, bool request, GError **error)
{
    if (disks->len == 0)
        return true;
    g_string_append_printf(out, "  <%s>\n", name);
    for (unsigned i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        if (!disk->element)
            add_new_disk(out, disk, request);
        else if (!add_known_disk(out, disk, error))
            return false;
    }
    g_string_append_printf(out, "  </%s>\n", name);
    return true;
}

static void
add_domains(GString *out, const struct snapshot_def *def)
{
    if (def->domain) {
        g_autofree char *text = domain_def_element(def->domain);

        g_string_append_printf(out, "  %s\n", text);
    }
    if (def->inactive_domain) {
        g_autofree char *domain = domain_def_element(def->inactive_domain);
        g_autofree char *text = xml_rename_element(domain, "inactiveDomain");

        g_string_append_printf(out, "  %s\n", text);
    }
}

static void
add_head(GString *out, const struct snapshot_def *def)
{
    add_content(out, "  ", "name", def->name);
    add_content(out, "  ", "description", def->description);
    add_content(out, "  ", "state", def->state);
    if (def->parent) {
        g_string_append(out, "  <parent>\n");
        add_content(out, "    ", "name", def->parent);
        g_string_append(out, "  </parent>\n");
    }
    if (def->creation_time >= 0)
        g_string_append_printf(out, "  <creationTime>%" G_GINT64_FORMAT "</creationTime>\n",
                               def->creation_time);
    add_memory(out, def);
}

char *
snapshot_def_format(const struct snapshot_def *def, bool with_active, GError **error)
{
    g_autoptr(GString) out = g_string_new(with_active ? header : NULL);

    if (!check_texts(def, error))
        return NULL;
    g_string_append(out, "<domainsnapshot>\n");
    add_head(out, def);
    if (!add_disks(out, "disks", def->disks, !def->state, error) ||
        !add_disks(out, "revertDisks", def->revert_disks, !def->state, error))
        return NULL;
    add_domains(out, def);
    if (def->cookie)
        g_string_append_printf(out, "  %s\n", def->cookie);
    for (unsigned i = 0; i < def->unknown->len; i++)
        g_string_append_printf(out, "  %s\n", (char *)g_ptr_array_index(def->unknown, i));
    if (with_active)
        g_string_append_printf(out, "  <active>%d</active>\n", def->active ? 1 : 0);
    g_string_append(out, "</domainsnapshot>\n");
    if (!xml_text_fits(out->str, "the XML of the snapshot", error))
        return NULL;
    return g_string_free(g_steal_pointer(&out), FALSE);
}
