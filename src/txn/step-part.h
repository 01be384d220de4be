/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/graph.h"
#include "image/header.h"
#include "image/qemu-img.h"
#include "txn/step.h"

/* What txn/step-image.c is made of: the recipes of step-tag.c and step-merge.c, and what they
 * share. Contracts as in txn/step-image.h where not said otherwise.
 */

/* Tags: take-tag, apply-tag, delete-tag. */
bool step_tag_begin(struct step *step, const struct step_context *context, bool *needed,
                    GError **error);
bool step_tag_end(const struct step *step, const struct step_context *context, GError **error);
bool step_tag_undo(const struct step *step, const struct step_context *context, GError **error);

/* See step_image_release(). */
bool step_tag_release(struct step *step, const struct step_context *context, GError **error);

/* A revert that is interrupted leaves an image whose tags a guest would destroy: it may write to
 * clusters that are not marked as shared. So while qemu-img changes tags, an image that is a
 * regular file with one name has another one beside it. Images that cannot be renamed keep theirs.
 *
 * Hide the image of STEP, open at FD, durably; fine when it is hidden already.
 */
bool step_hide(const struct step *step, int fd, GError **error);

/* Give the image its name back, durably; fine when it has it. Fails with OFFSHOT_ERROR_INTERRUPTED
 * when something else came to be there, which is left alone.
 */
bool step_unhide(const struct step *step, GError **error);

/* Rename without replacing; file systems that cannot do it at once get a link and an unlink. */
bool step_rename_new(const char *from, const char *to, GError **error);

/* A `snapshot -c` or `-d` writes the table of internal snapshots to a new place. When the flush of
 * the reference to it fails, QEMU (7.2) frees the new table again, while the header leads to it:
 * all tags are lost, and a repair would free their data. The old table is still whole then.
 *
 * Before the program: remember TAGS, which were just read from the image open at FD, and the
 * reference to them.
 */
bool step_table_remember(struct step *step, int fd, GPtrArray *tags, GError **error);

/* After the program, and before any repair: when tags have vanished that the step is not about, put
 * the reference back. Fails with OFFSHOT_ERROR_INTERRUPTED when that does not bring them back.
 */
bool step_table_restore(const struct step *step, int fd, GError **error);

/* Whether STEP is a replace, and all that is in the image that it renames over went down into the
 * file that takes its place: a commit comes before, and again when somebody wrote to the image.
 */
bool step_is_committed(const struct step *step, const struct step_context *context);

/* Whether STEP, a commit, has to be run, by what is known of it now. */
bool step_commit_is_needed(const struct step *step, const struct step_context *context);
bool step_commit_begin(struct step *step, const struct step_context *context, GError **error);
bool step_commit_end(const struct step *step, const struct step_context *context, GError **error);

/* Merges: commit, rebase, relink. */
bool step_merge_begin(struct step *step, const struct step_context *context, bool *needed,
                      GError **error);
bool step_merge_end(const struct step *step, const struct step_context *context, GError **error);
bool step_merge_is_untouched(const struct step *step, const struct step_context *context);
bool step_merge_abandon(const struct step *step, const struct step_context *context,
                        GError **error);

/* Drop the program that STEP has, which is only to be shown or has run, and begin a sandbox for the
 * one to come.
 */
void step_part_reset(struct step *step);

/* Open the image of STEP for reading, and see that it is the one that the plan has locked. Fails
 * with OFFSHOT_ERROR_INTERRUPTED when another is there or none. The caller closes it.
 */
int step_part_open(const struct step *step, const struct step_context *context, GError **error);

/* Whether IDENTITY is the image that the plan saw at PATH, as far as it has an exclusive lock
 * there.
 */
bool step_part_is_planned(const struct step_context *context, const char *path,
                          const struct file_identity *identity);

/* The image of STEP by its path. */
struct qemu_img_target step_part_target(const struct step *step);

/* IMAGE by NAME: its path, or what step_part_name() says. */
struct qemu_img_target step_part_opened(const char *name, const struct image *image);

const struct image *step_part_walk(struct image_graph *graph, const struct step *step,
                                   GError **error);

/* Whether the plan holds IMAGE, or one below it, for itself alone. */
bool step_part_any_is_ours(const struct image *image, const struct step_context *context);

/* A name by which a child that inherits descriptor FD reaches what it leads to: qemu-img opens it
 * anew. Free with g_free().
 */
char *step_part_name(int fd);

/* Run one program (ARGV is taken) that may touch what SANDBOX says and inherits FD, and judge it
 * strictly.
 */
bool step_part_run(char **argv, const struct sandbox *sandbox, int fd, GError **error);

/* Let qemu-img repair IMAGE, open at FD, before or after something that changes it is run again: it
 * was interrupted or failed. Only what that leaves behind is mended; no state changes.
 */
bool step_part_repair(const struct qemu_img_target *image, int fd, GError **error);

/* Repair IMAGE, open at FD, when its header says that a program wrote it and did not close it
 * (lazy_refcounts): one that opens it for writing does so anyway, and qemu-img complains of what it
 * finds. The user is told. Fails as step_part_repair() does.
 */
bool step_part_settle(const struct qemu_img_target *image, int fd,
                      const struct step_context *context, GError **error);

bool step_part_flush(int fd, const char *path, GError **error);

/* Read the header of IMAGE, open at FD; free with image_header_clear(). */
bool step_part_read(const struct qemu_img_target *image, int fd, struct image_header *header,
                    GError **error);

/* The same of the image of STEP. */
bool step_link_read(const struct step *step, int fd, struct image_header *header, GError **error);

/* Whether HEADER has the backing link LINK. */
bool step_link_is(const struct image_header *header, const struct step_link *link);

/* Give the image of STEP, open at FD, the backing link LINK, its data unmoved, and flush it. */
bool step_link_set(const struct step *step, int fd, const struct step_link *link, GError **error);

/* A backing string that leads to what STEP, a rebase, is to put its image on, but only as long as
 * the program of the step lives: qemu-img writes the link before the data is flushed. What it leads
 * through is a descriptor that the program inherits, step->fd, named by CHILD_PROC: nobody else may
 * have a file behind such a name. VIRTUAL_SIZE is that of the image. Free with g_free().
 */
char *step_stand_in(struct step *step, uint64_t virtual_size, GError **error);

/* Whether BACKING may have come from step_stand_in(), in whatever process. */
bool step_is_stand_in(const char *backing);
