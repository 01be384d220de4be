/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge-decide.h"
#include "util/error.h"

/* What holds less is copied into everything that stands on it, rather than kept for it: bytes. */
#define SHARED_MIN (1024 * 1024)

void
merge_note(struct merge_decision *decision, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(decision->notes, g_strdup_vprintf(format, args));
    va_end(args);
}

bool
merge_is_forced(const struct merge_decision *decision, const struct merge_node *node)
{
    return node->released && decision->setting.strategy != MERGE_AUTO;
}

bool
merge_set_refused(const struct merge_decision *decision, const GError *why, GError **error)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, "--strategy=%s is not possible: %s",
                decision->setting.strategy == MERGE_COMMIT ? "commit" : "rebase", why->message);
    return false;
}

/* Let the image of NODE be, and say so unless it was left over before. WHY is taken. What was not
 * shown to be ours, as with --strategy=commit, must not be taken for ours later either.
 */
static void
keep(struct merge_decision *decision, struct merge_node *node, GError *why)
{
    bool ours = merge_rules_proven(&decision->setting, node->image, NULL);

    node->fate = ours ? MERGE_STAYS : MERGE_NEEDED;
    if (node->released)
        merge_note(decision, "'%s' stays: %s", node->image->path, why->message);
    g_error_free(why);
}

/* The same where data was to be moved out of its way: not if a strategy was forced. */
static bool
keep_or_refuse(struct merge_decision *decision, struct merge_node *node, GError *why,
               GError **error)
{
    bool fine = !merge_is_forced(decision, node) || merge_set_refused(decision, why, error);

    if (fine)
        keep(decision, node, why);
    else
        g_error_free(why);
    return fine;
}

/* Nothing stands on NODE any more. A strategy says how data is merged, not that what may be a
 * template for others is garbage.
 */
static void
drop(struct merge_decision *decision, struct merge_node *node)
{
    GError *why = NULL;

    if (!merge_rules_proven(&decision->setting, node->image, &why) ||
        !merge_rules_discard(&decision->setting, node->image, &why)) {
        keep(decision, node, why);
        /* not to be taken for ours later */
        node->fate = MERGE_NEEDED;
    } else if (merge_rules_remove(node->image, &why)) {
        node->fate = MERGE_GARBAGE;
    } else {
        keep(decision, node, why);
    }
}

GError *
merge_several_stand_on(const struct merge_node *node, const char *rest)
{
    const struct merge_node *one = g_ptr_array_index(node->tops, 0);
    const struct merge_node *other = g_ptr_array_index(node->tops, 1);

    return g_error_new(OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                       "several images stand on '%s' ('%s' and '%s')%s", node->image->path,
                       one->image->path, other->image->path, rest);
}

/* Why what NODE holds is not copied into each image that stands on it; NULL: it is. */
static GError *
find_obstacle(const struct merge_decision *decision, const struct merge_node *node)
{
    GError *why = NULL;

    if (merge_is_forced(decision, node) && decision->setting.strategy == MERGE_COMMIT)
        return merge_several_stand_on(node, ", of which none may go down into it");
    if (!merge_is_forced(decision, node) && merge_rules_bytes(node->image) >= SHARED_MIN)
        return merge_several_stand_on(node, " and share what it holds");
    for (guint i = 0; i < node->tops->len; i++) {
        const struct merge_node *top = g_ptr_array_index(node->tops, i);
        const struct merge_run run = {top->image, node->image};

        if (!merge_rules_rebase(&decision->setting, &run, &why))
            return why;
    }
    return NULL;
}

static bool
settle_shared(struct merge_decision *decision, struct merge_node *node, GError **error)
{
    GError *why = find_obstacle(decision, node);

    node->fate = MERGE_GOES;
    return !why || keep_or_refuse(decision, node, why, error);
}

/* What becomes of NODE, which nothing needs; all that stands on it is settled. */
static bool
settle_unneeded(struct merge_decision *decision, struct merge_node *node, GError **error)
{
    const struct merge_setting *setting = &decision->setting;
    bool stood_on = merge_node_count_kids(node) > 0;
    GError *why = NULL;

    if (!merge_rules_all_known(setting, &why) || !merge_rules_release(setting, node->image, &why)) {
        if (stood_on)
            return keep_or_refuse(decision, node, why, error);
        keep(decision, node, why);
        return true;
    }
    if (!stood_on) {
        drop(decision, node);
        return true;
    }
    node->fate = MERGE_GOES;
    merge_node_find_tops(node);
    return node->tops->len < 2 || settle_shared(decision, node, error);
}

/* Whether NODE is an image that this is about at all. What was never shown to be ours is not: a
 * note has to do.
 */
static bool
may_be_decided(struct merge_decision *decision, const struct merge_node *node)
{
    const struct merge_setting *setting = &decision->setting;
    g_autoptr(GError) why = NULL;

    if ((!node->released && !state_is_layer(setting->state, node->image)) ||
        merge_rules_is_needed(setting, node->image))
        return false;
    if (merge_rules_attached(setting, node->image, &why) &&
        ((node->released && setting->strategy == MERGE_COMMIT) ||
         merge_rules_proven(setting, node->image, &why)))
        return true;
    if (node->released)
        merge_note(decision, "'%s' stays: %s", node->image->path, why->message);
    return false;
}

bool
merge_settle(struct merge_decision *decision, GError **error)
{
    const GPtrArray *nodes = decision->graph->nodes;

    for (guint i = 0; i < nodes->len; i++) {
        struct merge_node *node = g_ptr_array_index(nodes, i);

        if (may_be_decided(decision, node) && !settle_unneeded(decision, node, error))
            return false;
    }
    return true;
}
