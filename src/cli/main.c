/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"
#include "image/qemu-limits.h"
#include "util/child.h"
#include "util/error.h"

#define LOCK_TIMEOUT_DEFAULT 10
#define JOBS_DEFAULT 8

static const struct command *const commands[] = {
    &command_create,  &command_list,  &command_info,    &command_dumpxml, &command_current,
    &command_parent,  &command_edit,  &command_revert,  &command_delete,  &command_flatten,
    &command_extract, &command_adopt, &command_publish, &command_recover,
};

static struct cli cli = {.lock_timeout = LOCK_TIMEOUT_DEFAULT, .jobs = JOBS_DEFAULT};
static int show_version;

/* What popt hands over as a value that offshot counts by itself. */
enum option_value { OPTION_VERBOSE = 1 };

struct poptOption cli_common_options[] = {
    {"connect", 'c', POPT_ARG_STRING, &cli.connect, 0, "where libvirt keeps the domain", "URI"},
    {"store", '\0', POPT_ARG_STRING, &cli.store, 0, "directory of the snapshot files", "DIR"},
    {"domain", '\0', POPT_ARG_STRING | POPT_ARGFLAG_DOC_HIDDEN, &cli.domain, 0, NULL, NULL},
    {"lock-timeout", '\0', POPT_ARG_INT, &cli.lock_timeout, 0,
     "wait this long for another offshot (default 10)", "SECONDS"},
    {"jobs", '\0', POPT_ARG_INT, &cli.jobs, 0, "programs to run at a time (default 8)", "N"},
    {"dry-run", 'n', POPT_ARG_NONE, &cli.dry_run, 0, "print the plan, change nothing", NULL},
    {"json", '\0', POPT_ARG_NONE, &cli.json, 0, "print results and errors as JSON", NULL},
    {"quiet", 'q', POPT_ARG_NONE, &cli.quiet, 0, "print results only, no headings or remarks",
     NULL},
    {"verbose", 'v', POPT_ARG_NONE, NULL, OPTION_VERBOSE,
     "print the plan; twice: also every program that is run", NULL},
    {"color", '\0', POPT_ARG_STRING, &cli.color, 0, "colour tables (NO_COLOR is honoured)",
     "auto|always|never"},
    {"progress", '\0', POPT_ARG_STRING, &cli.progress, 0, "how to show progress",
     "auto|plain|json|none"},
    {"sandbox", '\0', POPT_ARG_STRING, &cli.sandbox, 0,
     "confine qemu-img to its images (default auto)", "auto|off|require"},
    {"help", 'h', POPT_ARG_NONE, &cli.help, 0, "show this help", NULL},
    POPT_TABLEEND,
};

static struct poptOption global_options[] = {
    {"version", 'V', POPT_ARG_NONE, &show_version, 0, "print versions", NULL},
    {NULL, '\0', POPT_ARG_INCLUDE_TABLE, cli_common_options, 0, "Options of every command:", NULL},
    POPT_TABLEEND,
};

const char *
cli_next(struct cli *self)
{
    return self->arguments->len > 0 ? g_ptr_array_steal_index(self->arguments, 0) : NULL;
}

const char *
cli_take_domain(struct cli *self, GError **error)
{
    const char *domain = self->domain ? self->domain : cli_next(self);

    if (!domain || domain[0] == '\0') {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "give a domain: a path to its XML file, or its name or UUID");
        return NULL;
    }
    return domain;
}

bool
cli_check_no_more(struct cli *self, GError **error)
{
    if (self->arguments->len == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "unexpected argument '%s'",
                (const char *)g_ptr_array_index(self->arguments, 0));
    return false;
}

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0 ||
            g_strv_contains((const char *const *)commands[i]->aliases, name))
            return commands[i];
    }
    return NULL;
}

/* Feed argv to popt; -v is counted here. */
static bool
parse_options(poptContext context, GError **error)
{
    int rc;

    while ((rc = poptGetNextOpt(context)) > 0) {
        if (rc == OPTION_VERBOSE)
            cli.verbose++;
    }
    if (rc == -1)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "option '%s': %s (see --help)",
                poptBadOption(context, POPT_BADOPTION_NOALIAS), poptStrerror(rc));
    return false;
}

static bool
check_choice(const char *option, const char *value, const char *const *choices, GError **error)
{
    g_autofree char *all = NULL;

    if (!value || g_strv_contains(choices, value))
        return true;
    all = g_strjoinv(", ", (char **)choices);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "option '%s': '%s' is none of %s",
                option, value, all);
    return false;
}

/* Confine children as --sandbox says; in the order of enum sandbox_mode. */
static bool
set_sandbox(GError **error)
{
    static const char *const modes[] = {"off", "auto", "require", NULL};
    enum sandbox_mode mode = SANDBOX_AUTO;

    if (!check_choice("--sandbox", cli.sandbox, modes, error))
        return false;
    for (int i = 0; cli.sandbox && modes[i]; i++) {
        if (strcmp(cli.sandbox, modes[i]) == 0)
            mode = (enum sandbox_mode)i;
    }
    return child_set_sandbox(mode, error);
}

static bool
check_common_options(GError **error)
{
    static const char *const colors[] = {"auto", "always", "never", NULL};
    static const char *const progress[] = {"auto", "plain", "json", "none", NULL};

    if (cli.lock_timeout < 0 || cli.jobs < 1) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "--lock-timeout takes seconds from 0, --jobs a number from 1");
        return false;
    }
    return check_choice("--color", cli.color, colors, error) &&
           check_choice("--progress", cli.progress, progress, error) && set_sandbox(error);
}

static void
print_command_help(const struct command *command)
{
    g_autofree char *name = g_strconcat("offshot ", command->name, NULL);
    const char *argv[] = {name, NULL};
    poptContext context = poptGetContext("offshot", 1, argv, command->options, 0);

    printf("%s.\n", command->summary);
    if (command->aliases[0]) {
        g_autofree char *aliases = g_strjoinv(", ", (char **)command->aliases);

        printf("Also called %s.\n", aliases);
    }
    if (command->details)
        printf("\n%s\n", command->details);
    printf("\n");
    fflush(stdout);
    poptSetOtherOptionHelp(context, command->arguments);
    poptPrintHelp(context, stdout, 0);
    poptFreeContext(context);
    printf("\nExample:\n  %s\n", command->example);
}

static void
print_general_help(void)
{
    printf("Usage: offshot [OPTIONS] COMMAND DOMAIN [ARGUMENTS] [OPTIONS]\n\n"
           "Snapshots of virtual machines that are not running.\n\nCommands:\n");
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    printf(
        "\nDOMAIN is a path to a domain XML file (it holds a '/' or ends in .xml), or the name or\n"
        "UUID of a domain that libvirt keeps. `offshot COMMAND --help` tells more; so does\n"
        "offshot(1).\n\nExample:\n  offshot create ./vm.xml before-upgrade --disk-only\n");
}

static int
print_version(GError **error)
{
    char *argv[] = {(char *)"qemu-img", (char *)"--version", NULL};
    struct child child = {.argv = argv, .limits = qemu_img_header_limits};
    struct child *list[] = {&child};
    int sandbox = sandbox_version();

    if (!check_common_options(error))
        return -1;

    printf("offshot %s\n", PACKAGE_VERSION);
    if (child_run(list, 1, 1, NULL) && child_check(&child, NULL))
        printf("%.*s\n", (int)strcspn(child.out->str, "\n"), child.out->str);
    else
        printf("qemu-img not found\n");
    child_clear(&child);
    if (sandbox > 0)
        printf("sandbox: landlock ABI %d\n", sandbox);
    else
        printf("sandbox: none\n");
    return 0;
}

/* Parse what follows the command's name and run it. */
static int
run_command(const struct command *command, const char **argv, GError **error)
{
    g_autofree char *name = g_strconcat("offshot ", command->name, NULL);
    poptContext context;
    int status = -1;

    argv[0] = name;
    context =
        poptGetContext("offshot", (int)g_strv_length((char **)argv), argv, command->options, 0);
    if (parse_options(context, error) && check_common_options(error)) {
        const char **rest = poptGetArgs(context);

        cli.arguments = g_ptr_array_new();
        for (size_t i = 0; rest && rest[i]; i++)
            g_ptr_array_add(cli.arguments, (char *)rest[i]);
        if (cli.help) {
            print_command_help(command);
            status = 0;
        } else {
            status = command->run(&cli, error);
        }
        g_ptr_array_unref(cli.arguments);
    }
    poptFreeContext(context);
    return status;
}

/* Global options end at the first word that is none: the command. */
static int
run(int argc, const char **argv, GError **error)
{
    poptContext context =
        poptGetContext("offshot", argc, argv, global_options, POPT_CONTEXT_POSIXMEHARDER);
    const struct command *command;
    const char **rest;
    int status = -1;

    if (!parse_options(context, error)) {
        poptFreeContext(context);
        return -1;
    }
    rest = poptGetArgs(context);
    command = rest ? find_command(rest[0]) : NULL;
    if (show_version) {
        status = print_version(error);
    } else if (cli.help && !rest) {
        print_general_help();
        status = 0;
    } else if (command) {
        g_auto(GStrv) words = g_strdupv((char **)rest);
        g_autofree const char **copy = g_new0(const char *, g_strv_length(words) + 1);

        cli.name = words[0];
        for (size_t i = 0; words[i]; i++)
            copy[i] = words[i];
        status = run_command(command, copy, error);
    } else if (rest) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "there is no command '%s' (see --help)", rest[0]);
    } else {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "give a command (see --help)");
    }
    poptFreeContext(context);
    return status;
}

/* A program that is started without stdin, stdout or stderr must not find its files under their
 * numbers. */
static void
open_standard_files(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

/* Errors in JSON are wanted also when the command line itself is wrong. */
static bool
wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    int status;

    open_standard_files();
    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    /* What is made gets its mode explicitly; nothing shall be wider or narrower in between. */
    umask(077);
    status = run(argc, (const char **)argv, &error);
    if (error) {
        output_error(wants_json(argc, argv), error);
        status = error->domain == OFFSHOT_ERROR ? error->code : OFFSHOT_ERROR_FAILED;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "offshot: cannot write to standard output: %s\n", g_strerror(errno));
        /* exit code 1 would say that nothing changed */
        return status == 0 && !cli.changed ? OFFSHOT_ERROR_FAILED : status;
    }
    return status;
}
