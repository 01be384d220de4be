/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/disk-spec.h"

#include <string.h>

#include "util/error.h"
#include "util/file.h"

/* Split TEXT at single commas; doubled ones stand for one. */
static char **
split_commas(const char *text)
{
    GPtrArray *parts = g_ptr_array_new();
    GString *part = g_string_new(NULL);

    for (const char *at = text; *at; at++) {
        if (at[0] == ',' && at[1] != ',') {
            g_ptr_array_add(parts, g_string_free(part, FALSE));
            part = g_string_new(NULL);
            continue;
        }
        if (at[0] == ',')
            at++;
        g_string_append_c(part, *at);
    }
    g_ptr_array_add(parts, g_string_free(part, FALSE));
    g_ptr_array_add(parts, NULL);
    return (char **)g_ptr_array_free(parts, FALSE);
}

static bool
set_usage(GError **error, const char *option, const char *text, const char *why)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "%s '%s': %s", option, text, why);
    return false;
}

/* The value of "KEY=value", or NULL when PART is of another key. */
static const char *
value_of(const char *part, const char *key)
{
    size_t length = strlen(key);

    return strncmp(part, key, length) == 0 && part[length] == '=' ? part + length + 1 : NULL;
}

static bool
set_path(char **path, const char *value, const char *option, const char *text, GError **error)
{
    if (*path)
        return set_usage(error, option, text, "a file is given twice");
    if (value[0] == '\0')
        return set_usage(error, option, text, "the file name is empty");
    if (!text_is_xml(value))
        return set_usage(error, option, text,
                         "the file name has bytes that XML cannot hold (control characters, or no "
                         "UTF-8)");
    *path = file_absolute(value, error);
    return *path != NULL;
}

static bool
parse_disk_part(struct snapshot_disk *disk, const char *part, const char *text, GError **error)
{
    const char option[] = "--diskspec";
    const char *value;

    if ((value = value_of(part, "snapshot"))) {
        if (disk->snapshot == SNAPSHOT_LOCATION_DEFAULT &&
            snapshot_location_parse(value, &disk->snapshot) &&
            disk->snapshot != SNAPSHOT_LOCATION_DEFAULT)
            return true;
        return set_usage(error, option, text, "snapshot= is no, internal, external or manual");
    }
    if ((value = value_of(part, "stype"))) {
        if (disk_type_parse(value, &disk->type) &&
            (disk->type == DISK_TYPE_FILE || disk->type == DISK_TYPE_BLOCK)) {
            disk->type_implied = false;
            return true;
        }
        return set_usage(error, option, text, "stype= is file or block");
    }
    if ((value = value_of(part, "driver"))) {
        if (disk->format || value[0] == '\0')
            return set_usage(error, option, text, "driver= takes one format");
        disk->format = g_strdup(value);
        return true;
    }
    if ((value = value_of(part, "file")))
        return set_path(&disk->source, value, option, text, error);
    return set_usage(
        error, option, text,
        "after the disk come snapshot=, driver=, stype= or file=; a comma in a value is "
        "doubled");
}

struct snapshot_disk *
disk_spec_parse(const char *text, GError **error)
{
    g_auto(GStrv) parts = split_commas(text);
    scoped(snapshot_disk) disk = snapshot_disk_new(parts[0]);

    if (parts[0][0] == '\0' || !text_is_xml(parts[0])) {
        set_usage(error, "--diskspec", text, "it begins with the name of a disk");
        return NULL;
    }
    disk->type_implied = true;
    for (size_t i = 1; parts[i]; i++) {
        if (!parse_disk_part(disk, parts[i], text, error))
            return NULL;
    }
    disk->has_source = disk->source != NULL;
    disk->implied = disk->snapshot == SNAPSHOT_LOCATION_DEFAULT && (disk->source || disk->format);
    if (disk->implied)
        disk->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
    return g_steal_pointer(&disk);
}

bool
memory_spec_parse(struct snapshot_def *def, const char *text, GError **error)
{
    const char option[] = "--memspec";
    g_auto(GStrv) parts = split_commas(text);

    for (size_t i = 0; parts[i]; i++) {
        const char *value = value_of(parts[i], "snapshot");

        if (value) {
            if (!snapshot_location_parse(value, &def->memory) ||
                def->memory == SNAPSHOT_LOCATION_DEFAULT || def->memory == SNAPSHOT_LOCATION_MANUAL)
                return set_usage(error, option, text, "snapshot= is no, internal or external");
            continue;
        }
        value = value_of(parts[i], "file");
        if (!value && i == 0)
            value = parts[i];
        if (!value)
            return set_usage(error, option, text, "it is [file=]PATH[,snapshot=…]");
        if (!set_path(&def->memory_file, value, option, text, error))
            return false;
    }
    def->memory_implied = def->memory == SNAPSHOT_LOCATION_DEFAULT && def->memory_file;
    if (def->memory_implied)
        def->memory = SNAPSHOT_LOCATION_EXTERNAL;
    if ((def->memory == SNAPSHOT_LOCATION_EXTERNAL) != (def->memory_file != NULL))
        return set_usage(error, option, text,
                         "external memory needs a file, and only that has one");
    return true;
}
