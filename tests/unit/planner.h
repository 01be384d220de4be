/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/format.h"
#include "load/state.h"
#include "txn/plan.h"
#include "unit/unit.h"

/* What planners are given, built by hand: a domain, its images and its snapshots, without a file.
 */

#define PLANNER_UUID "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define PLANNER_DISK(target, type, path)                                                           \
    "<disk type='file' device='disk'><driver name='qemu' type='" type "'/><source file='" path     \
    "'/><target dev='" target "'/></disk>"

struct planner {
    struct domain_location location;
    struct state state;
    GPtrArray *images; /* of struct image */
};

static inline void
planner_free_image(gpointer image)
{
    image_header_clear(&((struct image *)image)->header);
    g_free(((struct image *)image)->path);
    g_free(image);
}

static inline void
planner_free_file(gpointer file)
{
    g_free(((struct snapshot_file *)file)->path);
    g_free(file);
}

/* Domain "vm" with <devices>DISKS</devices>; the store is "/d/vm.snapshots" and holds nothing. */
static inline void
planner_init(struct planner *planner, const char *disks)
{
    g_autofree char *text = g_strdup_printf("<domain type='qemu'><name>vm</name><uuid>" PLANNER_UUID
                                            "</uuid><devices>%s</devices></domain>",
                                            disks);
    g_autoptr(GError) error = NULL;
    struct snapshot_store *store = g_new0(struct snapshot_store, 1);

    /* What is not set below would else pass with a complaint of GLib's. */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL);
    *planner = (struct planner){
        .location = {.xml = (char *)"/d/vm.xml",
                     .store = (char *)"/d/vm.snapshots",
                     .state = (char *)"/d/.vm.offshot"},
        .images = g_ptr_array_new_with_free_func(planner_free_image),
    };
    store->directory = g_strdup("/d/vm.snapshots");
    store->exists = true;
    store->tree = snapshot_tree_new();
    store->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, planner_free_file);
    store->problems = g_ptr_array_new_with_free_func(g_free);
    planner->state = (struct state){
        .location = &planner->location,
        .domain = domain_def_parse(text, strlen(text), "vm.xml", &error),
        .domain_identity = {1, 100, 1000, 10000},
        .snapshots = store,
        .missing = g_ptr_array_new_with_free_func(g_free),
        .disks = g_array_new(FALSE, TRUE, sizeof(struct state_disk)),
        .overlays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .token = g_strdup("TOKEN"),
        .now = 1795378938,
    };
    unit_assert_ok(planner->state.domain != NULL, error);
    for (guint i = 0; i < planner->state.domain->disks->len; i++) {
        struct state_disk disk = {.def = g_ptr_array_index(planner->state.domain->disks, i)};

        g_array_append_val(planner->state.disks, disk);
    }
}

static inline void
planner_clear(struct planner *planner)
{
    struct state *state = &planner->state;

    for (guint i = 0; i < state->disks->len; i++)
        g_clear_error(&g_array_index(state->disks, struct state_disk, i).error);
    g_array_unref(state->disks);
    g_hash_table_unref(state->overlays);
    g_hash_table_unref(state->directories);
    g_hash_table_unref(state->aliases);
    g_ptr_array_unref(state->missing);
    snapshot_store_free(state->snapshots);
    domain_def_free(state->domain);
    g_free(state->token);
    g_ptr_array_unref(planner->images);
}

/* The store is not there yet. */
static inline void
planner_drop_store(struct planner *planner)
{
    planner->state.snapshots->exists = false;
    g_ptr_array_add(planner->state.missing, g_strdup("/d/vm.snapshots"));
}

/* A new image PATH of FORMAT (qemu's name) on BACKING (may be NULL). */
static inline struct image *
planner_image(struct planner *planner, const char *path, const char *format, struct image *backing)
{
    struct image *image = g_new0(struct image, 1);

    image->path = g_strdup(path);
    image->format = image_format_find_qemu(format);
    ck_assert_ptr_nonnull(image->format);
    image->identity = (struct file_identity){1, 200 + planner->images->len, 196616, 5, 0};
    image->size = 1024 * 1024;
    image->allocated = 196608;
    image->links = 1;
    image->writable = true;
    image->header.cluster_size = strcmp(format, "qcow2") == 0 ? 65536 : 0;
    image->backing = backing;
    image->depth = backing ? backing->depth + 1 : 1;
    g_ptr_array_add(planner->images, image);
    return image;
}

static inline struct state_disk *
planner_disk(struct planner *planner, const char *target)
{
    for (guint i = 0; i < planner->state.disks->len; i++) {
        struct state_disk *disk = &g_array_index(planner->state.disks, struct state_disk, i);

        if (strcmp(disk->def->target, target) == 0)
            return disk;
    }
    ck_abort_msg("no disk %s", target);
    return NULL;
}

/* Give every disk that has a path an image of the format that the domain XML says. */
static inline void
planner_give_images(struct planner *planner)
{
    for (guint i = 0; i < planner->state.disks->len; i++) {
        struct state_disk *disk = &g_array_index(planner->state.disks, struct state_disk, i);
        const struct image_format *format = image_format_find_libvirt(disk->def->format);

        if (!disk->def->source || !format)
            continue;
        disk->image = planner_image(planner, disk->def->source, format->qemu, NULL);
        ((struct image *)disk->image)->block = disk->def->type == DISK_TYPE_BLOCK;
    }
}

/* Store a snapshot; DISKS goes into its <domain>. PARENT may be NULL. */
static inline void
planner_store(struct planner *planner, const char *name, const char *parent, const char *state,
              bool active, const char *disks)
{
    g_autofree char *link =
        parent ? g_strdup_printf("<parent><name>%s</name></parent>", parent) : g_strdup("");
    g_autofree char *text = g_strdup_printf(
        "<domainsnapshot><name>%s</name><state>%s</state>%s<creationTime>1</creationTime>"
        "<memory snapshot='no'/><domain type='qemu'><name>vm</name><uuid>" PLANNER_UUID
        "</uuid><devices>%s</devices></domain><active>%d</active></domainsnapshot>",
        name, state, link, disks, active);
    struct snapshot_file *file = g_new0(struct snapshot_file, 1);
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def =
        snapshot_def_parse(text, strlen(text), name, SNAPSHOT_DEF_STORED, &error);

    unit_assert_ok(def != NULL, error);
    unit_assert_ok(snapshot_tree_add(planner->state.snapshots->tree, def, &error), error);
    file->path = g_strdup_printf("/d/vm.snapshots/%s.xml", name);
    file->identity = (struct file_identity){1, 300, 2000, 7, 0};
    g_hash_table_insert(planner->state.snapshots->files, g_strdup(name), file);
}

/* After the last planner_store(). */
static inline void
planner_link(struct planner *planner)
{
    snapshot_tree_link(planner->state.snapshots->tree, planner->state.snapshots->problems);
    ck_assert_uint_eq(planner->state.snapshots->problems->len, 0);
}

static inline void
planner_format_steps(GString *text, const char *phase, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        g_string_append_printf(text, "%s %u %s %s%s%s%s%s\n", phase, step->rank,
                               step_kind_name(step->kind), step->path, step->source ? " <- " : "",
                               step->source ? step->source : "", step->like ? " like " : "",
                               step->like ? step->like : "");
    }
}

/* TEXT without the numbers that make temporary names differ. Free with g_free(). */
static inline char *
planner_plain(const char *text)
{
    g_autoptr(GRegex) number = g_regex_new("TOKEN[0-9]+", 0, 0, NULL);

    return g_regex_replace_literal(number, text, -1, 0, "TOKEN", 0, NULL);
}

/* The steps of PLAN, one a line. Every new file has a name of its own. Free with g_free(). */
static inline char *
planner_steps(const struct plan *plan)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(plan->prepare, i);

        if (step->kind != STEP_TAKE_TAG && step->kind != STEP_APPLY_TAG)
            ck_assert_msg(g_hash_table_add(seen, step->path), "made twice: %s", step->path);
    }
    planner_format_steps(text, "prepare", plan->prepare);
    planner_format_steps(text, "apply", plan->apply);
    return planner_plain(text->str);
}

/* The checks of PLAN, one a line. Free with g_free(). */
static inline char *
planner_checks(const struct plan *plan)
{
    static const char *const names[] = {"absent",    "unchanged", "lock",  "exclusive",
                                        "unwritten", "space",     "blank", "install"};
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);

        g_string_append_printf(text, "%s %s\n", names[check->kind], check->path);
    }
    return g_string_free(text, FALSE);
}

/* The step of PLAN whose path is PATH; there must be one. */
static inline const struct step *
planner_step(const struct plan *plan, const char *path)
{
    const GPtrArray *phases[] = {plan->prepare, plan->apply};

    for (size_t phase = 0; phase < G_N_ELEMENTS(phases); phase++) {
        for (guint i = 0; i < phases[phase]->len; i++) {
            const struct step *step = g_ptr_array_index(phases[phase], i);

            if (strcmp(step->path, path) == 0)
                return step;
        }
    }
    ck_abort_msg("no step for %s", path);
    return NULL;
}
