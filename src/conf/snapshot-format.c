/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-def.h"
#include "conf/snapshot-disks.h"
#include "conf/xml-text.h"

/* libvirt puts these words before everything that it stores. */
static const char header[] =
    "<!--\n"
    "WARNING: THIS IS AN AUTO-GENERATED FILE. CHANGES TO IT ARE LIKELY TO BE\n"
    "OVERWRITTEN AND LOST. Changes to this xml configuration should be made using:\n"
    "  virsh snapshot-edit\n"
    "or other application using the libvirt API.\n"
    "-->\n\n";

static bool
check_texts(const struct snapshot_def *def, GError **error)
{
    return xml_text_check("name of the snapshot", def->name, error) &&
           xml_text_check("description", def->description, error) &&
           xml_text_check("state", def->state, error) &&
           xml_text_check("name of the parent", def->parent, error) &&
           xml_text_check("path of the memory file", def->memory_file, error) &&
           snapshot_disks_check(def->disks, error) &&
           snapshot_disks_check(def->revert_disks, error);
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

static void
add_memory(GString *out, const struct snapshot_def *def)
{
    if (def->memory == SNAPSHOT_LOCATION_DEFAULT)
        return;
    g_string_append(out, "  <memory");
    if (def->state || !def->memory_implied)
        xml_append_attribute(out, "snapshot", snapshot_location_format(def->memory));
    xml_append_attribute(out, "file", def->memory_file);
    g_string_append(out, "/>\n");
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
    if (!snapshot_disks_format(out, "disks", def->disks, !def->state, error) ||
        !snapshot_disks_format(out, "revertDisks", def->revert_disks, !def->state, error))
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
