/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "txn/plan.h"

static const struct {
    const char *name;
    enum plan_phase phase;
} kinds[] = {
    [STEP_MAKE_DIRECTORY] = {"make-directory", PLAN_PREPARE},
    [STEP_STAGE_FILE] = {"stage-file", PLAN_PREPARE},
    [STEP_CREATE_OVERLAY] = {"create-overlay", PLAN_PREPARE},
    [STEP_FILL_DEVICE] = {"fill-device", PLAN_PREPARE},
    [STEP_CONVERT] = {"convert", PLAN_PREPARE},
    [STEP_LINK] = {"link", PLAN_PREPARE},
    [STEP_TAKE_TAG] = {"take-tag", PLAN_PREPARE},
    [STEP_APPLY_TAG] = {"apply-tag", PLAN_PREPARE},
    [STEP_COMMIT] = {"commit", PLAN_APPLY},
    [STEP_REBASE] = {"rebase", PLAN_APPLY},
    [STEP_RELINK] = {"relink", PLAN_APPLY},
    [STEP_REPLACE] = {"replace", PLAN_APPLY},
    [STEP_INSTALL] = {"install", PLAN_APPLY},
    [STEP_UNLINK] = {"unlink", PLAN_APPLY},
    [STEP_DELETE_TAG] = {"delete-tag", PLAN_APPLY},
};

const char *
step_kind_name(enum step_kind kind)
{
    return kinds[kind].name;
}

bool
step_kind_parse(const char *name, enum step_kind *kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            *kind = (enum step_kind)i;
            return true;
        }
    }
    return false;
}

enum plan_phase
step_kind_phase(enum step_kind kind)
{
    return kinds[kind].phase;
}
