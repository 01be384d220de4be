/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/location.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/domain-def.h"
#include "store/uri.h"
#include "util/error.h"
#include "util/file.h"

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
                    "there is no domain XML file '%s'", path);
        return NULL;
    }
    directory = g_path_get_dirname(location->xml);
    stem = file_stem(location->xml);
    store = g_strconcat(stem, ".snapshots", NULL);
    state = g_strconcat(".", stem, ".offshot", NULL);
    location->keeper = uri_find_keeper(directory);
    location->store = g_build_filename(directory, store, NULL);
    location->state = g_build_filename(directory, state, NULL);
    return g_steal_pointer(&location);
}

/* A name becomes part of paths. */
static bool
check_domain_name(const char *name, GError **error)
{
    if (name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/'))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "'%s' cannot be the name of a domain",
                name);
    return false;
}

/* The name of the domain in CONFIG whose UUID is UUID, or NULL. Files that cannot be read are no
 * candidates.
 */
static char *
find_uuid(const char *config, const char *uuid)
{
    g_autoptr(GDir) directory = g_dir_open(config, 0, NULL);
    const char *entry;

    while (directory && (entry = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(config, entry, NULL);
        g_autofree char *text = NULL;
        scoped(domain_def) def = NULL;
        size_t length;

        if (!g_str_has_suffix(entry, ".xml"))
            continue;
        text = file_read(path, DOMAIN_XML_MAX, &length, NULL, NULL);
        def = text ? domain_def_parse(text, length, entry, NULL) : NULL;
        if (def && def->uuid && g_ascii_strcasecmp(def->uuid, uuid) == 0)
            return g_strndup(entry, strlen(entry) - strlen(".xml"));
    }
    return NULL;
}

static struct domain_location *
location_of_name(const char *domain, const char *uri, GError **error)
{
    scoped(uri_directories) directories = uri_directories_new(uri, error);
    scoped(domain_location) location = NULL;
    g_autofree char *name = g_strdup(domain);
    g_autofree char *file = NULL;

    if (!directories || !check_domain_name(domain, error))
        return NULL;
    location = g_new0(struct domain_location, 1);
    location->pid_files = g_ptr_array_new_with_free_func(g_free);
    file = g_strconcat(name, ".xml", NULL);
    location->xml = g_build_filename(directories->config, file, NULL);
    if (!g_file_test(location->xml, G_FILE_TEST_EXISTS) && g_uuid_string_is_valid(domain)) {
        g_free(name);
        name = find_uuid(directories->config, domain);
        g_free(location->xml);
        g_free(file);
        file = name ? g_strconcat(name, ".xml", NULL) : g_strdup("");
        location->xml = g_build_filename(directories->config, file, NULL);
    }
    if (!name || !g_file_test(location->xml, G_FILE_TEST_EXISTS)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "there is no domain '%s' at '%s' (looked in '%s')", domain, directories->uri,
                    directories->config);
        return NULL;
    }
    location->uri = g_strdup(directories->uri);
    location->store = g_build_filename(directories->lib, "snapshot", name, NULL);
    location->state = g_build_filename(directories->state, name, NULL);
    location->driver_lock = g_build_filename(directories->run, "driver.pid", NULL);
    return g_steal_pointer(&location);
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

char *
domain_location_find_store(const struct domain_location *location, const char *xml)
{
    scoped(uri_directories) directories =
        location->uri ? uri_directories_new(location->uri, NULL) : NULL;
    g_autofree char *stem = file_stem(xml);
    g_autofree char *beside = g_path_get_dirname(xml);
    g_autofree char *name = g_strconcat(stem, ".snapshots", NULL);

    return directories ? g_build_filename(directories->lib, "snapshot", stem, NULL)
                       : g_build_filename(beside, name, NULL);
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

/* Whether somebody holds a lock on PATH, as libvirt's daemons do on their pid files. *PID is 0 when
 * the holder lives in another PID namespace.
 */
static bool
is_locked(const char *path, pid_t *pid)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return false;
    *pid = MAX(lock.l_pid, 0);
    return true;
}

bool
domain_location_check_daemon(const struct domain_location *location, GError **error)
{
    pid_t pid;

    if (location->keeper) {
        g_set_error(
            error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
            "'%s' is kept by libvirt, which looks for its snapshots elsewhere: name the domain "
            "instead, with -c '%s'",
            location->xml, location->keeper);
        return false;
    }
    if (!location->driver_lock || !is_locked(location->driver_lock, &pid))
        return true;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
        "a libvirt daemon (process %d) serves '%s' and would not see the change: stop it (or "
        "use virsh), and start it again afterwards",
        (int)pid, location->uri);
    return false;
}

/* Whether the pid file PATH names a process that lives. */
static bool
pid_file_is_alive(const char *path, pid_t *pid)
{
    g_autofree char *text = NULL;
    size_t length;

    text = file_read(path, 64, &length, NULL, NULL);
    *pid = text ? (pid_t)g_ascii_strtoll(text, NULL, 10) : 0;
    if (*pid > 0 && (kill(*pid, 0) == 0 || errno == EPERM))
        return true;
    return is_locked(path, pid);
}

bool
domain_location_check_stopped(const struct domain_location *location, GError **error)
{
    for (guint i = 0; i < location->pid_files->len; i++) {
        const char *path = g_ptr_array_index(location->pid_files, i);
        pid_t pid;

        if (!pid_file_is_alive(path, &pid))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                    "the domain runs (process %d, by '%s'): shut it down first", (int)pid, path);
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
