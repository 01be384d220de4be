/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/disk-xml.h"
#include "conf/domain-xml.h"
#include "conf/snapshot-def.h"
#include "conf/xml-text.h"
#include "util/error.h"

struct reader {
    const struct xml_doc *doc;
    xmlNodePtr root;
    enum snapshot_def_source source;
    struct snapshot_def *def;
};

static const char *const states[] = {
    "nostate", "running", "blocked",     "paused",        "shutdown",
    "shutoff", "crashed", "pmsuspended", "disk-snapshot", NULL,
};

static bool
read_name(struct reader *reader, xmlNodePtr node, GError **error)
{
    struct snapshot_def *def = reader->def;

    def->name = xml_content(node);
    /* the name of a request is still to be checked by the rules for new ones */
    if (def->name && reader->source != SNAPSHOT_DEF_REQUEST &&
        (strchr(def->name, '/') || *def->name == '.')) {
        xml_doc_set_error(error, reader->doc, node,
                          "a snapshot name must not contain '/' or begin with '.'");
        return false;
    }
    return true;
}

static bool
read_description(struct reader *reader, xmlNodePtr node, GError **error G_GNUC_UNUSED)
{
    reader->def->description = xml_content(node);
    return true;
}

static bool
read_state(struct reader *reader, xmlNodePtr node, GError **error)
{
    struct snapshot_def *def = reader->def;

    if (reader->source == SNAPSHOT_DEF_REQUEST)
        return true;
    def->state = xml_content(node);
    if (def->state && !g_strv_contains(states, def->state)) {
        xml_doc_set_error(error, reader->doc, node, "unknown state '%.100s'", def->state);
        return false;
    }
    return true;
}

static bool
read_parent(struct reader *reader, xmlNodePtr node, GError **error G_GNUC_UNUSED)
{
    if (reader->source != SNAPSHOT_DEF_REQUEST)
        reader->def->parent = xml_content(xml_child(node, "name"));
    return true;
}

static bool
read_creation_time(struct reader *reader, xmlNodePtr node, GError **error)
{
    g_autofree char *text = NULL;

    if (reader->source == SNAPSHOT_DEF_REQUEST)
        return true;
    text = xml_content(node);
    if (text && g_ascii_string_to_signed(g_strstrip(text), 10, 0, G_MAXINT64,
                                         &reader->def->creation_time, NULL))
        return true;
    xml_doc_set_error(error, reader->doc, node, "<creationTime> is not a number of seconds");
    return false;
}

static bool
check_memory(const struct reader *reader, xmlNodePtr node, GError **error)
{
    const struct snapshot_def *def = reader->def;
    bool external = def->memory == SNAPSHOT_LOCATION_EXTERNAL;
    const char *what = NULL;

    if (def->memory_file && !external)
        what = "a memory file requires an external memory snapshot";
    else if (external && !def->memory_file)
        what = "an external memory snapshot requires a file";
    else if (external && *def->memory_file != '/')
        what = "the path of the memory file must be absolute";
    if (what)
        xml_doc_set_error(error, reader->doc, node, "%s", what);
    return !what;
}

static bool
read_memory(struct reader *reader, xmlNodePtr node, GError **error)
{
    struct snapshot_def *def = reader->def;
    g_autofree char *location = xml_attribute(node, "snapshot");

    def->memory_file = xml_attribute(node, "file");
    if (!location) {
        if (def->memory_file)
            def->memory = SNAPSHOT_LOCATION_EXTERNAL;
    } else if (!snapshot_location_parse(location, &def->memory) ||
               def->memory == SNAPSHOT_LOCATION_DEFAULT ||
               def->memory == SNAPSHOT_LOCATION_MANUAL) {
        xml_doc_set_error(error, reader->doc, node, "unknown memory snapshot mode '%.100s'",
                          location);
        return false;
    }
    return check_memory(reader, node, error);
}

/* Fill DISK from NODE: what both our structure and XML know. */
static bool
read_disk_fields(const struct reader *reader, struct snapshot_disk *disk, xmlNodePtr node,
                 GError **error)
{
    g_autofree char *location = xml_attribute(node, "snapshot");
    scoped_disk_xml xml = {0};

    disk_xml_read(&xml, node);
    if (!disk_xml_is_plain(&xml))
        disk->element = xml_doc_slice(reader->doc, node);
    disk->type = xml.type;
    disk->format = g_steal_pointer(&xml.format);
    disk->source = g_steal_pointer(&xml.path);
    disk->has_source = xml.has_source;
    disk->overwritten = xml_child(node, "snapshotDeleteInProgress") != NULL;
    if (location && (!snapshot_location_parse(location, &disk->snapshot) ||
                     disk->snapshot == SNAPSHOT_LOCATION_DEFAULT)) {
        xml_doc_set_error(error, reader->doc, node, "unknown snapshot mode '%.100s'", location);
        return false;
    }
    if (!location && (disk->has_source || disk->format))
        disk->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
    if (disk->source && *disk->source != '/') {
        xml_doc_set_error(error, reader->doc, node, "the path of disk '%.100s' must be absolute",
                          disk->name);
        return false;
    }
    return true;
}

static struct snapshot_disk *
read_disk(const struct reader *reader, xmlNodePtr node, GError **error)
{
    g_autofree char *name = xml_attribute(node, "name");
    scoped(snapshot_disk) disk = NULL;

    if (!xml_is(node, "disk")) {
        xml_doc_set_error(error, reader->doc, node, "<%.100s> is no disk", node->name);
        return NULL;
    }
    if (!name) {
        xml_doc_set_error(error, reader->doc, node, "a disk has no name");
        return NULL;
    }
    disk = snapshot_disk_new(name);
    if (!read_disk_fields(reader, disk, node, error))
        return NULL;
    return g_steal_pointer(&disk);
}

static bool
read_disk_list(const struct reader *reader, xmlNodePtr list, GPtrArray *disks, GError **error)
{
    for (xmlNodePtr node = xml_child(list, NULL); node; node = xml_next(node, NULL)) {
        struct snapshot_disk *disk = read_disk(reader, node, error);

        if (!disk)
            return false;
        g_ptr_array_add(disks, disk);
        if (disks->len > DISKS_MAX) {
            xml_doc_set_error(error, reader->doc, node, "more than %d disks", DISKS_MAX);
            return false;
        }
    }
    return true;
}

static bool
read_disks(struct reader *reader, xmlNodePtr node, GError **error)
{
    return read_disk_list(reader, node, reader->def->disks, error);
}

static bool
read_revert_disks(struct reader *reader, xmlNodePtr node, GError **error)
{
    return read_disk_list(reader, node, reader->def->revert_disks, error);
}

/* <domain>. Very old snapshots hold no more of it than the uuid: kept as something unknown. */
static bool
read_domain(struct reader *reader, xmlNodePtr node, GError **error)
{
    char *text;

    if (reader->source == SNAPSHOT_DEF_REQUEST)
        return true;
    text = xml_doc_slice(reader->doc, node);
    if (!xmlHasNsProp(node, BAD_CAST "type", NULL)) {
        g_ptr_array_add(reader->def->unknown, text);
        return true;
    }
    reader->def->domain = domain_def_read(reader->doc, node, text, 0, strlen(text), error);
    return reader->def->domain != NULL;
}

/* <inactiveDomain>: a <domain> by another name, so that is what our copy is called. */
static bool
read_inactive_domain(struct reader *reader, xmlNodePtr node, GError **error)
{
    g_autofree char *slice = NULL;
    char *text;

    if (reader->source == SNAPSHOT_DEF_REQUEST)
        return true;
    slice = xml_doc_slice(reader->doc, node);
    text = xml_rename_element(slice, "domain");
    reader->def->inactive_domain = domain_def_read(reader->doc, node, text, 0, strlen(text), error);
    return reader->def->inactive_domain != NULL;
}

static bool
read_cookie(struct reader *reader, xmlNodePtr node, GError **error G_GNUC_UNUSED)
{
    reader->def->cookie = xml_doc_slice(reader->doc, node);
    return true;
}

/* libvirt looks at <active> in its own files only; there any number but 0 means yes. */
static bool
read_active(struct reader *reader, xmlNodePtr node, GError **error)
{
    g_autofree char *text = xml_content(node);
    gint64 value = 0;
    bool valid =
        text && g_ascii_string_to_signed(g_strstrip(text), 10, G_MININT, G_MAXINT, &value, NULL);

    if (!valid && reader->source == SNAPSHOT_DEF_STORED) {
        xml_doc_set_error(error, reader->doc, node, "<active> is neither 0 nor 1");
        return false;
    }
    reader->def->has_active = valid;
    reader->def->active = value != 0;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct reader *reader, xmlNodePtr node, GError **error);
} elements[] = {
    {"name", read_name},
    {"description", read_description},
    {"state", read_state},
    {"parent", read_parent},
    {"creationTime", read_creation_time},
    {"memory", read_memory},
    {"disks", read_disks},
    {"revertDisks", read_revert_disks},
    {"domain", read_domain},
    {"inactiveDomain", read_inactive_domain},
    {"cookie", read_cookie},
    {"active", read_active},
};

/* Read one element; SEEN has a bit for each entry of the table that was there already. */
static bool
read_element(struct reader *reader, xmlNodePtr node, unsigned *seen, GError **error)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(elements); i++) {
        if (!xml_is(node, elements[i].name))
            continue;
        if (*seen & (1U << i)) {
            xml_doc_set_error(error, reader->doc, node, "a second <%s>", elements[i].name);
            return false;
        }
        *seen |= 1U << i;
        return elements[i].read(reader, node, error);
    }
    g_ptr_array_add(reader->def->unknown, xml_doc_slice(reader->doc, node));
    return true;
}

/* What can only be said when every element has been read. */
static bool
complete(struct reader *reader, GError **error)
{
    struct snapshot_def *def = reader->def;
    const char *missing = NULL;
    bool offline;

    if (reader->source == SNAPSHOT_DEF_REQUEST)
        return true;
    if (!def->name)
        missing = "name";
    else if (!def->state)
        missing = "state";
    else if (def->creation_time < 0)
        missing = "creationTime";
    else if (reader->source == SNAPSHOT_DEF_STORED && !def->has_active)
        missing = "active";
    if (missing) {
        xml_doc_set_error(error, reader->doc, reader->root, "a snapshot without <%s>", missing);
        return false;
    }
    offline = strcmp(def->state, "shutoff") == 0 || strcmp(def->state, "disk-snapshot") == 0;
    if (def->memory == SNAPSHOT_LOCATION_DEFAULT)
        def->memory = offline ? SNAPSHOT_LOCATION_NO : SNAPSHOT_LOCATION_INTERNAL;
    if (!offline || def->memory == SNAPSHOT_LOCATION_NO)
        return true;
    xml_doc_set_error(error, reader->doc, reader->root,
                      "state '%s' does not go with a memory snapshot", def->state);
    return false;
}

struct snapshot_def *
snapshot_def_parse(const char *document, size_t length, const char *name,
                   enum snapshot_def_source source, GError **error)
{
    scoped(xml_doc) doc = xml_doc_parse(document, length, name, error);
    scoped(snapshot_def) def = NULL;
    struct reader reader = {.doc = doc, .source = source};
    unsigned seen = 0;

    reader.root = doc ? xml_doc_root(doc, "domainsnapshot", error) : NULL;
    if (!reader.root)
        return NULL;
    def = reader.def = snapshot_def_new();
    for (xmlNodePtr node = xml_child(reader.root, NULL); node; node = xml_next(node, NULL)) {
        if (!read_element(&reader, node, &seen, error))
            return NULL;
    }
    if (!complete(&reader, error))
        return NULL;
    def->document = g_strdup(doc->text);
    return g_steal_pointer(&def);
}
