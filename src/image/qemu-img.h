/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "image/backing.h"
#include "image/image.h"
#include "image/overlay-options.h"
#include "util/sandbox.h"

/* Argument vectors for qemu-img, and what it answers. Pure: nothing here starts a process.
 *
 * Each vector comes with the files that it makes qemu-img touch: they are added to SANDBOX (NULL:
 * the vector is only to be shown). What it writes to has to exist when it runs. File names go in as
 * absolute paths behind "--" or as the argument of an option, the two places where no name is
 * misread (FACTS: names). Every vector is NULL-terminated; free with g_strfreev().
 */

/* What a new overlay is to be. */
struct overlay_spec {
    const char *path;           /* where, absolute */
    const char *format;         /* "qcow2" or "qed" */
    const char *backing;        /* backing string, as it is to stand in the header */
    const char *backing_format; /* qemu's name; never probed */
    uint64_t size;              /* virtual size in bytes */
    const char *options;        /* for -o, "key=value,…", or NULL */
};

/* qemu-img create -u: never opens the backing image. */
char **qemu_img_create_argv(const struct overlay_spec *spec, struct sandbox *sandbox);

/* qemu-img info of one layer, its format forced, as JSON. */
char **qemu_img_info_argv(const char *path, const char *format, struct sandbox *sandbox);

/* What `qemu-img info --output=json` says of one image. */
struct qemu_img_info {
    uint64_t virtual_size; /* bytes */
    bool has_backing;
    bool encrypted;
};

/* Parse the answer. Fails with OFFSHOT_ERROR_FAILED when it is not what qemu-img writes. */
bool qemu_img_info_parse(struct qemu_img_info *info, const char *json, size_t length,
                         GError **error);

/* An image that qemu-img is to change while we hold QEMU's locks on it ourselves: its format
 * forced, QEMU's own locking off.
 */
struct qemu_img_target {
    const char *path;          /* absolute; any bytes where the text below says so */
    const char *format;        /* qemu's name */
    bool block;                /* a block device */
    const struct image *chain; /* it and what it stands on, NULL: opened without that */
};

/* qemu-img snapshot -c, -a or -d (VERB) of TAG, the backing chain left closed. PATH has to be
 * UTF-8 (it goes into a json: name): give /proc/self/fd/N where it may not be.
 */
char **qemu_img_snapshot_argv(const struct qemu_img_target *image, char verb, const char *tag,
                              struct sandbox *sandbox);

/* qemu-img check -r all, the backing chain left closed. PATH as above. */
char **qemu_img_repair_argv(const struct qemu_img_target *image, struct sandbox *sandbox);

/* A commit goes down through so many links at most: each level is named in one argument, which
 * Linux limits to 128 KiB, by a word for each link above it.
 */
#define QEMU_IMG_COMMIT_DEPTH_MAX 160

/* Which image gets the data of a commit. */
struct commit_spec {
    const char *base; /* how QEMU names it, any bytes: the path by which it comes to it, through
                       * each link from the directory of the image above; NULL only where DEPTH
                       * is 1 */
    unsigned depth;   /* how many links below; 1: the backing image */
    const struct qemu_img_target *into; /* it, whatever the links say; NULL: where they lead */
    bool progress;                      /* -p */
};

/* qemu-img commit -d of IMAGE. PATH may be any bytes. */
char **qemu_img_commit_argv(const struct qemu_img_target *image, const struct commit_spec *spec,
                            struct sandbox *sandbox);

/* qemu-img compare of what ONE and OTHER show to a guest, as far as both go; whoever holds them.
 * UTF-8 is not needed. It says "Images are identical." when they are.
 */
char **qemu_img_compare_argv(const struct qemu_img_target *one, const struct qemu_img_target *other,
                             struct sandbox *sandbox);

/* What a rebase puts an image on. */
struct rebase_spec {
    const char *backing;        /* backing string, any bytes; NULL: nothing */
    const char *backing_format; /* qemu's name */
    const struct image *base;   /* the image that BACKING leads to, NULL: none, or it is not read */
    bool unsafe;                /* -u: only the header changes, nothing else is opened */
    bool progress;              /* -p */
};

char **qemu_img_rebase_argv(const struct qemu_img_target *image, const struct rebase_spec *spec,
                            struct sandbox *sandbox);

/* Let ARGV, a commit or rebase, come to the image LEVEL links below its own by the path of IMAGE,
 * one that its chain has there, whatever the link says. Any bytes.
 */
void qemu_img_name_below(char **argv, unsigned level, const struct qemu_img_target *image);

/* Let ARGV, a commit or rebase, read the images from LEVEL links below its own on although somebody
 * holds them for himself alone: us.
 */
void qemu_img_share_below(char **argv, unsigned level);

/* The same for the new backing image of a rebase, and what lies below it. ARGV is taken. */
char **qemu_img_share_base(char **argv);

/* How QEMU names IMAGE when it reads BELOW, which it stands on, with options of its own. For -b of
 * a commit. Free with g_free(); NULL when the paths are not UTF-8.
 */
char *qemu_img_overridden_name(const struct qemu_img_target *image,
                               const struct qemu_img_target *below);

/* What is copied out by qemu-img convert. */
struct convert_spec {
    const char *source;        /* path of the image, absolute, any bytes */
    const char *format;        /* qemu's name of its format */
    const struct image *chain; /* it and what it stands on, NULL: nothing */
    const char *tag_id; /* internal snapshot to copy, by ID and name; NULL: the active state */
    const char *tag_name;
    const char *target;        /* absolute */
    const char *target_format; /* qemu's name */
    bool compress;             /* -c */
    bool progress;             /* -p */
};

char **qemu_img_convert_argv(const struct convert_spec *spec, struct sandbox *sandbox);
