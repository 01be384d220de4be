/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/domain-def.h"

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/domain-xml.h"
#include "util/error.h"

#define UUID_BYTES 16

static void
domain_layer_free(gpointer data)
{
    struct domain_layer *layer = data;

    g_free(layer->format);
    g_free(layer->source);
    g_free(layer);
}

static void
domain_disk_free(struct domain_disk *disk)
{
    g_clear_pointer(&disk->layers, g_ptr_array_unref);
    g_free(disk->target);
    g_free(disk->format);
    g_free(disk->source);
    g_free(disk);
}
SCOPED_DEFINE(domain_disk)

void
domain_def_free(struct domain_def *def)
{
    if (!def)
        return;
    g_free(def->type);
    g_free(def->name);
    g_free(def->uuid);
    g_clear_pointer(&def->disks, g_ptr_array_unref);
    g_free(def->loader);
    g_free(def->nvram);
    g_free(def->document);
    g_free(def);
}

static struct domain_disk *
domain_disk_copy(const struct domain_disk *disk)
{
    struct domain_disk *copy = g_new(struct domain_disk, 1);

    *copy = *disk;
    copy->target = g_strdup(disk->target);
    copy->format = g_strdup(disk->format);
    copy->source = g_strdup(disk->source);
    copy->layers = disk->layers ? g_ptr_array_ref(disk->layers) : NULL;
    return copy;
}

struct domain_def *
domain_def_copy(const struct domain_def *def)
{
    struct domain_def *copy = g_new(struct domain_def, 1);

    *copy = *def;
    copy->type = g_strdup(def->type);
    copy->name = g_strdup(def->name);
    copy->uuid = g_strdup(def->uuid);
    copy->disks = g_ptr_array_new_with_free_func((GDestroyNotify)domain_disk_free);
    for (unsigned i = 0; i < def->disks->len; i++)
        g_ptr_array_add(copy->disks, domain_disk_copy(g_ptr_array_index(def->disks, i)));
    copy->loader = g_strdup(def->loader);
    copy->nvram = g_strdup(def->nvram);
    copy->document = g_strdup(def->document);
    return copy;
}

/* Write TEXT, 32 hexadecimal digits with dashes and blanks wherever somebody liked them, in the
 * usual form. Returns NULL when it is no UUID. Free with g_free().
 */
static char *
normalize_uuid(const char *text)
{
    GString *uuid = g_string_new(NULL);
    size_t digits = 0;

    for (; *text; text++) {
        if (g_ascii_isspace(*text) || (*text == '-' && digits > 0))
            continue;
        if (!g_ascii_isxdigit(*text) || ++digits > 2 * UUID_BYTES)
            break;
        if (digits == 9 || digits == 13 || digits == 17 || digits == 21)
            g_string_append_c(uuid, '-');
        g_string_append_c(uuid, g_ascii_tolower(*text));
    }
    return g_string_free(uuid, *text || digits != 2 * UUID_BYTES);
}

static bool
read_uuid(struct domain_def *def, const struct xml_doc *doc, xmlNodePtr node, GError **error)
{
    g_autofree char *text = xml_content(node);

    if (!text)
        return true;
    def->uuid = normalize_uuid(text);
    if (!def->uuid)
        xml_doc_set_error(error, doc, node, "malformed uuid '%.100s'", text);
    return def->uuid != NULL;
}

/* The rules of libvirt: the name becomes a file name. */
static bool
read_name(struct domain_def *def, const struct xml_doc *doc, xmlNodePtr domain, GError **error)
{
    xmlNodePtr node = xml_child(domain, "name");

    def->name = xml_content(node);
    if (!def->name)
        xml_doc_set_error(error, doc, node ? node : domain, "the domain has no name");
    else if (strpbrk(def->name, "/\n"))
        xml_doc_set_error(error, doc, node, "a domain name must not contain '/' or a line break");
    else if (strcmp(def->name, ".") == 0 || strcmp(def->name, "..") == 0)
        xml_doc_set_error(error, doc, node, "a domain name must not be '%s'", def->name);
    else
        return true;
    return false;
}

/* The firmware's code and its variables: <nvram> holds a path, or a <source>. */
static void
read_os(struct domain_def *def, xmlNodePtr os)
{
    xmlNodePtr nvram = xml_child(os, "nvram");
    xmlNodePtr source = xml_child(nvram, "source");

    def->loader = xml_content(xml_child(os, "loader"));
    if (source)
        def->nvram = xml_attribute(source, "file");
    else
        def->nvram = xml_content(nvram);
}

static bool
read_disk_attributes(struct domain_disk *disk, const struct xml_doc *doc, xmlNodePtr node,
                     GError **error)
{
    g_autofree char *device = xml_attribute(node, "device");
    g_autofree char *snapshot = xml_attribute(node, "snapshot");

    if (device && !disk_device_parse(device, &disk->device)) {
        xml_doc_set_error(error, doc, node, "unknown disk device '%.100s'", device);
        return false;
    }
    if (snapshot && (!snapshot_location_parse(snapshot, &disk->snapshot) ||
                     disk->snapshot == SNAPSHOT_LOCATION_DEFAULT)) {
        xml_doc_set_error(error, doc, node, "unknown disk snapshot mode '%.100s'", snapshot);
        return false;
    }
    return true;
}

static struct domain_layer *
read_layer(xmlNodePtr node)
{
    struct domain_layer *layer = g_new0(struct domain_layer, 1);
    scoped_disk_xml xml;

    disk_xml_read(&xml, node);
    layer->format = xml_attribute(xml_child(node, "format"), "type");
    if ((xml.type == DISK_TYPE_FILE || xml.type == DISK_TYPE_BLOCK) &&
        !xml_child(xml.source, "slices") && !xml_child(xml.source, "encryption"))
        layer->source = g_steal_pointer(&xml.path);
    return layer;
}

/* Read what NODE, a <backingStore> or NULL, says, and those inside of it. */
static void
read_layers(struct domain_disk *disk, xmlNodePtr node)
{
    if (!node)
        return;
    disk->layers = g_ptr_array_new_with_free_func(domain_layer_free);
    for (; node; node = xml_child(node, "backingStore")) {
        disk->layers_end = !xml_child(node, "source");
        if (disk->layers_end)
            return;
        g_ptr_array_add(disk->layers, read_layer(node));
    }
}

static struct domain_disk *
read_disk(const struct xml_doc *doc, xmlNodePtr node, GError **error)
{
    scoped(domain_disk) disk = g_new0(struct domain_disk, 1);
    scoped_disk_xml xml;

    disk_xml_read(&xml, node);
    disk->type = xml.type;
    disk->format = g_steal_pointer(&xml.format);
    disk->source = g_steal_pointer(&xml.path);
    disk->has_source = xml.has_source;
    disk->target = xml_attribute(xml_child(node, "target"), "dev");
    if (!disk->target) {
        xml_doc_set_error(error, doc, node, "a disk has no target device");
        return NULL;
    }
    if (!read_disk_attributes(disk, doc, node, error))
        return NULL;
    disk->readonly = xml_child(node, "readonly") || disk->device == DISK_DEVICE_CDROM;
    disk->shareable = xml_child(node, "shareable") != NULL;
    disk->transient = xml_child(node, "transient") != NULL;
    disk->has_encryption = xml_child(node, "encryption") || xml_child(xml.source, "encryption");
    disk->has_slices = xml_child(xml.source, "slices") != NULL;
    read_layers(disk, xml_child(node, "backingStore"));
    return g_steal_pointer(&disk);
}

/* Read the disks of one <devices>; TARGETS holds the names seen so far. */
static bool
read_disks(struct domain_def *def, GHashTable *targets, const struct xml_doc *doc,
           xmlNodePtr devices, GError **error)
{
    for (xmlNodePtr node = xml_child(devices, "disk"); node; node = xml_next(node, "disk")) {
        struct domain_disk *disk = read_disk(doc, node, error);

        if (!disk)
            return false;
        g_ptr_array_add(def->disks, disk);
        if (!g_hash_table_add(targets, disk->target)) {
            xml_doc_set_error(error, doc, node, "two disks have the target '%.100s'", disk->target);
            return false;
        }
        if (def->disks->len > DISKS_MAX) {
            xml_doc_set_error(error, doc, node, "more than %d disks", DISKS_MAX);
            return false;
        }
    }
    return true;
}

static bool
has_emulated_tpm(xmlNodePtr devices)
{
    for (xmlNodePtr tpm = xml_child(devices, "tpm"); tpm; tpm = xml_next(tpm, "tpm")) {
        g_autofree char *backend = xml_attribute(xml_child(tpm, "backend"), "type");

        if (g_strcmp0(backend, "emulator") == 0)
            return true;
    }
    return false;
}

static bool
lacks_mac(xmlNodePtr devices)
{
    xmlNodePtr node = xml_child(devices, "interface");

    while (node && xml_child(node, "mac"))
        node = xml_next(node, "interface");
    return node != NULL;
}

static bool
read_devices(struct domain_def *def, const struct xml_doc *doc, xmlNodePtr domain, GError **error)
{
    g_autoptr(GHashTable) targets = g_hash_table_new(g_str_hash, g_str_equal);

    def->disks = g_ptr_array_new_with_free_func((GDestroyNotify)domain_disk_free);
    for (xmlNodePtr node = xml_child(domain, "devices"); node; node = xml_next(node, "devices")) {
        if (!read_disks(def, targets, doc, node, error))
            return false;
        if (has_emulated_tpm(node))
            def->has_tpm = true;
        if (lacks_mac(node))
            def->lacks_mac = true;
    }
    return true;
}

struct domain_def *
domain_def_read(const struct xml_doc *doc, xmlNodePtr node, char *document, size_t start,
                size_t length, GError **error)
{
    scoped(domain_def) def = g_new0(struct domain_def, 1);

    def->document = document;
    def->start = start;
    def->length = length;
    def->type = xml_attribute(node, "type");
    if (!read_name(def, doc, node, error) || !read_uuid(def, doc, xml_child(node, "uuid"), error) ||
        !read_devices(def, doc, node, error))
        return NULL;
    read_os(def, xml_child(node, "os"));
    return g_steal_pointer(&def);
}

struct domain_def *
domain_def_parse(const char *document, size_t length, const char *name, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(document, length, name, error);
    xmlNodePtr root = doc ? xml_doc_root(doc, "domain", error) : NULL;
    const struct xml_tag *tag;

    if (!root)
        return NULL;
    tag = xml_doc_tag(doc, root);
    return domain_def_read(doc, root, g_strdup(doc->text), tag->start, tag->end - tag->start,
                           error);
}

const struct domain_disk *
domain_def_find_disk(const struct domain_def *def, const char *name, GError **error)
{
    const struct domain_disk *found = NULL;

    for (unsigned i = 0; i < def->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(def->disks, i);

        if (strcmp(disk->target, name) == 0)
            return disk;
    }
    for (unsigned i = 0; i < def->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(def->disks, i);

        if (g_strcmp0(disk->source, name) != 0)
            continue;
        if (found) {
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                        "more than one disk has the source '%s'", name);
            return NULL;
        }
        found = disk;
    }
    if (!found)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "no disk named '%s'", name);
    return found;
}

char *
domain_def_element(const struct domain_def *def)
{
    return g_strndup(def->document + def->start, def->length);
}
