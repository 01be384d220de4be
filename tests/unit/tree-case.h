/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "unit/scratch.h"
#include "unit/unit.h"

/* A domain "vm" in the scratch directory, given by path, and its tree as state_load() finds it. */

struct tree_case {
    struct domain_location *location;
    struct state *state;
};

static inline void
tree_save(const char *name, const char *text)
{
    g_autofree char *path = scratch_path(name);
    g_autofree char *directory = g_path_get_dirname(path);

    ck_assert_int_eq(g_mkdir_with_parents(directory, 0700), 0);
    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

/* "vda=FORMAT:PATH vdb=…" as elements; a PATH without a leading slash is one of the scratch
 * directory. Free with g_free().
 */
static inline char *
tree_disks(const char *disks)
{
    g_auto(GStrv) all = g_strsplit(disks, " ", -1);
    GString *text = g_string_new(NULL);

    for (char **disk = all; *disk; disk++) {
        char *format = strchr(*disk, '=');
        char *path = format ? strchr(format, ':') : NULL;
        g_autofree char *absolute = NULL;

        ck_assert_msg(format && path, "%s", *disk);
        *format++ = *path++ = '\0';
        absolute = *path == '/' ? g_strdup(path) : scratch_path(path);
        g_string_append_printf(text,
                               "<disk type='file' device='disk'><driver name='qemu' type='%s'/>"
                               "<source file='%s'/><target dev='%s'/></disk>",
                               format, absolute, *disk);
    }
    return g_string_free(text, FALSE);
}

/* The <domain> element. Free with g_free(). */
static inline char *
tree_domain(const char *name, const char *disks)
{
    g_autofree char *elements = tree_disks(disks);

    return g_strdup_printf("<domain type='qemu'><name>%s</name><devices>%s</devices></domain>",
                           name, elements);
}

/* Domain NAME in FILE of the scratch directory. */
static inline void
tree_save_domain(const char *file, const char *name, const char *disks)
{
    g_autofree char *text = tree_domain(name, disks);

    tree_save(file, text);
}

/* A snapshot of "vm" that holds each disk of DISKS as LOCATION says. PARENT may be NULL. */
static inline void
tree_save_snapshot(const char *name, const char *parent, const char *location, const char *disks)
{
    g_autofree char *domain = tree_domain("vm", disks);
    g_autofree char *link =
        parent ? g_strdup_printf("<parent><name>%s</name></parent>", parent) : g_strdup("");
    g_auto(GStrv) all = g_strsplit(disks, " ", -1);
    g_autoptr(GString) covered = g_string_new(NULL);
    g_autofree char *file = g_strdup_printf("vm.snapshots/%s.xml", name);
    g_autofree char *text = NULL;

    for (char **disk = all; *disk; disk++)
        g_string_append_printf(covered, "<disk name='%.3s' snapshot='%s'/>", *disk, location);
    text = g_strdup_printf("<domainsnapshot><name>%s</name><state>shutoff</state>%s"
                           "<creationTime>1</creationTime><memory snapshot='no'/><disks>%s</disks>"
                           "%s<active>0</active></domainsnapshot>",
                           name, link, covered->str, domain);
    tree_save(file, text);
}

/* False with ERROR when the state cannot be loaded. */
static inline bool
tree_try(struct tree_case *tree, GError **error)
{
    g_autofree char *xml = scratch_path("vm.xml");

    tree->location = domain_location_find(xml, NULL, NULL, error);
    ck_assert_ptr_nonnull(tree->location);
    tree->state = state_load(tree->location, STATE_TREE, error);
    return tree->state != NULL;
}

static inline void
tree_load(struct tree_case *tree)
{
    g_autoptr(GError) error = NULL;

    unit_assert_ok(tree_try(tree, &error), error);
    ck_assert_uint_eq(tree->state->snapshots->problems->len, 0);
}

static inline void
tree_clear(struct tree_case *tree)
{
    state_free(tree->state);
    domain_location_free(tree->location);
}

static inline const struct image *
tree_find(const struct tree_case *tree, const char *name)
{
    g_autofree char *path = scratch_path(name);

    return image_graph_find(tree->state->graph, path);
}

/* The image NAME of the scratch directory, which must be in the graph. */
static inline const struct image *
tree_image(const struct tree_case *tree, const char *name)
{
    const struct image *image = tree_find(tree, name);

    ck_assert_msg(image != NULL, "'%s' is not in the graph", name);
    return image;
}
