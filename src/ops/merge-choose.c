/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge-cost.h"
#include "ops/merge-decide.h"
#include "util/error.h"

/* The images between TOP and the next one below that remains. */
struct span {
    struct merge_node *top;
    struct merge_node *bottom;
    bool shared; /* further images stand on one of them */
    bool forced; /* a strategy was forced for one of them */
};

static struct span
find_span(const struct merge_decision *decision, struct merge_node *top)
{
    struct span span = {.top = top};

    for (struct merge_node *node = top->below; node && node->fate == MERGE_GOES;
         node = node->below) {
        span.bottom = node;
        span.shared = span.shared || node->tops->len > 1;
        span.forced = span.forced || merge_is_forced(decision, node);
    }
    return span;
}

/* The merge whose top is IMAGE and whose bottom gets another name; NULL: there is none. */
static const struct merge *
find_renaming(const struct merges *merges, const struct image *image)
{
    for (guint i = 0; image && i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);

        if (merge->top == image && merge->how == MERGE_COMMIT && !merge->keeps_name)
            return merge;
    }
    return NULL;
}

static bool
check_relinks(const struct merge_decision *decision, const struct merge_node *top, GError **error)
{
    for (guint i = 0; i < top->kids->len; i++) {
        const struct merge_node *kid = g_ptr_array_index(top->kids, i);

        if (kid->fate != MERGE_GARBAGE &&
            !merge_rules_relink(&decision->setting, kid->image, error))
            return false;
    }
    return true;
}

/* Whether the data of SPAN may go down; *KEEPS_NAME as in struct merge. */
static bool
may_commit(const struct merge_decision *decision, const struct span *span, bool *keeps_name,
           GError **error)
{
    const struct merge_run run = {span->top->image, span->bottom->image};

    if (span->shared) {
        g_autoptr(GError) why = merge_several_stand_on(span->bottom, "");

        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, why->message);
        return false;
    }
    if (!merge_rules_commit(&decision->setting, &run, error) ||
        !merge_rules_keep_name(&decision->setting, &run, keeps_name, error))
        return false;
    if (!*keeps_name)
        return check_relinks(decision, span->top, error);
    if (!find_renaming(decision->merges, run.bottom->backing))
        return true;
    /* its link would have to change under a name that changes, too */
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' would take the name of '%s' while what is below it is merged as well",
                run.bottom->path, run.top->path);
    return false;
}

static bool
may_rebase(const struct merge_decision *decision, const struct span *span, GError **error)
{
    const struct merge_run run = {span->top->image, span->bottom->image};

    return merge_rules_rebase(&decision->setting, &run, error);
}

/* Neither way is allowed: the image right below the top of SPAN stays. What is below that may go
 * nevertheless.
 */
static void
keep_first(struct merge_decision *decision, const struct span *span, const GError *down,
           const GError *up)
{
    struct merge_node *node = span->top->below;

    node->fate = MERGE_STAYS;
    if (node->released)
        merge_note(decision, "'%s' stays: its data cannot go down (%s), nor up (%s)",
                   node->image->path, down->message, up->message);
}

static void
note_choice(struct merge_decision *decision, const struct merge *merge, uint64_t other,
            const GError *why)
{
    bool down = merge->how == MERGE_COMMIT;
    g_autofree char *instead = why ? g_strdup_printf("not possible: %s", why->message)
                                   : g_strdup_printf("%" G_GUINT64_FORMAT " bytes", other);

    merge_note(decision,
               MERGE_NOTE_STRATEGY "%s moves at most %" G_GUINT64_FORMAT
                                   " bytes %s '%s' %s '%s' (%s: %s)",
               down ? "commit" : "rebase", merge->bytes, down ? "from" : "into", merge->top->path,
               down ? "down into" : "from what is below it down to", merge->bottom->path,
               down ? "rebase" : "commit", instead);
}

static void
add_merge(struct merge_decision *decision, const struct span *span, struct merge *merge)
{
    struct merges *merges = decision->merges;

    merge->level = merge_cost_level(merges->merges, merge);
    merge->space = merge_cost_space(merge);
    g_array_append_val(merges->merges, *merge);
    span->bottom->tail = merge->how == MERGE_COMMIT;
}

/* Decide about SPAN, of which all merges below have been decided. */
static bool
choose(struct merge_decision *decision, const struct span *span, GError **error)
{
    struct merge merge = {.top = span->top->image, .bottom = span->bottom->image};
    enum merge_strategy strategy = span->forced ? decision->setting.strategy : MERGE_AUTO;
    uint64_t down = merge_cost_down(&merge);
    uint64_t up = merge_cost_up(&merge);
    g_autoptr(GError) no_commit = NULL;
    g_autoptr(GError) no_rebase = NULL;

    may_commit(decision, span, &merge.keeps_name, &no_commit);
    may_rebase(decision, span, &no_rebase);
    if (strategy == MERGE_COMMIT && no_commit)
        return merge_set_refused(decision, no_commit, error);
    if (strategy == MERGE_REBASE && no_rebase)
        return merge_set_refused(decision, no_rebase, error);
    if (no_commit && no_rebase) {
        keep_first(decision, span, no_commit, no_rebase);
        return true;
    }
    if (strategy == MERGE_AUTO)
        strategy = no_rebase || (!no_commit && down <= up) ? MERGE_COMMIT : MERGE_REBASE;
    merge.how = strategy;
    merge.bytes = strategy == MERGE_COMMIT ? down : up;
    merge.keeps_name = merge.keeps_name && strategy == MERGE_COMMIT;
    note_choice(decision, &merge, strategy == MERGE_COMMIT ? up : down,
                strategy == MERGE_COMMIT ? no_rebase : no_commit);
    add_merge(decision, span, &merge);
    return true;
}

/* Decide about all that is to go below TOP, until something remains. */
static bool
choose_below(struct merge_decision *decision, struct merge_node *top, GError **error)
{
    for (;;) {
        struct span span = find_span(decision, top);

        if (!span.bottom)
            return true;
        if (!choose(decision, &span, error))
            return false;
        if (top->below->fate != MERGE_STAYS)
            return true;
        top = top->below;
    }
}

bool
merge_choose(struct merge_decision *decision, GError **error)
{
    const GPtrArray *nodes = decision->graph->nodes;

    for (guint i = nodes->len; i > 0; i--) {
        struct merge_node *node = g_ptr_array_index(nodes, i - 1);

        if (merge_node_remains(node) && !choose_below(decision, node, error))
            return false;
    }
    return true;
}
