/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/create-options.h"
#include "cli/output.h"
#include "cli/session.h"
#include "conf/snapshot-align.h"
#include "load/neighbours.h"
#include "load/place.h"
#include "load/tree.h"
#include "ops/create.h"
#include "ops/redefine.h"
#include "util/error.h"

/* The name and the description in JSON, or the line that virsh prints. */
static bool
report(struct session *session, const struct create_options *options,
       const struct snapshot_def *def, GError **error)
{
    struct cli *cli = session->cli;
    g_autofree char *name = output_escape(def->name);
    const struct snapshot_def *stored;

    if (cli->dry_run)
        return true;
    if (!cli->json) {
        if (!cli->quiet)
            printf("Domain snapshot %s created\n", name);
        return true;
    }
    if (!options->no_metadata && !session_reload(session, error))
        return false;
    stored = snapshot_tree_find(session->state->snapshots->tree, def->name);
    output_snapshot(session->state, stored ? stored : def);
    return true;
}

/* The name that the image of DISK gets with --keep-filename. */
static bool
load_frozen_name(const struct state *state, const struct snapshot_disk *disk, const char *snapshot,
                 GError **error)
{
    const struct image *image = state_get_disk(state, disk->name)->image;
    g_autofree char *frozen = image ? snapshot_frozen_name(image->path, snapshot) : NULL;

    if (!frozen || state_check_place(state, frozen, error))
        return true;
    g_prefix_error(error, "disk '%s': ", disk->name);
    return false;
}

/* Overlays that the user made have to be looked at before the plan is made; names for new ones must
 * lead to nothing that the domain uses.
 */
static bool
load_target(struct state *state, const struct create_options *options,
            const struct snapshot_disk *disk, const char *snapshot, GError **error)
{
    const struct image_format *format = image_format_find_libvirt(disk->format);

    if (options->keep_filename)
        return load_frozen_name(state, disk, snapshot, error);
    if (!disk->source || (options->reuse_external && !format))
        return true;
    if (!options->reuse_external)
        return state_check_target(state, disk->name, disk->source, error);
    if (state_load_overlay(state, disk->source, format, error))
        return true;
    g_prefix_error(error, "disk '%s': ", disk->name);
    return false;
}

/* Relative links are made for where the directories really are. */
static bool
load_directories(struct state *state, const struct snapshot_disk *disk, GError **error)
{
    const char *base = state_get_disk(state, disk->name)->def->source;

    return (!disk->source || state_load_directory(state, disk->source, error)) &&
           state_load_directory(state, base, error);
}

static bool
load_targets(struct state *state, const struct create_options *options,
             const struct snapshot_def *def, GError **error)
{
    bool internal = false;

    state_load_neighbours(state);
    if (!options->reuse_external)
        state_load_places(state);
    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        internal = internal || disk->snapshot == SNAPSHOT_LOCATION_INTERNAL;
        if (disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL)
            continue;
        if (options->keep_filename)
            state_load_aliases(state, disk->name);
        if (!load_target(state, options, disk, def->name, error) ||
            (options->backing_path == BACKING_PATH_RELATIVE &&
             !load_directories(state, disk, error)))
            return false;
    }
    /* with the overlays, on which others may stand */
    if (options->reuse_external && !state_load_tree(state, error))
        return false;
    return !internal || state->tags || state_load_tags(state, error);
}

static bool
create(struct session *session, const struct create_options *options,
       const struct snapshot_def *requested, GError **error)
{
    const struct create_request request = {
        .def = requested,
        .mode = options->disk_only ? SNAPSHOT_LOCATION_EXTERNAL : SNAPSHOT_LOCATION_INTERNAL,
        .backing_path = options->backing_path,
        .overlay_options = options->overlay_options,
        .keep_filename = options->keep_filename,
        .reuse_external = options->reuse_external,
        .no_metadata = options->no_metadata,
    };
    scoped(snapshot_def) def = create_complete(session->state, &request, error);
    scoped(plan) plan = NULL;

    if (!def || !load_targets(session->state, options, def, error))
        return false;
    plan = create_plan(session->state, &request, def, session->plan_notes, error);
    return plan && session_run(session, plan, error) && report(session, options, def, error);
}

static bool
redefine(struct session *session, const struct create_options *options, struct snapshot_def *def,
         GError **error)
{
    scoped(plan) plan = redefine_plan(session->state, def, options->current, error);

    return plan && session_run(session, plan, error) && report(session, options, def, error);
}

static bool
print_request(const struct snapshot_def *def, GError **error)
{
    g_autofree char *text = snapshot_def_format(def, false, error);
    const char *element = text ? strstr(text, "<domainsnapshot") : NULL;

    if (element)
        printf("%s", element);
    return element != NULL;
}

/* What goes by the name of an image is of no matter while the name stays with it. */
static enum state_parts
needed_parts(const struct create_options *options)
{
    if (options->redefine)
        return STATE_METADATA;
    return options->keep_filename ? STATE_TREE : STATE_IMAGES;
}

static bool
run_with_options(struct cli *cli, const char *domain, const struct create_options *options,
                 GError **error)
{
    scoped(session) session = NULL;
    scoped(snapshot_def) def = create_options_request(options, error);

    if (!def)
        return false;
    if (options->print_xml)
        return print_request(def, error);
    session = session_open(cli, domain, SESSION_CHANGE, needed_parts(options), error);
    if (!session)
        return false;
    return options->redefine ? redefine(session, options, def, error)
                             : create(session, options, def, error);
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    struct create_options options = {0};
    bool fine = domain && create_options_take(&options, cli, error) &&
                run_with_options(cli, domain, &options, error);

    create_options_clear(&options);
    return fine ? 0 : -1;
}

const struct command command_create = {
    .name = "create",
    .aliases = {"snapshot-create-as", "snapshot-create"},
    .arguments = "DOMAIN [NAME [DESCRIPTION]]",
    .summary = "Take a snapshot",
    .details =
        "All selected disks change together or none. With --disk-only each gets a new\n"
        "overlay, and the image that was active holds the snapshot from then on. Without it\n"
        "the snapshot goes into the qcow2 images themselves.\n"
        "\n"
        "--diskspec DISK[,snapshot=no|internal|external|manual][,driver=qcow2|qed]\n"
        "[,stype=file|block][,file=PATH] names the disk by its target, or by its source\n"
        "path. A comma in a value is doubled.",
    .example = "offshot create ./vm.xml before-upgrade 'kernel 6.1' --disk-only",
    .options = create_option_table,
    .run = run,
};
