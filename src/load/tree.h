/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"

/* The images of all snapshots of a domain, and what else stands on them: what revert, delete and
 * flatten have to know beyond the active chains (STATE_TREE).
 */

/* What a snapshot has on record of the file that it froze, held against the one that is there. */
enum state_record {
    STATE_RECORD_NONE,  /* nothing, as with virsh's snapshots, or what does not tell */
    STATE_RECORD_SAME,  /* it is that file, or a copy of it */
    STATE_RECORD_OTHER, /* it is another file, which somebody may have put there */
};

/* Where one snapshot keeps one of its disks: the image that its <domain> names for it. */
struct state_frozen {
    const struct snapshot_def *def;
    const struct snapshot_disk *disk; /* external or internal; others hold nothing */
    const char *path;                 /* as the <domain> spells it; NULL: it names none */
    const struct image *image;        /* NULL: missing or unusable, and … */
    GError *error; /* … why. With an image as well: the graph has it in another format, libvirt was
                    * writing into it, or the snapshot was frozen in another image; it is needed,
                    * but not usable */
    bool missing;  /* with an error: nothing at all is at the path */
    enum state_record record;              /* NONE with an error */
    const struct snapshot_def *overwriter; /* the snapshot that says of the image that libvirt was
                                            * writing into it; NULL: none does */
};

/* The file in which one snapshot keeps the memory of the VM (<memory file=…>). */
struct state_memory {
    const struct snapshot_def *def;
    struct file_identity identity; /* of what the path leads to; inode 0: not known */
    bool missing;                  /* nothing is there */
    char *reason; /* why it is not proven to be memory of this domain that libvirt has saved, and
                   * nothing else, for messages; NULL: it is */
};

/* An image outside of the graph that somebody may need as it is, and that its directory does not
 * show: an operation left it alone and said so, or an own snapshot names it.
 */
struct state_kept {
    char *path;
    struct file_identity identity; /* inode and birth */
    bool listed;                   /* the list of layers has it */
};

/* Load it all into STATE: `frozen`, `tags`, `dependents`, `claims`, `layers`, `kept`, `memory`.
 * Called by state_load() for STATE_TREE; later for what has come into the graph of STATE_IMAGES
 * since. Faults of single snapshots stay with them. Fails with OFFSHOT_ERROR_INCONSISTENT when the
 * table of internal snapshots of an image of the tree is damaged, OFFSHOT_ERROR_FAILED when the
 * list of layers cannot be read.
 */
bool state_load_tree(struct state *state, GError **error);

/* Only the tags of the active images: what a new tag needs to know. Fails as state_load_tree(). */
bool state_load_tags(struct state *state, GError **error);

/* Free what it loaded. */
void state_clear_tree(struct state *state);

/* Where SNAPSHOT keeps disk TARGET; NULL when it does not cover the disk. */
const struct state_frozen *state_find_frozen(const struct state *state, const char *snapshot,
                                             const char *target);

/* The internal snapshots of IMAGE (of struct image_tag *); empty for formats without. Borrowed. */
const GPtrArray *state_get_tags(const struct state *state, const struct image *image);

/* Which snapshot of somebody else is kept in the internal snapshot TAG of IMAGE, for messages;
 * borrowed. NULL: none.
 */
const char *state_find_claim(const struct state *state, const struct image *image, const char *tag);

/* Note that OWNER is. */
void state_add_claim(struct state *state, const struct image *image, const char *tag,
                     const char *owner);

/* What stands directly on IMAGE from outside of the graph (of char *, for messages), found in the
 * directories of the domain's images, through the names in its own snapshots and in `kept`, and
 * through the first 1,000 domain XML files beside this one:
 * clones, templates, chains of other domains. Each is a path; "PATH of domain 'NAME'" where another
 * domain has IMAGE itself as its disk; "PATH (cannot be read)" for a file, or a whole directory,
 * that nobody can tell about and that counts as standing on all images of the directory. Borrowed;
 * NULL: none.
 */
const GPtrArray *state_find_dependents(const struct state *state, const struct image *image);

/* Whether IMAGE is a layer that no snapshot names any more and that an earlier delete had to keep
 * (it says so in "layers" of the state directory: path, inode and birth of each).
 */
bool state_is_layer(const struct state *state, const struct image *image);

/* Whether IMAGE stands on nothing since `flatten`, and had been made by a snapshot or a revert (the
 * same list says so). It is no layer: nothing removes it for want of a name.
 */
bool state_was_flattened(const struct state *state, const struct image *image);

/* Add the file at PATH, which is IDENTITY, to `kept`, unless it is there; borrowed. */
struct state_kept *state_add_kept(struct state *state, const char *path,
                                  const struct file_identity *identity);

/* Whether `kept` has the file at PATH, which is IDENTITY. */
bool state_is_kept(const struct state *state, const char *path,
                   const struct file_identity *identity);

/* The text of the list with the images of LAYERS, FLATTENED and KEPT (of const struct image *) in
 * it, and all of `kept`, for a plan that stages it. PATH of the list: state_layers_path(). Free
 * both with g_free().
 */
char *state_layers_format(const struct state *state, const GPtrArray *layers,
                          const GPtrArray *flattened, const GPtrArray *kept);
char *state_layers_path(const struct state *state);
