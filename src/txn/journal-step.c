/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal-field.h"

#include <stddef.h>

#include "txn/step-image.h"

/* What a step may hold beside kind, rank and path: each key and where it goes. */
static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    {"source", offsetof(struct step, source)},
    {"format", offsetof(struct step, format)},
    {"tag", offsetof(struct step, tag)},
    {"tag-id", offsetof(struct step, tag_id)},
    {"undo", offsetof(struct step, undo)},
    {"hidden", offsetof(struct step, hidden)},
    {"link", offsetof(struct step, link.backing)},
    {"link-format", offsetof(struct step, link.format)},
    {"old-link", offsetof(struct step, old_link.backing)},
    {"old-link-format", offsetof(struct step, old_link.format)},
    {"base", offsetof(struct step, base)},
    {"digest", offsetof(struct step, digest)},
};

static const struct {
    const char *key;
    size_t offset;
} flags[] = {
    {"block", offsetof(struct step, block)},       {"guarded", offsetof(struct step, guarded)},
    {"discards", offsetof(struct step, discards)}, {"fresh", offsetof(struct step, fresh)},
    {"yields", offsetof(struct step, yields)},     {"begun", offsetof(struct step, begun)},
};

#define TEXT_OF(step, i) ((char **)((char *)(step) + texts[i].offset))
#define FLAG_OF(step, i) ((bool *)((char *)(step) + flags[i].offset))

void
journal_set_step(GKeyFile *file, const char *group, const struct step *step)
{
    g_key_file_set_value(file, group, "kind", step_kind_name(step->kind));
    g_key_file_set_uint64(file, group, "rank", step->rank);
    journal_set_text(file, group, "path", step->path);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        journal_set_text(file, group, texts[i].key, *TEXT_OF(step, i));
    if (step->tag_date != 0)
        g_key_file_set_int64(file, group, "tag-date", step->tag_date);
    if (step->depth > 0)
        g_key_file_set_uint64(file, group, "depth", step->depth);
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
        if (*FLAG_OF(step, i))
            g_key_file_set_boolean(file, group, flags[i].key, TRUE);
    }
    journal_set_identity(file, group, "old", &step->old);
    journal_set_identity(file, group, "made", &step->made);
}

/* Whether STEP has what its kind cannot do without. */
static bool
is_complete(const struct step *step)
{
    switch (step->kind) {
    case STEP_LINK:
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_FILL_DEVICE:
        return step->source != NULL;
    case STEP_TAKE_TAG:
    case STEP_DELETE_TAG:
        return step->format && step->tag;
    case STEP_APPLY_TAG:
        return step->format && step->tag && step->undo;
    case STEP_COMMIT:
        return step->format && step->source && step->depth > 0;
    case STEP_REBASE:
    case STEP_RELINK:
        return step->format != NULL;
    case STEP_MAKE_DIRECTORY:
    case STEP_STAGE_FILE:
    case STEP_CREATE_OVERLAY:
    case STEP_CONVERT:
    case STEP_UNLINK:
        return true;
    }
    return false;
}

static bool
get_texts(GKeyFile *file, const char *group, struct step *step, GError **error)
{
    if (!journal_get_text(file, group, "path", true, &step->path, error))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (!journal_get_text(file, group, texts[i].key, false, TEXT_OF(step, i), error))
            return false;
    }
    return true;
}

struct step *
journal_get_step(GKeyFile *file, const char *group, enum plan_phase phase, GError **error)
{
    g_autofree char *name = g_key_file_get_value(file, group, "kind", NULL);
    scoped(step) step = NULL;
    enum step_kind kind;

    if (!name || !step_kind_parse(name, &kind) || step_kind_phase(kind) != phase) {
        journal_set_damaged(error, group);
        return NULL;
    }
    step = step_new(kind, (unsigned)g_key_file_get_uint64(file, group, "rank", NULL), NULL);
    if (!get_texts(file, group, step, error) ||
        !journal_get_identity(file, group, "old", &step->old, error) ||
        !journal_get_identity(file, group, "made", &step->made, error))
        return NULL;
    step->tag_date = g_key_file_get_int64(file, group, "tag-date", NULL);
    step->depth = (unsigned)g_key_file_get_uint64(file, group, "depth", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
        *FLAG_OF(step, i) = g_key_file_get_boolean(file, group, flags[i].key, NULL);
    /* What the commit record tells of may have been begun at any time. */
    step->begun = step_kind_is_image(kind) && (step->begun || phase == PLAN_APPLY);
    if (is_complete(step))
        return g_steal_pointer(&step);
    journal_set_damaged(error, group);
    return NULL;
}
