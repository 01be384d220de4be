/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "cli/cli.h"
#include "conf/snapshot-tree.h"
#include "load/state.h"
#include "txn/plan.h"

/* The only place that prints. Results go to stdout, everything else to stderr; control characters
 * in names are shown escaped, so that a message stays one line and no terminal obeys a file name.
 */

/* "offshot: MESSAGE" on stderr, or the JSON error object on stdout. */
void output_error(bool json, const GError *error);

/* "offshot: warning: MESSAGE" for each of NOTES (char *), and "offshot: MESSAGE", unless quiet. */
void output_warnings(const struct cli *cli, const GPtrArray *notes);
void output_note(const struct cli *cli, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* TEXT with control characters escaped. Free with g_free(). */
char *output_escape(const char *text);

/* A word as it would be typed into a shell: quoted when it needs to be, control characters escaped.
 * Free with g_free().
 */
char *output_quote(const char *word);

/* {"name":NAME,"path":PATH} */
json_t *output_json_place(const char *name, const char *path);

/* Print OBJECT (the reference is taken) on one line. */
void output_json(json_t *object);

/* Strings for JSON: bytes that are no UTF-8 are replaced; NULL becomes null. */
json_t *output_json_string(const char *text);

/* {"schema":1,"domain":{…},"snapshots":[…]} of the snapshots in DEFS (struct snapshot_def *). TREE
 * gives children and the current one.
 */
json_t *output_snapshots(const struct state *state, const struct snapshot_tree *tree,
                         const GPtrArray *defs);

/* Print the same of DEF alone. */
void output_snapshot(const struct state *state, const struct snapshot_def *def);

/* {"schema":1,"operation":…,"steps":[…]} */
json_t *output_plan_json(const struct plan *plan);

/* The plan, as --dry-run and --verbose show it. */
void output_plan(const struct cli *cli, const struct plan *plan);

/* "YYYY-MM-DD HH:MM:SS +ZZZZ" in local time, as virsh writes it. Free with g_free(). */
char *output_time(int64_t seconds);

/* "512 bytes", "1.5 MiB". Free with g_free(). */
char *output_size(uint64_t bytes);
