/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <popt.h>
#include <stdbool.h>

/* One invocation: what was said before and beside the command's own options. */
struct cli {
    char *connect;
    char *store;
    int lock_timeout; /* seconds */
    int jobs;
    char *color;
    char *progress;
    char *sandbox;
    int dry_run;
    int json;
    int quiet;
    int verbose; /* how often -v was given */
    int help;
    char *domain;         /* --domain, as virsh has it */
    const char *name;     /* the command as it was called */
    bool changed;         /* the command has changed something: its result stands */
    GPtrArray *arguments; /* of char *: what is left of the command line */
};

/* One command. `run` returns the exit code 0, or one of its own without an error message when it
 * printed a result that says so; on failure it returns -1 and sets ERROR.
 */
struct command {
    const char *name;
    const char *aliases[3]; /* virsh's names */
    const char *arguments;  /* "DOMAIN [NAME [DESCRIPTION]]" */
    const char *summary;    /* one line, imperative */
    const char *details;    /* what --help adds, or NULL */
    const char *example;    /* one command line that works */
    struct poptOption *options;
    int (*run)(struct cli *cli, GError **error);
};

extern const struct command command_adopt;
extern const struct command command_create;
extern const struct command command_list;
extern const struct command command_info;
extern const struct command command_dumpxml;
extern const struct command command_current;
extern const struct command command_parent;
extern const struct command command_edit;
extern const struct command command_revert;
extern const struct command command_delete;
extern const struct command command_flatten;
extern const struct command command_extract;
extern const struct command command_publish;
extern const struct command command_recover;

/* The next argument, or NULL. */
const char *cli_next(struct cli *cli);

/* The domain: --domain, or the next argument. Fails with OFFSHOT_ERROR_USAGE. */
const char *cli_take_domain(struct cli *cli, GError **error);

/* Fails with OFFSHOT_ERROR_USAGE when arguments are left. */
bool cli_check_no_more(struct cli *cli, GError **error);

/* The sub-table of options that every command knows. */
extern struct poptOption cli_common_options[];

/* Ends every command's table: the common options, and the end mark. */
#define CLI_COMMON_OPTIONS                                                                         \
    {NULL, '\0', POPT_ARG_INCLUDE_TABLE, cli_common_options, 0, "Common options:", NULL},          \
        POPT_TABLEEND
