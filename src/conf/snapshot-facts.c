/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-facts.h"

#include <inttypes.h>
#include <string.h>

#include "conf/snapshot-facts-xml.h"
#include "conf/xml-text.h"

static bool
is_facts(const xmlNode *node)
{
    return node->type == XML_ELEMENT_NODE && node->ns &&
           strcmp((const char *)node->ns->href, SNAPSHOT_FACTS_NAMESPACE) == 0;
}

/* Remove what is ours from METADATA (may be NULL). Returns whether there was anything. */
static bool
remove_facts(struct xml_edit *edit, const xmlNode *metadata)
{
    bool found = false;

    for (xmlNodePtr node = xml_child(metadata, NULL); node; node = xml_next(node, NULL)) {
        if (!is_facts(node))
            continue;
        xml_edit_remove(edit, node);
        found = true;
    }
    return found;
}

/* Whether METADATA holds nothing but our facts and white space. */
static bool
holds_only_facts(const xmlNode *metadata)
{
    for (xmlNodePtr node = metadata->children; node; node = node->next) {
        if (!xmlIsBlankNode(node) && !is_facts(node))
            return false;
    }
    return !metadata->properties;
}

static char *
format_facts(const struct frozen_image *frozen, size_t count, unsigned flags)
{
    GString *text =
        g_string_new("<offshot:snapshot xmlns:offshot=\"" SNAPSHOT_FACTS_NAMESPACE "\"");

    if (flags & SNAPSHOT_FACTS_KEEP_FILENAME)
        g_string_append(text, " keep-filename=\"yes\"");
    if (flags & SNAPSHOT_FACTS_ADOPTED)
        g_string_append(text, " adopted=\"yes\"");
    g_string_append(text, ">");
    for (size_t i = 0; i < count; i++) {
        g_string_append(text, "<offshot:frozen disk=\"");
        xml_escape_attribute(text, frozen[i].disk);
        g_string_append_printf(
            text, "\" inode=\"%" PRIu64 "\" size=\"%" PRIu64 "\" mtime=\"%" PRId64 "\"/>",
            frozen[i].identity.inode, frozen[i].identity.size, frozen[i].identity.mtime);
    }
    g_string_append(text, "</offshot:snapshot>");
    return g_string_free(text, FALSE);
}

char *
snapshot_facts_set(const char *element, const struct frozen_image *frozen, size_t count,
                   unsigned flags, GError **error)
{
    size_t length = strlen(element);
    scoped(xml_doc) doc = xml_doc_parse(element, length, "the domain", error);
    xmlNodePtr domain = doc ? xml_doc_root(doc, "domain", error) : NULL;
    xmlNodePtr metadata = xml_child(domain, "metadata");
    g_autofree char *facts = format_facts(frozen, count, flags);
    g_autofree char *whole = g_strdup_printf("<metadata>%s</metadata>", facts);
    const char *const markup[] = {metadata ? facts : whole, NULL};
    scoped_xml_edit edit = {0};

    if (!domain)
        return NULL;
    xml_edit_init(&edit, doc);
    remove_facts(&edit, metadata);
    xml_edit_append(&edit, metadata ? metadata : domain, markup);
    return xml_edit_apply(&edit, 0, length);
}

/* Whether facts of the <domain> ELEMENT say yes to ATTRIBUTE. */
static bool
says_yes(const char *element, const char *attribute)
{
    scoped(xml_doc) doc = xml_doc_parse(element, strlen(element), "the domain", NULL);
    xmlNodePtr domain = doc ? xml_doc_root(doc, "domain", NULL) : NULL;
    xmlNodePtr metadata = xml_child(domain, "metadata");

    for (xmlNodePtr node = xml_child(metadata, NULL); node; node = xml_next(node, NULL)) {
        g_autofree char *value = is_facts(node) ? xml_attribute(node, attribute) : NULL;

        if (g_strcmp0(value, "yes") == 0)
            return true;
    }
    return false;
}

bool
snapshot_facts_keep_filename(const char *element)
{
    return says_yes(element, "keep-filename");
}

bool
snapshot_facts_adopted(const char *element)
{
    return says_yes(element, "adopted");
}

static bool
read_number(xmlNodePtr node, const char *name, uint64_t *number)
{
    g_autofree char *text = xml_attribute(node, name);

    return text && g_ascii_string_to_unsigned(text, 10, 0, UINT64_MAX, number, NULL);
}

/* By what else than its inode NODE, a <frozen>, knows the image: its directory, or size and time.
 */
static bool
read_rest(xmlNodePtr node, struct frozen_record *record)
{
    g_autofree char *mtime = xml_attribute(node, "mtime");

    if (!mtime)
        return read_number(node, "directory", &record->directory);
    return read_number(node, "size", &record->identity.size) &&
           g_ascii_string_to_signed(mtime, 10, INT64_MIN, INT64_MAX, &record->identity.mtime, NULL);
}

/* NODE, a <frozen>, into IMAGES. */
static void
read_frozen(GHashTable *images, xmlNodePtr node)
{
    g_autofree struct frozen_record *record = g_new0(struct frozen_record, 1);
    g_autofree char *disk = xml_attribute(node, "disk");

    if (disk && read_number(node, "inode", &record->identity.inode) && read_rest(node, record))
        g_hash_table_insert(images, g_steal_pointer(&disk), g_steal_pointer(&record));
}

GHashTable *
snapshot_facts_frozen(const char *element)
{
    GHashTable *images = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    scoped(xml_doc) doc = xml_doc_parse(element, strlen(element), "the domain", NULL);
    xmlNodePtr domain = doc ? xml_doc_root(doc, "domain", NULL) : NULL;
    xmlNodePtr metadata = xml_child(domain, "metadata");

    for (xmlNodePtr facts = xml_child(metadata, NULL); facts; facts = xml_next(facts, NULL)) {
        xmlNodePtr node = is_facts(facts) ? xml_child(facts, NULL) : NULL;

        for (; node; node = xml_next(node, NULL)) {
            if (is_facts(node))
                read_frozen(images, node);
        }
    }
    return images;
}

/* What a copy of a file from TIME has that keeps times no finer than archives and file systems do.
 */
static bool
is_same_time(int64_t time, int64_t copied)
{
    for (int64_t unit = 1; unit <= G_GINT64_CONSTANT(1000000000); unit *= 10) {
        if (time - time % unit == copied)
            return true;
    }
    return false;
}

static bool
is_whole(const struct frozen_record *then)
{
    return then->identity.size > 0;
}

bool
snapshot_facts_match(const struct frozen_record *then, const struct file_identity *now)
{
    return then->identity.inode == now->inode ||
           (is_whole(then) && then->identity.size == now->size &&
            is_same_time(then->identity.mtime, now->mtime));
}

bool
snapshot_facts_exclude(const struct frozen_record *then, uint64_t directory)
{
    return is_whole(then) || (directory != 0 && then->directory == directory);
}

/* Call MAKE on each element of DOMAIN that tells of a frozen image in one of DISKS (target ->
 * DATA).
 */
static void
edit_frozen(struct xml_edit *edit, const xmlNode *domain, GHashTable *disks,
            void (*make)(struct xml_edit *edit, const xmlNode *node, const void *data))
{
    xmlNodePtr metadata = xml_child(domain, "metadata");

    for (xmlNodePtr facts = xml_child(metadata, NULL); facts; facts = xml_next(facts, NULL)) {
        xmlNodePtr node = is_facts(facts) ? xml_child(facts, NULL) : NULL;

        for (; node; node = xml_next(node, NULL)) {
            g_autofree char *disk = is_facts(node) ? xml_attribute(node, "disk") : NULL;
            gpointer data;

            if (disk && g_hash_table_lookup_extended(disks, disk, NULL, &data))
                make(edit, node, data);
        }
    }
}

static void
move_frozen(struct xml_edit *edit, const xmlNode *node, const void *data)
{
    const struct frozen_record *now = data;
    g_autofree char *inode = g_strdup_printf("%" PRIu64, now->identity.inode);
    g_autofree char *directory = g_strdup_printf("%" PRIu64, now->directory);

    xml_edit_set_attribute(edit, node, "inode", inode);
    xml_edit_set_attribute(edit, node, "directory", directory);
    xml_edit_remove_attribute(edit, node, "size");
    xml_edit_remove_attribute(edit, node, "mtime");
}

void
snapshot_facts_move(struct xml_edit *edit, const xmlNode *domain, GHashTable *files)
{
    edit_frozen(edit, domain, files, move_frozen);
}

static void
remove_frozen(struct xml_edit *edit, const xmlNode *node, const void *data G_GNUC_UNUSED)
{
    xml_edit_remove(edit, node);
}

char *
snapshot_facts_forget(const char *element, GHashTable *disks, GError **error)
{
    size_t length = strlen(element);
    scoped(xml_doc) doc = xml_doc_parse(element, length, "the domain", error);
    xmlNodePtr domain = doc ? xml_doc_root(doc, "domain", error) : NULL;
    scoped_xml_edit edit = {0};

    if (!domain)
        return NULL;
    xml_edit_init(&edit, doc);
    edit_frozen(&edit, domain, disks, remove_frozen);
    return xml_edit_apply(&edit, 0, length);
}

char *
snapshot_facts_clear(const char *element, GError **error)
{
    size_t length = strlen(element);
    scoped(xml_doc) doc = xml_doc_parse(element, length, "the domain", error);
    xmlNodePtr domain = doc ? xml_doc_root(doc, "domain", error) : NULL;
    xmlNodePtr metadata = xml_child(domain, "metadata");
    scoped_xml_edit edit = {0};

    if (!domain)
        return NULL;
    xml_edit_init(&edit, doc);
    if (remove_facts(&edit, metadata) && holds_only_facts(metadata)) {
        xml_edit_clear(&edit);
        xml_edit_init(&edit, doc);
        xml_edit_remove(&edit, metadata);
    }
    return xml_edit_apply(&edit, 0, length);
}
