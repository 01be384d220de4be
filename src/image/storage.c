/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/storage.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

struct place {
    bool block;
    dev_t device;
    ino_t inode; /* of a file */
};

struct storage {
    GArray *places; /* of struct place: itself, then all that it lies on */
};

static void add_stat(GArray *places, const struct stat *st);

static bool
has_place(const GArray *places, const struct place *place)
{
    for (guint i = 0; i < places->len; i++) {
        const struct place *other = &g_array_index(places, struct place, i);

        if (other->block == place->block && other->device == place->device &&
            other->inode == place->inode)
            return true;
    }
    return false;
}

/* The text of attribute NAME in DIRECTORY of sysfs, or NULL. */
static char *
read_attribute(const char *directory, const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return NULL;
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static void
add_device(GArray *places, dev_t device)
{
    struct stat st = {.st_mode = S_IFBLK, .st_rdev = device};

    add_stat(places, &st);
}

/* The device that attribute "dev" in DIRECTORY tells of. */
static void
add_told(GArray *places, const char *directory)
{
    g_autofree char *text = read_attribute(directory, "dev");
    unsigned major;
    unsigned minor;

    if (text && sscanf(text, "%u:%u", &major, &minor) == 2)
        add_device(places, makedev(major, minor));
}

/* What a volume is made of: device mapper and md say so. */
static void
add_slaves(GArray *places, const char *directory)
{
    g_autofree char *slaves = g_build_filename(directory, "slaves", NULL);
    g_autoptr(GDir) entries = g_dir_open(slaves, 0, NULL);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *slave = g_build_filename(slaves, entry, NULL);

        add_told(places, slave);
    }
}

/* A loop device is what is behind it, when that still has a name. */
static bool
add_behind(GArray *places, const char *directory)
{
    g_autofree char *path = read_attribute(directory, "loop/backing_file");
    struct stat st;

    if (!path || stat(path, &st) < 0)
        return false;
    add_stat(places, &st);
    return true;
}

static void
add_stat(GArray *places, const struct stat *st)
{
    bool block = S_ISBLK(st->st_mode);
    struct place place = {block, block ? st->st_rdev : st->st_dev, block ? 0 : st->st_ino};
    g_autofree char *directory =
        block ? g_strdup_printf("/sys/dev/block/%u:%u", major(st->st_rdev), minor(st->st_rdev))
              : NULL;
    g_autofree char *partition = NULL;

    if (has_place(places, &place) || (block && add_behind(places, directory)))
        return;
    g_array_append_val(places, place);
    if (!block)
        return;
    partition = read_attribute(directory, "partition");
    if (partition) {
        g_autofree char *disk = g_build_filename(directory, "..", NULL);

        add_told(places, disk);
    }
    add_slaves(places, directory);
}

struct storage *
storage_new(const struct stat *st)
{
    struct storage *storage = g_new0(struct storage, 1);

    storage->places = g_array_new(FALSE, TRUE, sizeof(struct place));
    add_stat(storage->places, st);
    return storage;
}

void
storage_free(struct storage *storage)
{
    if (!storage)
        return;
    g_array_unref(storage->places);
    g_free(storage);
}

bool
storage_overlaps(const struct storage *a, const struct storage *b)
{
    return has_place(a->places, &g_array_index(b->places, struct place, 0)) ||
           has_place(b->places, &g_array_index(a->places, struct place, 0));
}

char *
storage_key(const struct storage *storage)
{
    const struct place *place = &g_array_index(storage->places, struct place, 0);

    return g_strdup_printf("%s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
                           place->block ? "device" : "file", (guint64)place->device,
                           (guint64)place->inode);
}
