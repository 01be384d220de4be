/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/distinct.h"

#include "txn/step-image.h"
#include "util/error.h"

/* What two steps must not share: "name PATH", "image RANK PATH". */
static bool
claim(GHashTable *claims, char *claim, const char *path, GError **error)
{
    if (g_hash_table_add(claims, claim))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' would be made or changed twice: choose other names", path);
    return false;
}

static bool
claim_image(GHashTable *claims, unsigned rank, const char *path, GError **error)
{
    return claim(claims, g_strdup_printf("image %u %s", rank, path), path, error);
}

static bool
claim_step(GHashTable *claims, const struct step *step, GError **error)
{
    if (!step_kind_is_image(step->kind))
        return claim(claims, g_strconcat("name ", step->path, NULL), step->path, error);
    if (!claim_image(claims, step->rank, step->path, error))
        return false;
    return step->kind != STEP_COMMIT || claim_image(claims, step->rank, step->source, error);
}

static bool
check_phase(const GPtrArray *steps, GError **error)
{
    g_autoptr(GHashTable) claims = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < steps->len; i++) {
        if (!claim_step(claims, g_ptr_array_index(steps, i), error))
            return false;
    }
    return true;
}

bool
plan_check_distinct(const struct plan *plan, GError **error)
{
    return check_phase(plan->prepare, error) && check_phase(plan->apply, error);
}
