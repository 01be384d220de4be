/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/start.h"

#include <glib/gstdio.h>

#include "model/content.h"
#include "model/observe.h"

static const char *const name_formats[] = {"s%u", "s%u", "s%u", "%ux", "n %u", "a,%u", "v1.%u"};
static const char *const file_formats[] = {"%s.qcow2", "%s.qcow2", "%s", "disk %s.img", "%s,x.q"};

/* Take the character of the seed out of its numbers. */
static void
choose_character(struct run *run)
{
    static const char *const links[] = {NULL, NULL, "relative", "absolute"};
    guint keep = rng_below(&run->rng, 10);

    run->keep_filename = keep < 3;
    run->keep_at_times = keep == 9;
    run->has_clones = rng_percent(&run->rng, 20);
    run->forgets = rng_percent(&run->rng, 10);
    run->resizes = rng_percent(&run->rng, 30);
    run->name_format = name_formats[rng_below(&run->rng, G_N_ELEMENTS(name_formats))];
    run->backing_path = links[rng_below(&run->rng, G_N_ELEMENTS(links))];
}

static void
make_image(struct run *run, const char *path, const char *format, guint grains, const char *base)
{
    g_autoptr(GPtrArray) argv = argv_new("qemu-img", "create", "-q", "-f", format, NULL);

    if (base) {
        argv_add(argv, "-b");
        argv_add(argv, "%s", base);
        argv_add(argv, "-F");
        argv_add(argv, "qcow2");
    }
    argv_add(argv, "--");
    argv_add(argv, "%s", path);
    argv_add(argv, "%u", grains * GRAIN);
    run_tool(run, argv);
}

/* A disk that stands on a base which is not the domain's. */
static void
make_on_template(struct run *run, struct model_disk *disk)
{
    g_autofree char *base = g_strdup_printf("%s/%s.base", run->templates, disk->target);
    guint index = disk - run->model->disks;

    make_image(run, base, "qcow2", disk->content->len, NULL);
    run_write(run, index, base, "qcow2");
    model_add_foreign(run->model, base, content_copy(disk->content));
    make_image(run, disk->original, "qcow2", disk->content->len, base);
}

static void
make_disk(struct run *run, guint index, const char *file_format)
{
    struct model_disk *disk = &run->model->disks[index];
    bool raw = !run->keep_filename && rng_percent(&run->rng, 15);
    bool nested = rng_percent(&run->rng, 15);
    guint grains = 128 + rng_below(&run->rng, 128);
    g_autofree char *file = NULL;

    disk->target = g_strdup_printf("vd%c", 'a' + (int)index);
    file = text_replace(file_format, "%s", disk->target);
    disk->original =
        g_build_filename(run->directory, nested ? "disks" : file, nested ? file : NULL, NULL);
    disk->content = g_byte_array_new();
    g_byte_array_set_size(disk->content, grains);
    memset(disk->content->data, 0, grains);
    if (!raw && rng_percent(&run->rng, 15))
        make_on_template(run, disk);
    else
        make_image(run, disk->original, raw ? "raw" : "qcow2", grains, NULL);
    run_write(run, index, disk->original, raw ? "raw" : "qcow2");
}

static void
write_domain(struct run *run)
{
    g_autoptr(GString) text = g_string_new(START_COMMENT "\n<domain type='qemu'>\n");
    g_autoptr(GError) error = NULL;

    g_string_append_printf(text,
                           "  <name>vm</name>\n"
                           "  <uuid>5bce98f7-3f3e-40c8-87f2-729ed9509b38</uuid>\n"
                           "  <title>%s</title>\n  <memory unit='KiB'>65536</memory>\n"
                           "  <os>\n    <type arch='x86_64' machine='pc'>hvm</type>\n  </os>\n"
                           "  <devices>\n",
                           run->model->title);
    for (guint i = 0; i < run->model->disk_count; i++) {
        const struct model_disk *disk = &run->model->disks[i];

        g_string_append_printf(text,
                               "    <disk type='file' device='disk'>\n"
                               "      <driver name='qemu' type='%s'/>\n"
                               "      <source file='%s'/>\n"
                               "      <target dev='%s' bus='virtio'/>\n    </disk>\n",
                               content_format(run, disk->original), disk->original, disk->target);
    }
    g_string_append(text, "  </devices>\n</domain>\n");
    if (!g_file_set_contents(run->xml, text->str, text->len, &error))
        run_fault(run, "%s", error->message);
}

static void
make_directories(struct run *run, const char *directory)
{
    g_autofree char *nested = g_build_filename(directory, "vm", "disks", NULL);

    run->directory = g_build_filename(directory, "vm", NULL);
    run->scratch = g_build_filename(directory, "scratch", NULL);
    run->templates = g_build_filename(directory, "templates", NULL);
    run->xml = g_build_filename(run->directory, "vm.xml", NULL);
    if (g_mkdir_with_parents(nested, 0755) < 0 || g_mkdir(run->scratch, 0755) < 0 ||
        g_mkdir(run->templates, 0755) < 0)
        run_fault(run, "cannot make directories in '%s'", directory);
}

struct run *
run_start(const char *offshot, const char *directory, guint seed)
{
    struct run *run = g_new0(struct run, 1);
    const char *file_format;

    run->seed = seed;
    run->offshot = offshot;
    run->model = model_new();
    run->contents = content_cache_new();
    run->excused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    run->log = g_string_new(NULL);
    rng_init(&run->rng, seed);
    make_directories(run, directory);
    choose_character(run);
    file_format = file_formats[rng_below(&run->rng, G_N_ELEMENTS(file_formats))];
    run->model->disk_count = 1 + rng_below(&run->rng, DISKS_MAX);
    run->model->all_kept = run->keep_filename;
    for (guint i = 0; i < run->model->disk_count; i++)
        make_disk(run, i, file_format);
    write_domain(run);
    run->seen = observe(run);
    return run;
}

void
run_free(struct run *run)
{
    model_free(run->model);
    g_clear_pointer(&run->seen, seen_free);
    g_hash_table_unref(run->contents);
    g_hash_table_unref(run->excused);
    g_string_free(run->log, TRUE);
    g_free(run->directory);
    g_free(run->scratch);
    g_free(run->templates);
    g_free(run->xml);
    g_free(run);
}

void
run_write(struct run *run, guint disk, const char *path, const char *format)
{
    GByteArray *content = run->model->disks[disk].content;
    g_autoptr(GPtrArray) argv = argv_new("qemu-io", "-f", format, NULL);
    guint writes = 1 + rng_below(&run->rng, 3);

    for (guint i = 0; i < writes; i++) {
        guint at = rng_below(&run->rng, content->len);
        guint length = 1 + rng_below(&run->rng, rng_percent(&run->rng, 10) ? 64 : 6);
        bool zero = rng_percent(&run->rng, 10);

        length = MIN(length, content->len - at);
        run->value = run->value % 255 + 1;
        argv_add(argv, "-c");
        if (zero)
            argv_add(argv, "write -z %u %u", at * GRAIN, length * GRAIN);
        else
            argv_add(argv, "write -P %u %u %u", run->value, at * GRAIN, length * GRAIN);
        memset(content->data + at, zero ? 0 : (int)run->value, length);
    }
    argv_add(argv, "%s", path);
    run_tool(run, argv);
}
