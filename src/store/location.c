/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/location.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/lookup.h"
#include "store/pid-file.h"
#include "store/uri.h"
#include "util/error.h"
#include "util/file.h"

/* What a domain given by path has beside its file: NAME.snapshots and .NAME.offshot. */
#define STORE_SUFFIX ".snapshots"
#define STATE_SUFFIX ".offshot"

#define DOMAIN_XML_MAX (1024 * 1024)

/* Canonical form of the directory of PATH, with the file name as it was given: ".." and links in
 * the middle are resolved, so that every spelling of a domain shares one lock.
 */
static char *
resolve_directory(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *real = NULL;
    char *resolved = realpath(directory, NULL);

    if (!resolved) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "there is no directory '%s'",
                    directory);
        return NULL;
    }
    real = g_strdup(resolved);
    free(resolved);
    return g_build_filename(real, name, NULL);
}

/* The name of the file XML without ".xml". */
static char *
file_stem(const char *xml)
{
    char *stem = g_path_get_basename(xml);

    if (g_str_has_suffix(stem, ".xml"))
        stem[strlen(stem) - strlen(".xml")] = '\0';
    return stem;
}

static struct domain_location *
location_of_path(const char *path, GError **error)
{
    scoped(domain_location) location = g_new0(struct domain_location, 1);
    g_autofree char *directory = NULL;
    g_autofree char *stem = NULL;
    g_autofree char *store = NULL;
    g_autofree char *state = NULL;
    struct stat st;

    location->pid_files = g_ptr_array_new_with_free_func(g_free);
    location->xml = resolve_directory(path, error);
    if (!location->xml)
        return NULL;
    if (lstat(location->xml, &st) < 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "there is no domain XML file '%s'%s", path,
                    strchr(path, '/') ? "" : " (a domain that is called so is found by its UUID)");
        return NULL;
    }
    directory = g_path_get_dirname(location->xml);
    stem = file_stem(location->xml);
    store = g_strconcat(stem, STORE_SUFFIX, NULL);
    state = g_strconcat(".", stem, STATE_SUFFIX, NULL);
    location->keeper = uri_find_keeper(directory);
    location->store = g_build_filename(directory, store, NULL);
    location->state = g_build_filename(directory, state, NULL);
    return g_steal_pointer(&location);
}

static struct domain_location *
location_of_name(const char *domain, const char *uri, GError **error)
{
    scoped(uri_directories) directories = uri_directories_new(uri, error);
    g_autofree char *name = directories ? domain_lookup(directories, domain, error) : NULL;
    g_autofree char *file = name ? g_strconcat(name, ".xml", NULL) : NULL;
    struct domain_location *location;

    if (!name)
        return NULL;
    location = g_new0(struct domain_location, 1);
    location->pid_files = g_ptr_array_new_with_free_func(g_free);
    location->uri = g_strdup(directories->uri);
    location->xml = g_build_filename(directories->config, file, NULL);
    location->store = g_build_filename(directories->lib, "snapshot", name, NULL);
    location->state = g_build_filename(directories->state, name, NULL);
    location->driver_lock = g_build_filename(directories->run, "driver.pid", NULL);
    return location;
}

struct domain_location *
domain_location_find(const char *domain, const char *uri, const char *store, GError **error)
{
    bool is_path = strchr(domain, '/') || g_str_has_suffix(domain, ".xml");
    scoped(domain_location) location =
        is_path ? location_of_path(domain, error) : location_of_name(domain, uri, error);

    if (!location)
        return NULL;
    if (store && store[0] == '\0') {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "--store takes a directory");
        return NULL;
    }
    if (store) {
        g_free(location->store);
        location->store = file_absolute(store, error);
        if (!location->store)
            return NULL;
    }
    return g_steal_pointer(&location);
}

void
domain_location_free(struct domain_location *location)
{
    if (!location)
        return;
    g_free(location->uri);
    g_free(location->keeper);
    g_free(location->xml);
    g_free(location->store);
    g_free(location->state);
    g_free(location->driver_lock);
    g_ptr_array_unref(location->pid_files);
    g_free(location->managed_save);
    g_free(location);
}

/* What lies beside the domain XML file XML and is called after it. */
static char *
find_beside(const char *xml, const char *before, const char *after)
{
    g_autofree char *stem = file_stem(xml);
    g_autofree char *directory = g_path_get_dirname(xml);
    g_autofree char *name = g_strconcat(before, stem, after, NULL);

    return g_build_filename(directory, name, NULL);
}

char *
domain_location_find_store(const struct domain_location *location, const char *xml)
{
    scoped(uri_directories) directories =
        location->uri ? uri_directories_new(location->uri, NULL) : NULL;
    g_autofree char *stem = file_stem(xml);

    return directories ? g_build_filename(directories->lib, "snapshot", stem, NULL)
                       : find_beside(xml, "", STORE_SUFFIX);
}

char *
domain_location_find_state(const struct domain_location *location, const char *xml)
{
    scoped(uri_directories) directories =
        location->uri ? uri_directories_new(location->uri, NULL) : NULL;
    g_autofree char *stem = file_stem(xml);

    return directories ? g_build_filename(directories->state, stem, NULL)
                       : find_beside(xml, ".", STATE_SUFFIX);
}

char *
domain_location_find_owner(const char *entry)
{
    if (*entry == '.' && g_str_has_suffix(entry, STATE_SUFFIX))
        return g_strndup(entry + 1, strlen(entry + 1) - strlen(STATE_SUFFIX));
    if (g_str_has_suffix(entry, STORE_SUFFIX))
        return g_strndup(entry, strlen(entry) - strlen(STORE_SUFFIX));
    return NULL;
}

static void
add_pid_file(struct domain_location *location, const struct uri_directories *directories,
             const char *name)
{
    g_autofree char *file = g_strconcat(name, ".pid", NULL);

    g_ptr_array_add(location->pid_files, g_build_filename(directories->run, file, NULL));
}

/* Whether libvirt's run-time description of domain NAME is of the domain UUID: names alone may be
 * equal by chance.
 */
static bool
runs_with_uuid(const struct uri_directories *directories, const char *name, const char *uuid)
{
    g_autofree char *file = g_strconcat(name, ".xml", NULL);
    g_autofree char *path = g_build_filename(directories->run, file, NULL);
    g_autofree char *text = NULL;
    size_t length;

    text = uuid ? file_read(path, DOMAIN_XML_MAX, &length, NULL, NULL) : NULL;
    return text && strstr(text, uuid);
}

void
domain_location_set_name(struct domain_location *location, const char *name, const char *uuid)
{
    static const char *const usual[] = {"qemu:///system", "qemu:///session"};
    g_autofree char *save = g_strconcat(name, ".save", NULL);

    g_clear_pointer(&location->managed_save, g_free);
    g_ptr_array_set_size(location->pid_files, 0);
    if (strchr(name, '/'))
        return;
    if (location->uri) {
        scoped(uri_directories) directories = uri_directories_new(location->uri, NULL);

        add_pid_file(location, directories, name);
        location->managed_save = g_build_filename(directories->lib, "save", save, NULL);
        return;
    }
    /* A file may describe a domain that libvirt knows under the same name. */
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
        scoped(uri_directories) directories = uri_directories_new(usual[i], NULL);

        if (runs_with_uuid(directories, name, uuid))
            add_pid_file(location, directories, name);
    }
}

bool
domain_location_check_keeper(const struct domain_location *location, GError **error)
{
    if (!location->keeper)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' is kept by libvirt, which looks for its snapshots elsewhere: name the domain "
                "instead, with -c '%s'",
                location->xml, location->keeper);
    return false;
}

/* " (process N)", or nothing for a process that is not of our PID namespace. */
static char *
describe_process(pid_t pid)
{
    return pid > 0 ? g_strdup_printf(" (process %d)", (int)pid) : g_strdup("");
}

bool
domain_location_check_daemon(const struct domain_location *location, GError **error)
{
    g_autofree char *process = NULL;
    bool locked;
    pid_t pid;

    if (!domain_location_check_keeper(location, error))
        return false;
    if (!location->driver_lock)
        return true;
    if (!pid_file_ask_lock(location->driver_lock, &locked, &pid, error)) {
        g_prefix_error(error, "cannot tell whether a libvirt daemon serves '%s': ", location->uri);
        return false;
    }
    if (!locked)
        return true;
    process = describe_process(pid);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                "a libvirt daemon%s serves '%s' and would not see the change: stop it (or use "
                "virsh), and start it again afterwards; `offshot publish` tells it of what was "
                "done already",
                process, location->uri);
    return false;
}

bool
domain_location_check_stopped(const struct domain_location *location, GError **error)
{
    for (guint i = 0; i < location->pid_files->len; i++) {
        const char *path = g_ptr_array_index(location->pid_files, i);
        g_autofree char *process = NULL;
        pid_t pid;

        if (!pid_file_is_alive(path, &pid))
            continue;
        process = describe_process(pid);
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                    "the domain runs%s, says '%s': shut it down first", process, path);
        return false;
    }
    return true;
}

bool
domain_location_check_not_saved(const struct domain_location *location, GError **error)
{
    if (!location->managed_save || !g_file_test(location->managed_save, G_FILE_TEST_EXISTS))
        return true;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "the domain has a managed-save image '%s', whose memory must meet the disks as they "
        "are: start the domain and shut it down, or drop it with `virsh managedsave-remove`",
        location->managed_save);
    return false;
}
