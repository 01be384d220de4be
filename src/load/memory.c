/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "image/image-file.h"
#include "image/save-image.h"
#include "util/error.h"
#include "util/scope.h"

#define NANOSECONDS 1000000000

/* How long after its creation time a snapshot's memory may still have been written: a VM of a TiB
 * saved at 20 MB/s takes 14 hours.
 */
#define SAVING_SECONDS_MAX (24 * 60 * 60)

static void
memory_free(gpointer data)
{
    struct state_memory *memory = data;

    g_free(memory->reason);
    g_free(memory);
}

/* The domain XML in the file that is open at FD, NULL: not one that libvirt has made. */
static char *
read_xml(int fd, const char *path, GError **error)
{
    uint8_t header[SAVE_IMAGE_HEADER_SIZE];
    ssize_t got = image_file_read(fd, path, header, sizeof(header), 0, error);
    size_t room = got < 0 ? 0 : save_image_probe(header, (size_t)got, error);
    g_autofree uint8_t *data = NULL;

    if (room == 0)
        return NULL;
    data = g_malloc(room);
    got = image_file_read(fd, path, data, room, SAVE_IMAGE_HEADER_SIZE, error);
    return got < 0 ? NULL : save_image_xml(data, (size_t)got, error);
}

static bool
check_content(const struct state *state, int fd, const char *path, GError **error)
{
    g_autofree char *xml = read_xml(fd, path, error);
    scoped(domain_def) domain = NULL;

    if (!xml)
        return false;
    domain = domain_def_parse(xml, strlen(xml), path, NULL);
    if (domain && domain_def_is_same_domain(domain, state->domain))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT, "it is of another domain");
    return false;
}

/* Whether the file, which ST is, cannot be the memory of a VM and nothing else. */
static bool
check_kind(const struct state *state, const char *path, const struct stat *st, GError **error)
{
    const char *wrong = NULL;

    if (S_ISLNK(st->st_mode))
        wrong = "it is a symbolic link";
    else if (!S_ISREG(st->st_mode))
        wrong = "it is no regular file";
    else if (st->st_nlink != 1)
        wrong = "it has more than one name";
    else if (image_graph_find(state->graph, path))
        wrong = "it is an image";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, wrong);
    return !wrong;
}

/* Whether the file that is open at FD may be removed, and nobody has said that it is to stay. */
static bool
check_removable(int fd, const char *path, GError **error)
{
    const struct image_file file = {.block = false};
    g_autofree char *directory = g_path_get_dirname(path);
    const char *wrong = NULL;

    if (!image_file_is_writable(&file, path, fd))
        wrong = "it is read-only";
    else if (faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) < 0)
        wrong = "its directory is read-only";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, wrong);
    return !wrong;
}

/* Whether PATH holds memory of the domain of STATE that libvirt has saved. */
static bool
check_file(const struct state *state, const char *path, struct file_identity *identity,
           GError **error)
{
    struct file_identity opened;
    scoped_fd fd = -1;
    struct stat st;

    if (lstat(path, &st) == 0 && !check_kind(state, path, &st, error))
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY);
    if (fd < 0 || fstat(fd, &st) < 0) {
        offshot_set_error_errno(error, errno, "it cannot be opened");
        return false;
    }
    file_identity_set(&opened, &st);
    if (!S_ISREG(st.st_mode) || !file_identity_is_unchanged(&opened, identity)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY, "it is changing");
        return false;
    }
    file_identity_add_birth(identity, fd, path);
    return check_content(state, fd, path, error) && check_removable(fd, path, error);
}

/* Whether the file was written when DEF was taken. libvirt notes the time and then saves the
 * memory, which takes its time, and nothing writes to it again; but `virsh save` writes the same
 * form over whatever file it is given, and that is memory which nobody else has.
 */
static bool
check_time(const struct snapshot_def *def, const struct file_identity *identity, GError **error)
{
    int64_t written = identity->mtime / NANOSECONDS;

    if (def->creation_time >= 0 && written - def->creation_time <= SAVING_SECONDS_MAX)
        return true;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "it was written more than a day after the snapshot was taken, as `virsh save` does");
    return false;
}

static struct state_memory *
load_memory(const struct state *state, const struct snapshot_def *def)
{
    struct state_memory *memory = g_new0(struct state_memory, 1);
    const char *path = def->memory_file;
    g_autoptr(GError) error = NULL;
    struct stat st;
    bool exists;

    memory->def = def;
    if (file_stat(path, true, &st, &exists, &error)) {
        file_identity_set(&memory->identity, &st);
        if (check_file(state, path, &memory->identity, &error))
            check_time(def, &memory->identity, &error);
    } else {
        memory->missing = !error;
    }
    memory->reason = error ? g_strdup(error->message) : NULL;
    return memory;
}

void
state_load_memory(struct state *state)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    state->memory = g_ptr_array_new_with_free_func(memory_free);
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (def->memory == SNAPSHOT_LOCATION_EXTERNAL)
            g_ptr_array_add(state->memory, load_memory(state, def));
    }
}
