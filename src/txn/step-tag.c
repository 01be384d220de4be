/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "txn/step-image.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "txn/tagged.h"
#include "util/error.h"

/* The longest name that qemu-img does not cut, in bytes. */
#define NAME_BYTES_MAX 255

/* A state that was found is kept under the name of the undo tag, so much of it, and this. */
#define KEPT ".kept"
#define KEPT_STEM_MAX 240
#define KEPT_MAX 1000

static char **
begin_take(const struct tagged *tagged, GError **error)
{
    const char *name = tagged->step->tag;

    if (strlen(name) > NAME_BYTES_MAX) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the name of an internal snapshot is at most %d bytes long", NAME_BYTES_MAX);
        return NULL;
    }
    if (!image_tags_find(tagged->tags, name))
        return tagged_program(tagged, 'c', name);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "image '%s' has an internal snapshot '%s' already", tagged->step->path, name);
    return NULL;
}

static char **
begin_apply(const struct tagged *tagged, GError **error)
{
    const struct step *step = tagged->step;
    bool active;

    if (!tagged_is_active(tagged, step->undo, &active, error))
        return NULL;
    if (active)
        return tagged_program_for(tagged, 'a', step->tag, error);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "the active state of image '%s' is not that of internal snapshot '%s'", step->path,
                step->undo);
    return NULL;
}

static char **
begin_delete(const struct tagged *tagged, const struct step_context *context, GError **error)
{
    const struct step *step = tagged->step;

    if (!image_tags_find(tagged->tags, step->tag))
        return NULL;
    if (!tagged_is_another(tagged, step->tag))
        return tagged_program_for(tagged, 'd', step->tag, error);
    step_note(context, "image '%s': internal snapshot '%s' was taken anew meanwhile, and stays",
              step->path, step->tag);
    return NULL;
}

/* What the step runs; NULL without an error when there is nothing to do. */
static char **
begin(struct tagged *tagged, const struct step_context *context, GError **error)
{
    const struct step *step = tagged->step;
    const struct qemu_img_target image = step_part_target(step);

    if (!(context->recovering
              ? tagged_repair(tagged, error)
              : step_part_settle(&image, tagged->fd, context, error) && tagged_read(tagged, error)))
        return NULL;
    if (step->kind == STEP_TAKE_TAG)
        return begin_take(tagged, error);
    if (step->kind == STEP_APPLY_TAG)
        return begin_apply(tagged, error);
    return begin_delete(tagged, context, error);
}

bool
step_tag_begin(struct step *step, const struct step_context *context, bool *needed, GError **error)
{
    struct tagged tagged = {.step = step, .fd = step_part_open(step, context, error)};
    g_autoptr(GError) local = NULL;

    if (tagged.fd < 0)
        return false;
    step->fd = tagged.fd;
    step_part_reset(step);
    tagged.sandbox = step->sandbox;
    /* what a crash left is not to be seen before it is whole */
    if (!context->recovering || step_hide(step, step->fd, &local))
        step->argv = begin(&tagged, context, &local);
    *needed = step->argv != NULL;
    if (*needed && step->kind != STEP_APPLY_TAG)
        step_table_remember(step, step->fd, tagged.tags, &local);
    if (*needed && !local)
        step_hide(step, step->fd, &local);
    g_clear_pointer(&tagged.tags, g_ptr_array_unref);
    if (!local)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

bool
step_tag_end(const struct step *step, const struct step_context *context, GError **error)
{
    struct tagged tagged = {.step = step, .fd = step->fd};
    char verb = step->kind == STEP_TAKE_TAG ? 'c' : step->kind == STEP_APPLY_TAG ? 'a' : 'd';
    bool holds = false;
    /* behind an interrupted -d the next one leaves a cluster that nothing refers to */
    bool mend = verb == 'd' && context->recovering;
    bool fine = (mend ? tagged_repair : tagged_read)(&tagged, error) &&
                tagged_holds(&tagged, verb, step->tag, &holds, error);

    g_clear_pointer(&tagged.tags, g_ptr_array_unref);
    if (!fine)
        return false;
    if (!holds)
        return tagged_set_not_done(&tagged, verb, step->tag, error);
    return step_part_flush(step->fd, step->path, error) && step_unhide(step, error);
}

/* The first part of the names of kept states. */
static char *
kept_stem(const struct step *step)
{
    size_t length = strlen(step->undo);

    length = MIN(length, KEPT_STEM_MAX);
    while (length > 0 && ((unsigned char)step->undo[length] & 0xc0) == 0x80)
        length--;
    return g_strdup_printf("%.*s" KEPT, (int)length, step->undo);
}

/* Keep the active state as a tag, unless one that was made so before holds it. */
static bool
keep_active(struct tagged *tagged, GError **error)
{
    g_autofree char *stem = kept_stem(tagged->step);

    for (unsigned i = 1; i <= KEPT_MAX; i++) {
        g_autofree char *name = i == 1 ? g_strdup(stem) : g_strdup_printf("%s-%u", stem, i);
        bool active;

        if (!image_tags_find(tagged->tags, name))
            return tagged_change(tagged, tagged_program(tagged, 'c', name), 'c', name, error);
        if (!tagged_is_active(tagged, name, &active, error))
            return false;
        if (active)
            return true;
    }
    return step_set_unexplained(error, tagged->step->path, "has too many internal snapshots");
}

/* Tell of all kept states: who was to hear of them may have been interrupted. */
static void
note_kept(const struct tagged *tagged, const struct step_context *context)
{
    g_autofree char *stem = kept_stem(tagged->step);

    for (guint i = 0; i < tagged->tags->len; i++) {
        const struct image_tag *tag = tagged->tags->pdata[i];

        if (g_str_has_prefix(tag->name, stem))
            step_note(context,
                      "image '%s' was written after the operation was interrupted; that state is "
                      "kept as internal snapshot '%s': delete it with 'qemu-img snapshot -d' if "
                      "nothing needs it",
                      tagged->step->path, tag->name);
    }
}

/* Go back to the state before, whatever of the other one is there. */
static bool
go_back(struct tagged *tagged, const struct step_context *context, GError **error)
{
    const struct step *step = tagged->step;
    bool applied;
    char **argv;

    if (!tagged_is_active(tagged, step->tag, &applied, error))
        return false;
    if (!applied && context->recovering && !keep_active(tagged, error))
        return false;
    argv = tagged_program_for(tagged, 'a', step->undo, error);
    return argv && tagged_change(tagged, argv, 'a', step->undo, error);
}

static bool
undo_apply(struct tagged *tagged, const struct step_context *context, GError **error)
{
    const char *undo = tagged->step->undo;
    bool active;

    /* it was taken back before: the undo tag goes last */
    if (!image_tags_find(tagged->tags, undo))
        return true;
    if (!tagged_is_active(tagged, undo, &active, error) ||
        (!active && !go_back(tagged, context, error)))
        return false;
    if (context->recovering)
        note_kept(tagged, context);
    return true;
}

static bool
undo_take(struct tagged *tagged, GError **error)
{
    const char *name = tagged->step->tag;
    char **argv;

    if (!image_tags_find(tagged->tags, name))
        return step_part_flush(tagged->fd, tagged->step->path, error);
    argv = tagged_program_for(tagged, 'd', name, error);
    return argv && tagged_change(tagged, argv, 'd', name, error) && tagged_repair(tagged, error);
}

bool
step_tag_undo(const struct step *step, const struct step_context *context, GError **error)
{
    struct tagged tagged = tagged_open(step, context, error);
    bool fine =
        tagged.fd >= 0 && step_hide(step, tagged.fd, error) && tagged_repair(&tagged, error);

    if (fine)
        fine = step->kind == STEP_APPLY_TAG ? undo_apply(&tagged, context, error)
                                            : undo_take(&tagged, error);
    tagged_close(&tagged);
    return fine && step_unhide(step, error);
}

/* Make the image whole that STEP was changing. */
static bool
mend(const struct step *step, const struct step_context *context, GError **error)
{
    struct tagged tagged = tagged_open(step, context, error);
    bool fine = tagged.fd >= 0 && tagged_repair(&tagged, error) &&
                step_part_flush(tagged.fd, step->path, error);

    tagged_close(&tagged);
    return fine;
}

bool
step_tag_release(struct step *step, const struct step_context *context, GError **error)
{
    if (!step_is_hidden(step))
        return true;
    scoped_fd_close(&step->fd);
    return (!step->begun || mend(step, context, error)) && step_unhide(step, error);
}
