/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/disk-spec.h"
#include "ops/create.h"
#include "unit/planner-tree.h"

/* Requests to create, for the tests of its planner. */

#define TWO PLANNER_DISK("vda", "qcow2", "/d/a.qcow2") PLANNER_DISK("vdb", "raw", "/d/b.raw")

static struct planner planner;
static GPtrArray *notes;

/* What is asked for, in the words of the command line. */
struct asked {
    const char *name;
    const char *disk_specs[3];
    bool internal;
    enum backing_path backing_path;
    const char *overlay_options;
    bool keep_filename;
    bool reuse_external;
    bool no_metadata;
};

static inline void
create_setup(void)
{
    notes = g_ptr_array_new_with_free_func(g_free);
}

static inline void
create_teardown(void)
{
    planner_clear_tree(&planner);
    planner_clear(&planner);
    g_ptr_array_unref(notes);
}

static inline struct snapshot_def *
requested_of(const struct asked *asked)
{
    struct snapshot_def *def = snapshot_def_new();

    def->name = g_strdup(asked->name);
    for (size_t i = 0; i < G_N_ELEMENTS(asked->disk_specs) && asked->disk_specs[i]; i++) {
        g_autoptr(GError) error = NULL;
        struct snapshot_disk *disk = disk_spec_parse(asked->disk_specs[i], &error);

        unit_assert_ok(disk != NULL, error);
        g_ptr_array_add(def->disks, disk);
    }
    return def;
}

/* Complete and plan; *DEF is the caller's. */
static inline struct plan *
plan_asked(const struct asked *asked, struct snapshot_def **def, GError **error)
{
    scoped(snapshot_def) requested = requested_of(asked);
    const struct create_request request = {
        .def = requested,
        .mode = asked->internal ? SNAPSHOT_LOCATION_INTERNAL : SNAPSHOT_LOCATION_EXTERNAL,
        .backing_path = asked->backing_path,
        .overlay_options = asked->overlay_options,
        .keep_filename = asked->keep_filename,
        .reuse_external = asked->reuse_external,
        .no_metadata = asked->no_metadata,
    };

    if (asked->keep_filename && !planner.state.searched)
        planner_init_tree(&planner);
    *def = create_complete(&planner.state, &request, error);
    return *def ? create_plan(&planner.state, &request, *def, notes, error) : NULL;
}
