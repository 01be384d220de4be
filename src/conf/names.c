/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/names.h"

#include <string.h>

#include "util/error.h"

#define NAME_BYTES_MAX 247

static const char *const location_names[] = {
    [SNAPSHOT_LOCATION_DEFAULT] = "default",   [SNAPSHOT_LOCATION_NO] = "no",
    [SNAPSHOT_LOCATION_INTERNAL] = "internal", [SNAPSHOT_LOCATION_EXTERNAL] = "external",
    [SNAPSHOT_LOCATION_MANUAL] = "manual",
};

static const char *const type_names[] = {
    [DISK_TYPE_FILE] = "file",
    [DISK_TYPE_BLOCK] = "block",
    [DISK_TYPE_DIR] = "dir",
    [DISK_TYPE_NETWORK] = "network",
    [DISK_TYPE_VOLUME] = "volume",
    [DISK_TYPE_NVME] = "nvme",
    [DISK_TYPE_VHOSTUSER] = "vhostuser",
    [DISK_TYPE_VHOSTVDPA] = "vhostvdpa",
    [DISK_TYPE_OTHER] = "other",
};

static const char *const device_names[] = {
    [DISK_DEVICE_DISK] = "disk",
    [DISK_DEVICE_CDROM] = "cdrom",
    [DISK_DEVICE_FLOPPY] = "floppy",
    [DISK_DEVICE_LUN] = "lun",
};

/* The index of NAME in TABLE (COUNT names), or -1. */
static int
index_of(const char *const *table, size_t count, const char *name)
{
    for (size_t i = 0; name && i < count; i++) {
        if (strcmp(table[i], name) == 0)
            return (int)i;
    }
    return -1;
}

const char *
snapshot_location_format(enum snapshot_location location)
{
    return location_names[location];
}

bool
snapshot_location_parse(const char *name, enum snapshot_location *location)
{
    int found = index_of(location_names, G_N_ELEMENTS(location_names), name);

    if (found < 0)
        return false;
    *location = (enum snapshot_location)found;
    return true;
}

const char *
disk_type_format(enum disk_type type)
{
    return type_names[type];
}

bool
disk_type_parse(const char *name, enum disk_type *type)
{
    /* "other" is our word, not one of XML */
    int found = index_of(type_names, DISK_TYPE_OTHER, name);

    if (found < 0)
        return false;
    *type = (enum disk_type)found;
    return true;
}

const char *
disk_device_format(enum disk_device device)
{
    return device_names[device];
}

bool
disk_device_parse(const char *name, enum disk_device *device)
{
    int found = index_of(device_names, G_N_ELEMENTS(device_names), name);

    if (found < 0)
        return false;
    *device = (enum disk_device)found;
    return true;
}

const char *
disk_type_source_attribute(enum disk_type type)
{
    switch (type) {
    case DISK_TYPE_FILE:
        return "file";
    case DISK_TYPE_BLOCK:
        return "dev";
    case DISK_TYPE_DIR:
        return "dir";
    default:
        return NULL;
    }
}

bool
text_is_xml(const char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return false;
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);

        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff)
            return false;
    }
    return true;
}

static bool
has_control_character(const char *text)
{
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        if (g_unichar_iscntrl(g_utf8_get_char(p)))
            return true;
    }
    return false;
}

/* The rule that NAME breaks, as the end of a sentence, or NULL. */
static const char *
broken_name_rule(const char *name)
{
    if (*name == '\0')
        return "must not be empty";
    if (strlen(name) > NAME_BYTES_MAX)
        return "must not be longer than 247 bytes";
    if (!g_utf8_validate(name, -1, NULL))
        return "must be valid UTF-8";
    if (has_control_character(name) || !text_is_xml(name))
        return "must not contain control characters";
    if (strchr(name, '/'))
        return "must not contain '/'";
    if (*name == '.' || *name == '-')
        return "must not begin with '.' or '-'";
    return NULL;
}

bool
snapshot_name_check(const char *name, GError **error)
{
    const char *rule = broken_name_rule(name);
    g_autofree char *shown = NULL;

    if (!rule)
        return true;
    shown = g_strescape(name, NULL);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "invalid snapshot name '%.300s': it %s",
                g_utf8_validate(name, -1, NULL) && !has_control_character(name) ? name : shown,
                rule);
    return false;
}
