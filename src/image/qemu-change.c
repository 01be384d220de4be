/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <jansson.h>
#include <string.h>

#include "image/qemu-argv.h"
#include "image/qemu-img.h"

/* The programs that change an image, or copy one out. */

static const char *
protocol(const struct qemu_img_target *image)
{
    return image->block ? "host_device" : "file";
}

/* IMAGE by itself, without its backing chain, as a json: name. */
static char *
json_name(const struct qemu_img_target *image)
{
    g_autofree char *path = g_utf8_make_valid(image->path, -1);
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:n}", "driver", image->format, "file", "driver",
                  protocol(image), "filename", path, "locking", "off", "backing");
    g_autofree char *text = json_dumps(root, JSON_COMPACT);
    char *name = g_strconcat("json:", text, NULL);

    json_decref(root);
    return name;
}

char *
qemu_img_overridden_name(const struct qemu_img_target *image, const struct qemu_img_target *below)
{
    json_t *root =
        json_pack("{s:{s:s, s:{s:s, s:s}}, s:s, s:{s:s, s:s}}", "backing", "driver", below->format,
                  "file", "driver", protocol(below), "filename", below->path, "driver",
                  image->format, "file", "driver", protocol(image), "filename", image->path);
    g_autofree char *text = root ? json_dumps(root, JSON_ENSURE_ASCII) : NULL;

    json_decref(root);
    return text ? g_strconcat("json:", text, NULL) : NULL;
}

/* Allow to read what lies below IMAGE; the image itself is named by the arguments. */
static void
allow_below(struct sandbox *sandbox, const struct image *image)
{
    for (image = image ? image->backing : NULL; image; image = image->backing)
        sandbox_allow(sandbox, image->path, SANDBOX_READ);
}

/* TEXT as the value of a key of --image-opts and the like. */
static char *
option_value(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);

    return g_strjoinv(",,", parts);
}

/* IMAGE for --image-opts, locking off in it and in DEPTH images below. */
static char *
image_options(const struct qemu_img_target *image, unsigned depth)
{
    g_autofree char *path = option_value(image->path);
    g_autoptr(GString) below = g_string_new(NULL);
    GString *text = g_string_new(NULL);

    g_string_printf(text, "driver=%s,file.driver=%s,file.filename=%s,file.locking=off",
                    image->format, protocol(image), path);
    for (unsigned i = 0; i < depth; i++) {
        g_string_append(below, "backing.");
        g_string_append_printf(text, ",%sfile.locking=off", below->str);
    }
    return g_string_free(text, FALSE);
}

char **
qemu_img_snapshot_argv(const struct qemu_img_target *image, char verb, const char *tag,
                       struct sandbox *sandbox)
{
    const char option[] = {'-', verb, '\0'};
    g_autofree char *name = json_name(image);
    GPtrArray *argv = g_ptr_array_new();

    ARGV_ADD(argv, "qemu-img", "snapshot", "-q", option, tag, "--", name);
    sandbox_allow(sandbox, image->path, SANDBOX_WRITE);
    return argv_finish(argv);
}

char **
qemu_img_repair_argv(const struct qemu_img_target *image, struct sandbox *sandbox)
{
    g_autofree char *name = json_name(image);
    GPtrArray *argv = g_ptr_array_new();

    ARGV_ADD(argv, "qemu-img", "check", "-q", "-r", "all", "--", name);
    sandbox_allow(sandbox, image->path, SANDBOX_WRITE);
    return argv_finish(argv);
}

char **
qemu_img_compare_argv(const struct qemu_img_target *one, const struct qemu_img_target *other,
                      struct sandbox *sandbox)
{
    GPtrArray *argv = g_ptr_array_new();

    /* not -q: what it says is more than an exit status */
    ARGV_ADD(argv, "qemu-img", "compare", "-U", "-f", one->format, "-F", other->format);
    ARGV_ADD(argv, "--", one->path, other->path);
    sandbox_allow(sandbox, one->path, SANDBOX_READ);
    allow_below(sandbox, one->chain);
    sandbox_allow(sandbox, other->path, SANDBOX_READ);
    allow_below(sandbox, other->chain);
    return argv_finish(argv);
}

char **
qemu_img_rebase_argv(const struct qemu_img_target *image, const struct rebase_spec *spec,
                     struct sandbox *sandbox)
{
    g_autofree char *options = image_options(image, 0);
    GPtrArray *argv = g_ptr_array_new();

    ARGV_ADD(argv, "qemu-img", "rebase", spec->progress ? "-p" : "-q");
    if (spec->unsafe)
        ARGV_ADD(argv, "-u");
    if (spec->backing && spec->backing_format)
        ARGV_ADD(argv, "-F", spec->backing_format);
    ARGV_ADD(argv, "-b", spec->backing ? spec->backing : "", "--image-opts", "--", options);
    sandbox_allow(sandbox, image->path, SANDBOX_WRITE);
    allow_below(sandbox, image->chain);
    if (spec->base)
        sandbox_allow(sandbox, spec->base->path, SANDBOX_READ);
    allow_below(sandbox, spec->base);
    return argv_finish(argv);
}

/* KEY=VALUE of the image LEVEL links below, at the end of the options of ARGV. */
static void
add_below(char **argv, unsigned level, const char *key, const char *value)
{
    char **options = &argv[g_strv_length(argv) - 1];
    GString *text = g_string_new(*options);

    g_string_append_c(text, ',');
    for (unsigned i = 0; i < level; i++)
        g_string_append(text, "backing.");
    g_string_append_printf(text, "%s=%s", key, value);
    g_free(*options);
    *options = g_string_free(text, FALSE);
}

void
qemu_img_name_below(char **argv, unsigned level, const struct qemu_img_target *image)
{
    g_autofree char *path = option_value(image->path);

    add_below(argv, level, "driver", image->format);
    add_below(argv, level, "file.driver", protocol(image));
    add_below(argv, level, "file.filename", path);
}

/* A commit reads all images of the chain and writes to two: the one that gets the data is not
 * allowed by its path where it has another name.
 */
static void
allow_commit(struct sandbox *sandbox, const struct qemu_img_target *image,
             const struct commit_spec *spec)
{
    const struct image *below = image->chain ? image->chain->backing : NULL;

    sandbox_allow(sandbox, image->path, SANDBOX_WRITE);
    for (unsigned depth = 1; below; depth++, below = below->backing) {
        if (depth != spec->depth)
            sandbox_allow(sandbox, below->path, SANDBOX_READ);
        else
            sandbox_allow(sandbox, spec->into ? spec->into->path : below->path, SANDBOX_WRITE);
    }
}

char **
qemu_img_commit_argv(const struct qemu_img_target *image, const struct commit_spec *spec,
                     struct sandbox *sandbox)
{
    g_autofree char *options = image_options(image, spec->depth);
    GPtrArray *argv = g_ptr_array_new();
    char **words;

    ARGV_ADD(argv, "qemu-img", "commit", spec->progress ? "-p" : "-q", "-d");
    if (spec->base)
        ARGV_ADD(argv, "-b", spec->base);
    ARGV_ADD(argv, "--image-opts", "--", options);
    words = argv_finish(argv);
    if (spec->into)
        qemu_img_name_below(words, spec->depth, spec->into);
    allow_commit(sandbox, image, spec);
    return words;
}

void
qemu_img_share_below(char **argv, unsigned level)
{
    add_below(argv, level, "force-share", "on");
}

char **
qemu_img_share_base(char **argv)
{
    guint count = g_strv_length(argv);

    argv = g_renew(char *, argv, count + 2);
    memmove(argv + 4, argv + 3, (count - 2) * sizeof(*argv));
    argv[3] = g_strdup("-U");
    return argv;
}

char **
qemu_img_convert_argv(const struct convert_spec *spec, struct sandbox *sandbox)
{
    GPtrArray *argv = g_ptr_array_new();

    ARGV_ADD(argv, "qemu-img", "convert", spec->progress ? "-p" : "-q");
    if (spec->compress)
        ARGV_ADD(argv, "-c");
    ARGV_ADD(argv, "-f", spec->format, "-O", spec->target_format);
    if (spec->tag_name) {
        g_autofree char *id = option_value(spec->tag_id);
        g_autofree char *name = option_value(spec->tag_name);
        g_autofree char *tag = g_strdup_printf("snapshot.id=%s,snapshot.name=%s", id, name);

        ARGV_ADD(argv, "-l", tag);
    }
    ARGV_ADD(argv, "--", spec->source, spec->target);
    sandbox_allow(sandbox, spec->source, SANDBOX_READ);
    allow_below(sandbox, spec->chain);
    sandbox_allow(sandbox, spec->target, SANDBOX_WRITE);
    return argv_finish(argv);
}
