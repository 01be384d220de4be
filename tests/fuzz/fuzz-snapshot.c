/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "conf/snapshot-align.h"
#include "conf/snapshot-def.h"
#include "fuzz/fuzz.h"

static struct snapshot_def *
parse(const char *text, enum snapshot_def_source source)
{
    GError *error = NULL;
    struct snapshot_def *def = snapshot_def_parse(text, strlen(text), "output", source, &error);

    if (!def) {
        g_printerr("%s\n%s", error->message, text);
        abort();
    }
    return def;
}

static void
check_same(const struct snapshot_def *one, const struct snapshot_def *two)
{
    g_assert_cmpstr(one->name, ==, two->name);
    g_assert_cmpstr(one->description, ==, two->description);
    g_assert_cmpstr(one->state, ==, two->state);
    g_assert_cmpstr(one->parent, ==, two->parent);
    g_assert_cmpstr(one->memory_file, ==, two->memory_file);
    g_assert_cmpstr(one->cookie, ==, two->cookie);
    g_assert(one->creation_time == two->creation_time && one->memory == two->memory);
    g_assert(one->unknown->len == two->unknown->len);
    g_assert(one->disks->len == two->disks->len);
    g_assert(one->revert_disks->len == two->revert_disks->len);
    g_assert(!one->domain == !two->domain && !one->inactive_domain == !two->inactive_domain);
    for (unsigned i = 0; i < one->disks->len; i++) {
        const struct snapshot_disk *left = g_ptr_array_index(one->disks, i);
        const struct snapshot_disk *right = g_ptr_array_index(two->disks, i);

        g_assert_cmpstr(left->name, ==, right->name);
        g_assert_cmpstr(left->source, ==, right->source);
        g_assert_cmpstr(left->format, ==, right->format);
        g_assert(left->snapshot == right->snapshot && left->has_source == right->has_source);
    }
}

/* What is formatted reads the same again. From the second time on it keeps every byte: an element
 * that is more than we know of keeps its spelling, until there is nothing left of that.
 */
static void
check_format(const struct snapshot_def *def, enum snapshot_def_source source)
{
    bool stored = source == SNAPSHOT_DEF_STORED;
    g_autofree char *text = snapshot_def_format(def, stored, NULL);
    g_autofree char *second = NULL;
    g_autofree char *third = NULL;
    scoped(snapshot_def) again = NULL;
    scoped(snapshot_def) settled = NULL;

    if (!text) /* the limits of size were reached */
        return;
    again = parse(text, source);
    check_same(def, again);
    second = snapshot_def_format(again, stored, NULL);
    settled = parse(second, source);
    check_same(def, settled);
    third = snapshot_def_format(settled, stored, NULL);
    g_assert_cmpstr(third, ==, second);
}

/* Changes are seen when the result is read, and nothing else changes. */
static void
check_rewrite(const struct snapshot_def *def)
{
    const struct snapshot_disk *disk =
        def->disks->len > 0 ? g_ptr_array_index(def->disks, 0) : NULL;
    const char *path = disk ? disk->source : NULL;
    const struct snapshot_def_change nothing = {.active = -1};
    const struct snapshot_def_move move = {path, "/new 'path'", "raw", true, DISK_TYPE_BLOCK};
    const struct snapshot_def_change change = {.active = !def->active,
                                               .set_parent = true,
                                               .parent = "the <new> parent",
                                               .moves = &move,
                                               .move_count = path ? 1 : 0};
    const struct snapshot_def_change root = {.active = -1, .set_parent = true};
    g_autofree char *same = snapshot_def_rewrite(def, &nothing, NULL);
    g_autofree char *text = snapshot_def_rewrite(def, &change, NULL);
    g_autofree char *orphan = snapshot_def_rewrite(def, &root, NULL);
    scoped(snapshot_def) changed = NULL;
    scoped(snapshot_def) rootless = parse(orphan, SNAPSHOT_DEF_STORED);

    g_assert_cmpstr(same, ==, def->document);
    g_assert(!rootless->parent);
    if (!text)
        return;
    changed = parse(text, SNAPSHOT_DEF_STORED);
    g_assert(changed->active != def->active);
    g_assert_cmpstr(changed->parent, ==, change.parent);
    g_assert_cmpstr(changed->name, ==, def->name);
    if (path && strcmp(path, move.new_path) != 0)
        g_assert(!snapshot_def_names_path(changed, path) &&
                 snapshot_def_names_path(changed, move.new_path));
}

/* Lists of disks that say the same change nothing; others are read as they were given. */
static void
check_lists(const struct snapshot_def *def)
{
    const struct snapshot_def_change same = {.active = -1,
                                             .disks = def->disks,
                                             .revert_disks = def->revert_disks};
    const struct snapshot_def_change swapped = {.active = -1,
                                                .disks = def->revert_disks,
                                                .revert_disks = def->disks};
    g_autofree char *text = snapshot_def_rewrite(def, &same, NULL);
    g_autofree char *changed = snapshot_def_rewrite(def, &swapped, NULL);
    scoped(snapshot_def) again = NULL;
    scoped(snapshot_def) expected = snapshot_def_copy(def);
    GPtrArray *disks = expected->disks;

    if (def->disks->len > 0 && def->revert_disks->len > 0)
        g_assert_cmpstr(text, ==, def->document);
    if (!changed)
        return;
    again = parse(changed, SNAPSHOT_DEF_STORED);
    expected->disks = expected->revert_disks;
    expected->revert_disks = disks;
    g_assert(again->disks->len == expected->disks->len);
    g_assert(again->revert_disks->len == expected->revert_disks->len);
}

static void
check_dump(const struct snapshot_def *def)
{
    g_autofree char *text = snapshot_def_dump(def);
    scoped(snapshot_def) dumped = NULL;

    if (!def->domain)
        return;
    dumped = parse(text, SNAPSHOT_DEF_REDEFINE);
    g_assert(!dumped->has_active);
    check_same(def, dumped);
}

static void
check_align(struct snapshot_def *def)
{
    if (!def->domain ||
        !snapshot_def_align_disks(def, def->domain, SNAPSHOT_LOCATION_EXTERNAL, NULL))
        return;
    g_assert(def->disks->len == def->domain->disks->len);
    for (unsigned i = 0; i < def->disks->len; i++) {
        struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        if (disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL || disk->has_source)
            continue;
        disk->type = DISK_TYPE_BLOCK;
        disk->source = snapshot_overlay_name("/dev/vg/disk", "s1");
        disk->has_source = true;
        g_free(disk->format);
        disk->format = g_strdup("qcow2");
    }
    check_format(def, SNAPSHOT_DEF_STORED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int source = SNAPSHOT_DEF_REQUEST; source <= SNAPSHOT_DEF_STORED; source++) {
        g_autoptr(GError) error = NULL;
        scoped(snapshot_def) def =
            snapshot_def_parse((const char *)data, size, "input", source, &error);

        g_assert(!def == !!error);
        if (!def)
            continue;
        check_format(def, source);
        snapshot_def_location(def);
        if (source == SNAPSHOT_DEF_STORED) {
            check_rewrite(def);
            check_lists(def);
            check_dump(def);
            check_align(def);
        }
    }
    return 0;
}
