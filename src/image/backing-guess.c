/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/backing-guess.h"

#include <jansson.h>
#include <string.h>

#include "image/backing.h"
#include "image/header.h"
#include "util/error.h"
#include "util/scope.h"

#define FIRST_READ 4096

/* How deep protocols and filters may be nested in a json: name. */
#define JSON_DEPTH 8

/* Whether NAME, a protocol up to a ":" or "+" or the whole of it, goes over the network. */
static bool
is_remote(const char *name)
{
    static const char *const protocols[] = {"ftp",  "ftps", "gluster", "http", "https",    "iscsi",
                                            "iser", "nbd",  "nfs",     "rbd",  "sheepdog", "ssh"};
    size_t length = strcspn(name, ":+");

    for (size_t i = 0; i < G_N_ELEMENTS(protocols); i++) {
        if (strlen(protocols[i]) == length && strncmp(name, protocols[i], length) == 0)
            return true;
    }
    return false;
}

/* The file name within OPTIONS, which are spelt with dots or as objects; not what they say of the
 * layer below that file. Borrowed.
 */
static const char *
json_filename(json_t *options, unsigned depth)
{
    const char *key;
    json_t *value;
    const char *found = NULL;

    json_object_foreach (options, key, value) {
        if (g_str_has_prefix(key, "backing"))
            continue;
        if (json_is_string(value) &&
            (strcmp(key, "filename") == 0 || g_str_has_suffix(key, ".filename")))
            found = json_string_value(value);
        else if (json_is_object(value) && depth > 0)
            found = json_filename(value, depth - 1);
        if (found)
            break;
    }
    return found;
}

/* Whether OPTIONS go over the network. */
static bool
json_is_remote(json_t *options, unsigned depth)
{
    const char *key;
    json_t *value;

    json_object_foreach (options, key, value) {
        if (g_str_has_prefix(key, "backing"))
            continue;
        if (json_is_string(value) &&
            (strcmp(key, "driver") == 0 || g_str_has_suffix(key, ".driver")) &&
            is_remote(json_string_value(value)))
            return true;
        if (json_is_object(value) && depth > 0 && json_is_remote(value, depth - 1))
            return true;
    }
    return false;
}

/* Whether OPTIONS say what the layer below the file stands on, whatever its header says: then there
 * are several files.
 */
static bool
json_overrides_backing(json_t *options, unsigned depth)
{
    const char *key;
    json_t *value;

    json_object_foreach (options, key, value) {
        if ((g_str_has_prefix(key, "backing") || strstr(key, ".backing")) && !json_is_null(value))
            return true;
        if (json_is_object(value) && depth > 0 && json_overrides_backing(value, depth - 1))
            return true;
    }
    return false;
}

static char *
name_resolve(const char *path, const char *name, GError **error)
{
    static const char *const prefixes[] = {"file:", "host_device:", "host_cdrom:"};

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        if (g_str_has_prefix(name, prefixes[i]))
            return backing_string_resolve(path, name + strlen(prefixes[i]), error);
    }
    if (*name == '\0' || (strchr(name, ':') && is_remote(name)))
        return NULL;
    return backing_string_resolve(path, name, error);
}

static char *
json_resolve(const char *path, const char *text, GError **error)
{
    /* QEMU takes more than JSON: single quotes, for one */
    json_t *options = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *name = options ? json_filename(options, JSON_DEPTH) : NULL;
    bool overrides = options && json_overrides_backing(options, JSON_DEPTH);
    char *found = NULL;

    if (name && !overrides)
        found = name_resolve(path, name, error);
    else if (overrides || !options || !json_is_remote(options, JSON_DEPTH))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' has backing 'json:%s', of which it cannot be told which file it is",
                    path, text);
    json_decref(options);
    return found;
}

char *
backing_guess_resolve(const char *path, const char *backing, GError **error)
{
    if (g_str_has_prefix(backing, "json:"))
        return json_resolve(path, backing + strlen("json:"), error);
    return name_resolve(path, backing, error);
}

char *
backing_guess(const char *path, struct image_file *file, GError **error)
{
    scoped_fd fd = image_file_open(file, path, error);
    g_autofree uint8_t *data = NULL;
    g_autofree char *backing = NULL;
    size_t wanted = FIRST_READ;
    ssize_t length = -1;

    if (fd < 0)
        return NULL;
    data = g_malloc(FIRST_READ);
    length = image_file_read(fd, path, data, FIRST_READ, 0, error);
    if (length == FIRST_READ)
        wanted = image_header_wanted(image_header_guess(data, FIRST_READ), data, FIRST_READ);
    if (wanted > FIRST_READ) {
        data = g_realloc(data, wanted);
        length = image_file_read(fd, path, data, wanted, 0, error);
    }
    if (length >= 0)
        backing =
            image_header_backing(image_header_guess(data, (size_t)length), data, (size_t)length);
    return backing ? backing_guess_resolve(path, backing, error) : NULL;
}
