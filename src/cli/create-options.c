/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/create-options.h"

#include <string.h>

#include "cli/request-xml.h"
#include "conf/disk-spec.h"
#include "util/error.h"

/* What popt fills in. */
static struct {
    char *name;
    char *description;
    char *xml;
    char *memspec;
    char **diskspecs;
    char *overlay_options;
    char *backing_path;
    int disk_only;
    int internal;
    int no_metadata;
    int print_xml;
    int reuse_external;
    int redefine;
    int current;
    int validate;
    int keep_filename;
    int live;
    int accepted; /* options that say what is so anyway */
} given;

struct poptOption create_option_table[] = {
    {"disk-only", '\0', POPT_ARG_NONE, &given.disk_only, 0, "external snapshots of all disks",
     NULL},
    {"external", '\0', POPT_ARG_NONE, &given.disk_only, 0, "the same", NULL},
    {"internal", '\0', POPT_ARG_NONE, &given.internal, 0,
     "internal snapshots of all disks (the default)", NULL},
    {"diskspec", '\0', POPT_ARG_ARGV, &given.diskspecs, 0,
     "what happens to one disk (repeatable, see below)", "DISK[,KEY=VALUE...]"},
    {"keep-filename", '\0', POPT_ARG_NONE, &given.keep_filename, 0,
     "the overlay takes the old name, the frozen image a new one", NULL},
    {"backing-path", '\0', POPT_ARG_STRING, &given.backing_path, 0,
     "how an overlay names its base (default auto)", "auto|relative|absolute"},
    {"overlay-options", '\0', POPT_ARG_STRING, &given.overlay_options, 0,
     "options of the new images, as for qemu-img create -o", "KEY=VALUE,..."},
    {"reuse-external", '\0', POPT_ARG_NONE, &given.reuse_external, 0,
     "the overlays are there already", NULL},
    {"no-metadata", '\0', POPT_ARG_NONE, &given.no_metadata, 0, "do not record the snapshot", NULL},
    {"xml", '\0', POPT_ARG_STRING, &given.xml, 0, "take the request from this XML (- for stdin)",
     "FILE"},
    {"xmlfile", '\0', POPT_ARG_STRING | POPT_ARGFLAG_DOC_HIDDEN, &given.xml, 0, NULL, NULL},
    {"redefine", '\0', POPT_ARG_NONE, &given.redefine, 0,
     "record the snapshot that --xml describes, touch no image", NULL},
    {"current", '\0', POPT_ARG_NONE, &given.current, 0, "with --redefine: make it the current one",
     NULL},
    {"validate", '\0', POPT_ARG_NONE, &given.validate, 0, "check the XML against the schema", NULL},
    {"print-xml", '\0', POPT_ARG_NONE, &given.print_xml, 0,
     "print the request as XML and do nothing", NULL},
    {"memspec", '\0', POPT_ARG_STRING, &given.memspec, 0,
     "memory of the VM; it is shut off, so only snapshot=no", "SPEC"},
    {"name", '\0', POPT_ARG_STRING, &given.name, 0, "name of the snapshot", "NAME"},
    {"description", '\0', POPT_ARG_STRING, &given.description, 0, "description", "TEXT"},
    {"atomic", '\0', POPT_ARG_NONE, &given.accepted, 0, "accepted: it is always so", NULL},
    {"halt", '\0', POPT_ARG_NONE, &given.accepted, 0, "accepted: the domain is halted", NULL},
    {"quiesce", '\0', POPT_ARG_NONE, &given.accepted, 0, "accepted: nothing runs", NULL},
    {"live", '\0', POPT_ARG_NONE, &given.live, 0, "refused: use virsh for a running domain", NULL},
    CLI_COMMON_OPTIONS,
};

static bool
parse_backing_path(enum backing_path *mode, GError **error)
{
    static const char *const names[] = {
        [BACKING_PATH_AUTO] = "auto",
        [BACKING_PATH_RELATIVE] = "relative",
        [BACKING_PATH_ABSOLUTE] = "absolute",
    };

    *mode = BACKING_PATH_AUTO;
    for (size_t i = 0; given.backing_path && i < G_N_ELEMENTS(names); i++) {
        if (strcmp(given.backing_path, names[i]) == 0) {
            *mode = (enum backing_path)i;
            return true;
        }
    }
    if (!given.backing_path)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "--backing-path is auto, relative or absolute, not '%s'", given.backing_path);
    return false;
}

static bool
check_combination(const struct create_options *options, GError **error)
{
    bool arguments =
        options->name || options->description || options->memspec || options->diskspecs->len > 0;
    const char *wrong = NULL;

    if (options->redefine && !options->xml)
        wrong = "--redefine takes the snapshot from --xml FILE";
    else if (options->xml && arguments)
        wrong = "--xml excludes a name, a description, --memspec and --diskspec";
    else if (options->current && !options->redefine)
        wrong = "--current goes with --redefine";
    else if (options->disk_only && options->internal)
        wrong = "--disk-only (--external) and --internal exclude each other";
    else if (options->redefine &&
             (options->no_metadata || options->reuse_external || options->keep_filename ||
              options->disk_only || options->internal))
        wrong = "--redefine touches no image and excludes --disk-only, --internal, --no-metadata, "
                "--reuse-external and --keep-filename";
    else if (options->reuse_external && (options->keep_filename || options->overlay_options))
        wrong = "--reuse-external excludes --keep-filename and --overlay-options";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, wrong);
    return !wrong;
}

/* Name, description and, as virsh has it, further --diskspecs; snapshot-create takes a file
 * instead. */
static bool
take_arguments(struct create_options *options, struct cli *cli, GError **error)
{
    if (strcmp(cli->name, "snapshot-create") == 0) {
        if (!options->xml)
            options->xml = cli_next(cli);
        return cli_check_no_more(cli, error);
    }
    if (!options->name)
        options->name = cli_next(cli);
    if (!options->description)
        options->description = cli_next(cli);
    while (strcmp(cli->name, "snapshot-create-as") == 0 && cli->arguments->len > 0)
        g_ptr_array_add(options->diskspecs, (void *)cli_next(cli));
    return cli_check_no_more(cli, error);
}

void
create_options_clear(struct create_options *options)
{
    g_clear_pointer(&options->diskspecs, g_ptr_array_unref);
}

bool
create_options_take(struct create_options *options, struct cli *cli, GError **error)
{
    *options = (struct create_options){
        .name = given.name,
        .description = given.description,
        .xml = given.xml,
        .memspec = given.memspec,
        .diskspecs = g_ptr_array_new(),
        .overlay_options = given.overlay_options,
        .disk_only = given.disk_only,
        .internal = given.internal,
        .no_metadata = given.no_metadata,
        .print_xml = given.print_xml,
        .reuse_external = given.reuse_external,
        .redefine = given.redefine,
        .current = given.current,
        .validate = given.validate,
        .keep_filename = given.keep_filename,
    };
    for (size_t i = 0; given.diskspecs && given.diskspecs[i]; i++)
        g_ptr_array_add(options->diskspecs, given.diskspecs[i]);
    if (given.live) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "--live is for running domains: use `virsh snapshot-create-as --live`");
        return false;
    }
    return parse_backing_path(&options->backing_path, error) &&
           take_arguments(options, cli, error) && check_combination(options, error);
}

/* The request that the arguments make. */
static struct snapshot_def *
request_from_arguments(const struct create_options *options, GError **error)
{
    scoped(snapshot_def) def = snapshot_def_new();

    if (options->name && !snapshot_name_check(options->name, error))
        return NULL;
    if (options->description && !text_is_xml(options->description)) {
        g_set_error(
            error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
            "the description has bytes that XML cannot hold (control characters, or no UTF-8)");
        return NULL;
    }
    def->name = g_strdup(options->name);
    def->description = g_strdup(options->description);
    if (options->memspec && !memory_spec_parse(def, options->memspec, error))
        return NULL;
    for (guint i = 0; i < options->diskspecs->len; i++) {
        struct snapshot_disk *disk =
            disk_spec_parse(g_ptr_array_index(options->diskspecs, i), error);

        if (!disk)
            return NULL;
        g_ptr_array_add(def->disks, disk);
    }
    return g_steal_pointer(&def);
}

static bool
validate(const char *text, size_t length, const char *name, GError **error)
{
    const char *directory = g_getenv("OFFSHOT_DATADIR");
    g_autofree char *schema =
        g_build_filename(directory ? directory : PKGDATADIR, "schemas", "domainsnapshot.rng", NULL);

    return snapshot_document_validate(text, length, name, schema, error);
}

struct snapshot_def *
create_options_request(const struct create_options *options, GError **error)
{
    enum snapshot_def_source source =
        options->redefine ? SNAPSHOT_DEF_REDEFINE : SNAPSHOT_DEF_REQUEST;
    scoped(snapshot_def) def = NULL;
    g_autofree char *text = NULL;
    size_t length;

    if (options->xml) {
        text = request_xml_read(options->xml, &length, error);
        if (!text || (options->validate && !validate(text, length, options->xml, error)))
            return NULL;
        return snapshot_def_parse(text, length, options->xml, source, error);
    }
    def = request_from_arguments(options, error);
    text = def && options->validate ? snapshot_def_format(def, false, error) : NULL;
    if (!def ||
        (options->validate && (!text || !validate(text, strlen(text), "the request", error))))
        return NULL;
    return g_steal_pointer(&def);
}
