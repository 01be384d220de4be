/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/content.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* qcow2: QEMU's docs/interop/qcow2.txt. */
#define QCOW2_MAGIC 0x514649fb
#define QCOW2_HEADER_LENGTH_V2 72
#define QCOW2_EXTENSION_END 0
#define QCOW2_EXTENSION_FORMAT 0xe2792aca
#define QCOW2_FIRST_CLUSTER 65536
#define CHAIN_MAX 300

/* One of them is set. */
struct known {
    GByteArray *content;
    GPtrArray *tags;
};

static void
known_free(struct known *known)
{
    g_clear_pointer(&known->content, g_byte_array_unref);
    g_clear_pointer(&known->tags, g_ptr_array_unref);
    g_free(known);
}

GHashTable *
content_cache_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)known_free);
}

void
link_clear(struct link *link)
{
    g_clear_pointer(&link->backing, g_free);
    g_clear_pointer(&link->format, g_free);
}

static guint64
big_endian(const guint8 *bytes, guint count)
{
    guint64 value = 0;

    for (guint i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static char *
extension_format(const guint8 *header, gsize length)
{
    gsize at = big_endian(header + 4, 4) < 3 ? QCOW2_HEADER_LENGTH_V2 : big_endian(header + 100, 4);

    while (at + 8 <= length) {
        guint32 type = big_endian(header + at, 4);
        guint32 size = big_endian(header + at + 4, 4);

        if (type == QCOW2_EXTENSION_END || size > length - at - 8)
            return NULL;
        if (type == QCOW2_EXTENSION_FORMAT)
            return g_strndup((const char *)header + at + 8, size);
        at += 8 + ((size + 7) & ~(gsize)7);
    }
    return NULL;
}

void
link_read(const struct run *run, const char *path, struct link *link)
{
    g_autofree guint8 *header = g_malloc0(QCOW2_FIRST_CLUSTER);
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : pread(fd, header, QCOW2_FIRST_CLUSTER, 0);
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *text = NULL;
    guint64 offset, size;

    *link = (struct link){0};
    if (length < 0)
        run_fault(run, "cannot read '%s': %s", path, g_strerror(errno));
    link->is_qcow2 = length > 104 && big_endian(header, 4) == QCOW2_MAGIC;
    offset = big_endian(header + 8, 8);
    size = big_endian(header + 16, 4);
    if (!link->is_qcow2 || size == 0)
        return;
    if (size > 1023 || offset > (guint64)length || size > (guint64)length - offset)
        run_fault(run, "'%s': its backing link is outside of the header", path);
    text = g_strndup((const char *)header + offset, size);
    link->backing = g_canonicalize_filename(text, directory);
    link->format = extension_format(header, length);
}

const char *
content_format(const struct run *run, const char *path)
{
    struct link link;

    link_read(run, path, &link);
    link_clear(&link);
    return link.is_qcow2 ? "qcow2" : "raw";
}

static void
add_stamp(const struct run *run, const char *path, GString *key)
{
    struct stat st;

    if (stat(path, &st) < 0)
        run_fault(run, "'%s': %s", path, g_strerror(errno));
    g_string_append_printf(key, "\n%s %ju %jd %jd.%09ld %jd.%09ld", path, (uintmax_t)st.st_ino,
                           (intmax_t)st.st_size, (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                           (intmax_t)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

/* Everything that the content of PATH depends on. */
static char *
chain_key(const struct run *run, const char *path, const char *tag)
{
    g_autoptr(GString) key = g_string_new(tag ? "tag " : "content");
    g_autofree char *next = g_strdup(path);

    if (tag)
        g_string_append(key, tag);
    for (guint depth = 0; next; depth++) {
        g_autofree char *this = g_steal_pointer(&next);
        struct link link;

        if (depth == CHAIN_MAX)
            run_fault(run, "the chain of '%s' does not end", path);
        add_stamp(run, this, key);
        link_read(run, this, &link);
        next = g_steal_pointer(&link.backing);
        link_clear(&link);
    }
    return g_string_free(g_steal_pointer(&key), FALSE);
}

static GByteArray *
load_grains(const struct run *run, const char *file, const char *path, const char *tag)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    GByteArray *content;
    gsize length;

    if (!g_file_get_contents(file, &data, &length, &error))
        run_fault(run, "%s", error->message);
    if (length % GRAIN != 0)
        run_fault(run, "'%s' is %zu bytes long", path, length);
    content = g_byte_array_sized_new(length / GRAIN);
    for (gsize at = 0; at < length; at += GRAIN) {
        if (memcmp(data + at, data + at + 1, GRAIN - 1) != 0)
            run_fault(run, "'%s'%s%s: the %u KiB at %zu KiB are no longer of one piece", path,
                      tag ? " in internal snapshot " : "", tag ? tag : "", GRAIN / 1024, at / 1024);
        g_byte_array_append(content, (const guint8 *)data + at, 1);
    }
    return content;
}

static GByteArray *
convert(struct run *run, const char *path, const char *tag)
{
    const char *format = content_format(run, path);
    g_autofree char *raw = g_build_filename(run->scratch, "content.raw", NULL);
    g_autoptr(GPtrArray) argv = argv_new("qemu-img", "convert", "-f", format, "-O", "raw", NULL);
    GByteArray *content;
    struct child child;
    int status;

    if (tag) {
        g_autofree char *doubled = text_replace(tag, ",", ",,");

        argv_add(argv, "-l");
        argv_add(argv, "snapshot.name=%s", doubled);
    }
    argv_add(argv, "--");
    argv_add(argv, "%s", path);
    argv_add(argv, "%s", raw);
    status = run_command(run, argv, &child);
    if (status != 0 || child.err->len > 0)
        run_fault(run, "cannot read '%s'%s%s: %s", path, tag ? " in internal snapshot " : "",
                  tag ? tag : "", child.err->str);
    child_clear(&child);
    content = load_grains(run, raw, path, tag);
    unlink(raw);
    return content;
}

const GByteArray *
content_read(struct run *run, const char *path, const char *tag)
{
    g_autofree char *key = chain_key(run, path, tag);
    struct known *known = g_hash_table_lookup(run->contents, key);

    if (!known) {
        known = g_new0(struct known, 1);
        known->content = convert(run, path, tag);
        g_hash_table_insert(run->contents, g_steal_pointer(&key), known);
    }
    return known->content;
}

void
content_check(struct run *run, const char *path)
{
    g_autoptr(GString) key = g_string_new("check");
    g_autoptr(GPtrArray) argv = argv_new("qemu-img", "check", "-f", "qcow2", "--", path, NULL);
    struct child child;
    int status;

    add_stamp(run, path, key);
    if (g_hash_table_contains(run->contents, key->str))
        return;
    status = run_command(run, argv, &child);
    if (status != 0)
        run_fault(run, "`qemu-img check` of '%s': %d: %s%s", path, status, child.out->str,
                  child.err->str);
    child_clear(&child);
    g_hash_table_insert(run->contents, g_strdup(key->str), g_new0(struct known, 1));
}

static GPtrArray *
parse_tags(const struct run *run, const char *path, const char *text)
{
    GPtrArray *tags = g_ptr_array_new_with_free_func(g_free);
    json_t *info = json_loads(text, 0, NULL);
    json_t *list, *tag;
    size_t i;

    if (!info)
        run_fault(run, "`qemu-img info` of '%s' is no JSON", path);
    list = json_object_get(info, "snapshots");
    json_array_foreach (list, i, tag)
        g_ptr_array_add(tags, g_strdup(json_string_value(json_object_get(tag, "name"))));
    json_decref(info);
    return tags;
}

const GPtrArray *
content_tags(struct run *run, const char *path)
{
    g_autoptr(GString) key = g_string_new("tags");
    g_autoptr(GPtrArray) argv = NULL;
    struct known *known;
    struct child child;

    add_stamp(run, path, key);
    known = g_hash_table_lookup(run->contents, key->str);
    if (known)
        return known->tags;
    argv = argv_new("qemu-img", "info", "--output=json", "-f", "qcow2", "--", path, NULL);
    if (run_command(run, argv, &child) != 0)
        run_fault(run, "`qemu-img info` of '%s': %s", path, child.err->str);
    known = g_new0(struct known, 1);
    known->tags = parse_tags(run, path, child.out->str);
    child_clear(&child);
    g_hash_table_insert(run->contents, g_strdup(key->str), known);
    return known->tags;
}

guint
content_differs(const GByteArray *have, const GByteArray *want, bool tag)
{
    for (guint i = 0; i < MIN(have->len, want->len); i++)
        if (have->data[i] != want->data[i])
            return i;
    for (guint i = want->len; tag && i < have->len; i++)
        if (have->data[i] != 0)
            return i;
    return have->len == want->len || tag ? G_MAXUINT : MIN(have->len, want->len);
}
