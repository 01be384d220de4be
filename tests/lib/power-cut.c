/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* power-cut LIST FIXTURE CASE KEEP LOG CHOICE: CASE, which was a copy of FIXTURE and in which
 * lib/power-shim.c recorded LOG and cut the power, becomes what may be on the disk afterwards.
 *
 * What was flushed stays: the data of a file by its own flush, names by that of their directory. Of
 * everything else each call by itself, a write or a name, may have come through or not, in the
 * order of the calls: CHOICE is "none", "names", "data", "only:N", "drop:N" (the N-th of them,
 * counted round and round) or "random:SEED". Files keep inode, birth and time; LIST has those of
 * the beginning, as `find CASE -printf '%i %y %P\n'` prints them. On standard output: how many
 * calls were in doubt.
 *
 * It first sees that all calls together give what is there. If not, the shim has missed one, and
 * nothing can be said: exit 99.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/power-log.h"

struct call {
    struct power_record record;
    struct power_names names;
    const char *data;
    bool durable;
};

/* Of one inode. */
struct node {
    uint64_t inode;
    bool directory;
    GByteArray *content;
    GHashTable *entries; /* of a directory: name -> struct node */
};

struct disk {
    GHashTable *nodes; /* inode -> struct node */
    struct node *root;
};

static void G_GNUC_PRINTF(1, 2) G_GNUC_NORETURN broken(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("power-cut: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    exit(99);
}

static void
node_free(gpointer data)
{
    struct node *node = data;

    g_byte_array_unref(node->content);
    g_hash_table_unref(node->entries);
    g_free(node);
}

static struct node *
node_get(struct disk *disk, uint64_t inode)
{
    struct node *node = g_hash_table_lookup(disk->nodes, &inode);

    if (node)
        return node;
    node = g_new0(struct node, 1);
    node->inode = inode;
    node->content = g_byte_array_new();
    node->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_insert(disk->nodes, &node->inode, node);
    return node;
}

static void
read_file(const char *path, GByteArray *content)
{
    g_autofree char *data = NULL;
    gsize length;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &data, &length, &error))
        broken("%s", error->message);
    g_byte_array_set_size(content, 0);
    g_byte_array_append(content, (guint8 *)data, (guint)length);
}

/* PATH below the root is NODE. */
static void
add_path(struct disk *disk, GHashTable *directories, const char *path, struct node *node)
{
    g_autofree char *parent = g_path_get_dirname(path);
    struct node *directory =
        strcmp(parent, ".") == 0 ? disk->root : g_hash_table_lookup(directories, parent);

    if (!directory)
        broken("'%s' is listed before its directory", path);
    g_hash_table_insert(directory->entries, g_path_get_basename(path), node);
    if (node->directory)
        g_hash_table_insert(directories, g_strdup(path), node);
}

/* What there was at the beginning. Free with disk_free(). */
static struct disk *
disk_load(const char *list, const char *fixture)
{
    struct disk *disk = g_new0(struct disk, 1);
    g_autoptr(GHashTable) directories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) lines = g_strsplit(list, "\n", -1);

    disk->nodes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, node_free);
    for (char **line = lines; *line && **line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        struct node *node = node_get(disk, g_ascii_strtoull(words[0], NULL, 10));
        g_autofree char *source = g_build_filename(fixture, words[2], NULL);

        node->directory = words[1][0] == 'd';
        if (!words[2][0]) {
            disk->root = node;
            continue;
        }
        if (!node->directory)
            read_file(source, node->content);
        add_path(disk, directories, words[2], node);
    }
    return disk;
}

static void
disk_free(struct disk *disk)
{
    g_hash_table_unref(disk->nodes);
    g_free(disk);
}

static bool
has_names(uint32_t kind)
{
    return kind == POWER_NAME || kind == POWER_MOVE || kind == POWER_GONE;
}

/* Borrows from LOG. */
static GArray *
parse_log(const char *log, gsize length)
{
    GArray *calls = g_array_new(FALSE, TRUE, sizeof(struct call));

    for (gsize at = 0; at < length;) {
        struct call call = {0};
        gsize more;

        memcpy(&call.record, log + at, sizeof(call.record));
        at += sizeof(call.record);
        more =
            has_names(call.record.kind) || call.record.kind == POWER_WRITE ? call.record.length : 0;
        if (at + more > length)
            broken("the log is cut short");
        call.data = log + at;
        if (has_names(call.record.kind))
            memcpy(&call.names, log + at, sizeof(call.names));
        at += more;
        g_array_append_val(calls, call);
    }
    return calls;
}

static bool
is_flushed_by(const struct call *call, uint64_t inode)
{
    if (!has_names(call->record.kind))
        return call->record.inode == inode;
    return call->names.now.directory == inode ||
           (call->record.kind == POWER_MOVE && call->names.old.directory == inode);
}

/* Mark what was flushed, and return what was not (of struct call *). */
static GPtrArray *
find_pending(GArray *calls)
{
    GPtrArray *pending = g_ptr_array_new();

    for (guint i = 0; i < calls->len; i++) {
        struct call *call = &g_array_index(calls, struct call, i);

        if (call->record.kind == POWER_NOTHING || call->record.kind == POWER_SYNC)
            call->durable = true;
        for (guint j = 0; call->record.kind == POWER_SYNC && j < i; j++) {
            struct call *earlier = &g_array_index(calls, struct call, j);

            earlier->durable |= is_flushed_by(earlier, call->record.inode);
        }
    }
    for (guint i = 0; i < calls->len; i++) {
        struct call *call = &g_array_index(calls, struct call, i);

        if (!call->durable)
            g_ptr_array_add(pending, call);
    }
    return pending;
}

static void
resize(GByteArray *content, uint64_t size)
{
    guint old = content->len;

    g_byte_array_set_size(content, (guint)size);
    if (size > old)
        memset(content->data + old, 0, size - old);
}

static void
grow(GByteArray *content, uint64_t size)
{
    if (size > content->len)
        resize(content, size);
}

static void
zero(GByteArray *content, uint64_t at, uint64_t length)
{
    if (at < content->len)
        memset(content->data + at, 0, MIN(length, content->len - at));
}

static void
apply_data(struct disk *disk, const struct call *call)
{
    const struct power_record *record = &call->record;
    GByteArray *content = node_get(disk, record->inode)->content;

    switch (record->kind) {
    case POWER_WRITE:
        grow(content, record->at + record->length);
        memcpy(content->data + record->at, call->data, record->length);
        break;
    case POWER_ZERO_GROW:
        grow(content, record->at + record->length);
        zero(content, record->at, record->length);
        break;
    case POWER_ZERO:
        zero(content, record->at, record->length);
        break;
    case POWER_GROW:
        grow(content, record->at + record->length);
        break;
    case POWER_SIZE:
        resize(content, record->at);
        break;
    default:
        break;
    }
}

static void
apply_names(struct disk *disk, const struct call *call)
{
    const struct power_names *names = &call->names;
    struct node *directory = node_get(disk, names->now.directory);
    struct node *node;

    if (call->record.kind == POWER_MOVE)
        g_hash_table_remove(node_get(disk, names->old.directory)->entries, names->old.name);
    if (call->record.kind == POWER_GONE) {
        g_hash_table_remove(directory->entries, names->now.name);
        return;
    }
    node = node_get(disk, call->record.inode);
    node->directory = names->is_directory;
    g_hash_table_insert(directory->entries, g_strdup(names->now.name), node);
}

/* DISK behind all calls but those of LOST. */
static void
apply(struct disk *disk, GArray *calls, GHashTable *lost)
{
    for (guint i = 0; i < calls->len; i++) {
        const struct call *call = &g_array_index(calls, struct call, i);

        if (lost && g_hash_table_contains(lost, call))
            continue;
        if (has_names(call->record.kind))
            apply_names(disk, call);
        else
            apply_data(disk, call);
    }
}

/* The calls of PENDING that CHOICE loses. */
static GHashTable *
choose(const GPtrArray *pending, const char *choice)
{
    GHashTable *lost = g_hash_table_new(NULL, NULL);
    const char *colon = strchr(choice, ':');
    guint64 number = colon ? g_ascii_strtoull(colon + 1, NULL, 10) : 0;
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)number);

    for (guint i = 0; i < pending->len; i++) {
        struct call *call = g_ptr_array_index(pending, i);
        bool named = i == number % pending->len;
        bool names = has_names(call->record.kind);
        bool loses;

        if (strcmp(choice, "none") == 0)
            loses = true;
        else if (strcmp(choice, "names") == 0)
            loses = !names;
        else if (strcmp(choice, "data") == 0)
            loses = names;
        else if (g_str_has_prefix(choice, "only:"))
            loses = !named;
        else if (g_str_has_prefix(choice, "drop:"))
            loses = named;
        else if (g_str_has_prefix(choice, "random:"))
            loses = g_rand_boolean(random);
        else
            broken("no choice: '%s'", choice);
        if (loses)
            g_hash_table_add(lost, call);
    }
    return lost;
}

static GDir *
open_directory(const char *path)
{
    g_autoptr(GError) error = NULL;
    GDir *directory = g_dir_open(path, 0, &error);

    if (!directory)
        broken("%s", error->message);
    return directory;
}

static struct stat
look(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        broken("'%s': %s", path, g_strerror(errno));
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
        broken("'%s' is neither file nor directory", path);
    return st;
}

static bool
has_content(const char *path, const struct node *node)
{
    g_autoptr(GByteArray) content = g_byte_array_new();

    read_file(path, content);
    return content->len == node->content->len &&
           (content->len == 0 || memcmp(content->data, node->content->data, content->len) == 0);
}

/* See that the directory NODE is as it is at PATH. */
static void
verify(const struct node *node, const char *path)
{
    g_autoptr(GDir) directory = open_directory(path);
    const char *name;
    guint count = 0;

    while ((name = g_dir_read_name(directory))) {
        const struct node *entry = g_hash_table_lookup(node->entries, name);
        g_autofree char *below = g_build_filename(path, name, NULL);

        count++;
        if (!entry || entry->inode != look(below).st_ino)
            broken("the log does not tell how '%s' came to be", below);
        if (entry->directory)
            verify(entry, below);
        else if (!has_content(below, entry))
            broken("the log does not tell all that was written to '%s'", below);
    }
    if (count != g_hash_table_size(node->entries))
        broken("the log tells of more than there is in '%s'", path);
}

static char *
grave(const char *keep, uint64_t inode)
{
    return g_strdup_printf("%s/%" G_GUINT64_FORMAT, keep, inode);
}

/* All that is in PATH moves to KEEP. */
static void
take_down(const char *path, const char *keep)
{
    g_autoptr(GDir) directory = open_directory(path);
    const char *name;

    while ((name = g_dir_read_name(directory))) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        struct stat st = look(below);
        g_autofree char *to = grave(keep, st.st_ino);

        if (S_ISDIR(st.st_mode))
            take_down(below, keep);
        /* of two names the second has nothing more to bring */
        if (g_file_test(to, G_FILE_TEST_EXISTS) ? g_unlink(below) < 0 : g_rename(below, to) < 0)
            broken("'%s': %s", below, g_strerror(errno));
    }
}

/* The file at PATH gets the content of NODE, and keeps its time. */
static void
rewrite(const char *path, const struct node *node)
{
    struct stat st = look(path);
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    int fd;

    if (has_content(path, node))
        return;
    if ((st.st_mode & 0200) == 0 && chmod(path, 0600) < 0)
        broken("'%s': %s", path, g_strerror(errno));
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0 ||
        write(fd, node->content->data, node->content->len) != (ssize_t)node->content->len ||
        fchmod(fd, st.st_mode & 07777) < 0 || futimens(fd, times) < 0)
        broken("'%s': %s", path, g_strerror(errno));
    close(fd);
}

/* The directory NODE comes back from KEEP to PATH. */
static void
build(const struct node *node, const char *path, const char *keep)
{
    GHashTableIter iter;
    gpointer name, data;

    g_hash_table_iter_init(&iter, node->entries);
    while (g_hash_table_iter_next(&iter, &name, &data)) {
        const struct node *entry = data;
        g_autofree char *below = g_build_filename(path, name, NULL);
        g_autofree char *from = grave(keep, entry->inode);

        if (entry->directory ? g_rename(from, below) < 0 : link(from, below) < 0)
            broken("'%s' to '%s': %s", from, below, g_strerror(errno));
        if (entry->directory)
            build(entry, below, keep);
        else
            rewrite(below, entry);
    }
}

/* What KEEP still has is gone, or has a name in the case. */
static void
clear(const char *keep)
{
    g_autoptr(GDir) directory = open_directory(keep);
    const char *name;

    while ((name = g_dir_read_name(directory))) {
        g_autofree char *path = g_build_filename(keep, name, NULL);

        if (g_remove(path) < 0)
            broken("'%s': %s", path, g_strerror(errno));
    }
}

static char *
load(const char *path, gsize *length)
{
    g_autoptr(GError) error = NULL;
    char *text;

    if (!g_file_get_contents(path, &text, length, &error))
        broken("%s", error->message);
    return text;
}

int
main(int argc, char **argv)
{
    gsize length;
    g_autofree char *list = NULL;
    g_autofree char *log = NULL;
    g_autoptr(GArray) calls = NULL;
    g_autoptr(GPtrArray) pending = NULL;
    g_autoptr(GHashTable) lost = NULL;
    struct disk *disk;

    if (argc != 7)
        broken("usage: power-cut LIST FIXTURE CASE KEEP LOG CHOICE");
    list = load(argv[1], &length);
    log = load(argv[5], &length);
    calls = parse_log(log, length);
    pending = find_pending(calls);
    lost = choose(pending, argv[6]);

    disk = disk_load(list, argv[2]);
    apply(disk, calls, NULL);
    verify(disk->root, argv[3]);
    disk_free(disk);

    disk = disk_load(list, argv[2]);
    apply(disk, calls, lost);
    take_down(argv[3], argv[4]);
    build(disk->root, argv[3], argv[4]);
    clear(argv[4]);
    disk_free(disk);
    printf("%u\n", pending->len);
    return 0;
}
