/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "fuzz/fuzz.h"

#include "conf/disk-spec.h"

#include <string.h>

/* Append TEXT with its commas doubled. */
static void
append_value(GString *spec, const char *text)
{
    for (; *text; text++)
        g_string_append(spec, *text == ',' ? ",," : (const char[]){*text, '\0'});
}

/* Written out in full, the disk reads the same. */
static void
check_disk(const struct snapshot_disk *disk)
{
    g_autoptr(GString) spec = g_string_new(NULL);
    scoped(snapshot_disk) again = NULL;

    g_assert(disk->name[0] != '\0');
    g_assert(disk->type == DISK_TYPE_FILE || disk->type == DISK_TYPE_BLOCK);
    g_assert(disk->has_source == (disk->source != NULL));
    g_assert(!disk->source || g_path_is_absolute(disk->source));
    append_value(spec, disk->name);
    if (disk->snapshot != SNAPSHOT_LOCATION_DEFAULT)
        g_string_append_printf(spec, ",snapshot=%s", snapshot_location_format(disk->snapshot));
    g_string_append_printf(spec, ",stype=%s", disk_type_format(disk->type));
    if (disk->format) {
        g_string_append(spec, ",driver=");
        append_value(spec, disk->format);
    }
    if (disk->source) {
        g_string_append(spec, ",file=");
        append_value(spec, disk->source);
    }
    again = disk_spec_parse(spec->str, NULL);
    g_assert(again);
    g_assert_cmpstr(again->name, ==, disk->name);
    g_assert_cmpstr(again->source, ==, disk->source);
    g_assert_cmpstr(again->format, ==, disk->format);
    g_assert(again->snapshot == disk->snapshot && again->type == disk->type);
}

static void
check_memory(const struct snapshot_def *def)
{
    g_assert(def->memory != SNAPSHOT_LOCATION_DEFAULT && def->memory != SNAPSHOT_LOCATION_MANUAL);
    g_assert((def->memory == SNAPSHOT_LOCATION_EXTERNAL) == (def->memory_file != NULL));
    g_assert(!def->memory_file || g_path_is_absolute(def->memory_file));
}

/* The values of --diskspec and --memspec. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) disk_error = NULL;
    g_autoptr(GError) memory_error = NULL;
    scoped(snapshot_disk) disk = disk_spec_parse(text, &disk_error);
    scoped(snapshot_def) def = snapshot_def_new();
    bool memory = memory_spec_parse(def, text, &memory_error);

    g_assert(!disk == !!disk_error);
    g_assert(memory == !memory_error);
    if (disk)
        check_disk(disk);
    if (memory)
        check_memory(def);
    return 0;
}
