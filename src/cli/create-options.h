/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "conf/snapshot-def.h"
#include "ops/create.h"

/* What the command line of `create` says. Nothing in it is owned. */
struct create_options {
    const char *name;
    const char *description;
    const char *xml; /* --xml FILE, or NULL */
    const char *memspec;
    GPtrArray *diskspecs; /* of char * */
    const char *overlay_options;
    enum backing_path backing_path;
    bool disk_only;
    bool internal; /* said; what is so without a mode anyway */
    bool no_metadata;
    bool print_xml;
    bool reuse_external;
    bool redefine;
    bool current;
    bool validate;
    bool keep_filename;
};

extern struct poptOption create_option_table[];

void create_options_clear(struct create_options *options);

/* Fill OPTIONS from the parsed table and the arguments that CLI has left. Fails with
 * OFFSHOT_ERROR_USAGE for options that exclude each other, OFFSHOT_ERROR_REFUSED for --live.
 */
bool create_options_take(struct create_options *options, struct cli *cli, GError **error);

/* The snapshot that OPTIONS ask for: from --xml, validated when that was asked for, or from the
 * arguments. Free with snapshot_def_free().
 */
struct snapshot_def *create_options_request(const struct create_options *options, GError **error);
