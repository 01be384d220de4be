/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/lookup.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "conf/domain-def.h"
#include "store/pid-file.h"
#include "util/error.h"
#include "util/file.h"

#define DOMAIN_XML_MAX (1024 * 1024)

/* A name becomes part of paths. */
static bool
check_name(const char *name, GError **error)
{
    if (name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/'))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "'%s' cannot be the name of a domain",
                name);
    return false;
}

static char *
xml_path(const char *directory, const char *name)
{
    g_autofree char *file = g_strconcat(name, ".xml", NULL);

    return g_build_filename(directory, file, NULL);
}

static bool
has_file(const char *directory, const char *name)
{
    g_autofree char *path = xml_path(directory, name);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Whether the domain XML file PATH has UUID. One that cannot be read has none. */
static bool
has_uuid(const char *path, const char *uuid)
{
    size_t length;
    g_autofree char *text = file_read(path, DOMAIN_XML_MAX, &length, NULL, NULL);
    scoped(domain_def) def = text ? domain_def_parse(text, length, path, NULL) : NULL;

    return def && def->uuid && g_ascii_strcasecmp(def->uuid, uuid) == 0;
}

/* Whether libvirt's run-time description PATH is of the domain with UUID: the first one in it. */
static bool
runs_with_uuid(const char *path, const char *uuid)
{
    size_t length;
    g_autofree char *text = file_read(path, DOMAIN_XML_MAX, &length, NULL, NULL);
    const char *element = text ? strstr(text, "<uuid>") : NULL;

    return element && g_ascii_strncasecmp(element + strlen("<uuid>"), uuid, strlen(uuid)) == 0;
}

/* The names of the files in DIRECTORY for which MATCHES says so, without ".xml". */
static GPtrArray *
find_uuid(const char *directory, const char *uuid, bool (*matches)(const char *, const char *))
{
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(directory, entry, NULL);

        if (g_str_has_suffix(entry, ".xml") && matches(path, uuid))
            g_ptr_array_add(names, g_strndup(entry, strlen(entry) - strlen(".xml")));
    }
    return names;
}

/* libvirt may know a domain that has no file of its own because it was only created, not defined.
 */
static bool
is_transient(const struct uri_directories *directories, const char *domain)
{
    g_autoptr(GPtrArray) names = g_uuid_string_is_valid(domain)
                                     ? find_uuid(directories->run, domain, runs_with_uuid)
                                     : g_ptr_array_new_with_free_func(g_free);

    if (has_file(directories->run, domain))
        g_ptr_array_add(names, g_strdup(domain));
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *file = g_strconcat(g_ptr_array_index(names, i), ".pid", NULL);
        g_autofree char *path = g_build_filename(directories->run, file, NULL);
        pid_t pid;

        if (pid_file_is_alive(path, &pid))
            return true;
    }
    return false;
}

static void
set_missing(const struct uri_directories *directories, const char *domain, GError **error)
{
    if (access(directories->config, R_OK | X_OK) < 0 && errno == EACCES)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "cannot look for domain '%s' in '%s': %s", domain, directories->config,
                    g_strerror(EACCES));
    else if (is_transient(directories, domain))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                    "domain '%s' runs and is transient: libvirt forgets it when it stops, so that "
                    "there is nothing to take a snapshot of: make it persistent with `virsh "
                    "define`, and shut it down",
                    domain);
    else
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "there is no domain '%s' at '%s' (looked in '%s')", domain, directories->uri,
                    directories->config);
}

/* A UUID may also be the name of another domain, and stand in several files. */
static bool
check_unique(const GPtrArray *names, const char *domain, GError **error)
{
    if (names->len < 2)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "'%s' means domain '%s' as well as domain '%s': name the one in another way",
                domain, (const char *)g_ptr_array_index(names, 0),
                (const char *)g_ptr_array_index(names, 1));
    return false;
}

char *
domain_lookup(const struct uri_directories *directories, const char *domain, GError **error)
{
    g_autoptr(GPtrArray) names = NULL;

    if (!check_name(domain, error))
        return NULL;
    names = g_uuid_string_is_valid(domain) ? find_uuid(directories->config, domain, has_uuid)
                                           : g_ptr_array_new_with_free_func(g_free);
    if (has_file(directories->config, domain) &&
        !g_ptr_array_find_with_equal_func(names, domain, g_str_equal, NULL))
        g_ptr_array_add(names, g_strdup(domain));
    if (names->len == 0)
        set_missing(directories, domain, error);
    if (names->len == 0 || !check_unique(names, domain, error))
        return NULL;
    return g_ptr_array_steal_index(names, 0);
}
