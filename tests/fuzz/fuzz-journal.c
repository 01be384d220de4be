/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "fuzz/fuzz.h"

#include "txn/journal.h"

#include <string.h>

#define BOOT "11111111-2222-3333-4444-555555555555"

static struct journal *
parse(const char *text, size_t length)
{
    g_autoptr(GError) error = NULL;
    struct journal *journal = journal_parse(text, length, BOOT, &error);

    g_assert(!journal == !!error);
    return journal;
}

static void
check_steps(const GPtrArray *steps, enum plan_phase phase)
{
    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        g_assert(step->path && step_kind_phase(step->kind) == phase);
        g_assert(!step->argv && !step->content);
    }
}

/* What was read is written, and reads and is written the same again. */
static void
check_journal(const struct journal *journal)
{
    const struct plan *plan = journal->plan;
    g_autofree char *text = journal_format(plan, journal->phase, BOOT);
    scoped(journal) again = parse(text, strlen(text));
    g_autofree char *second = NULL;

    check_steps(plan->prepare, PLAN_PREPARE);
    check_steps(plan->apply, PLAN_APPLY);
    g_assert(plan->operation && plan->domain && again && again->same_boot);
    g_assert(again->phase == journal->phase);
    g_assert_cmpstr(again->plan->domain, ==, plan->domain);
    g_assert_cmpstr(again->plan->snapshot, ==, plan->snapshot);
    g_assert(again->plan->prepare->len == plan->prepare->len);
    g_assert(again->plan->apply->len == plan->apply->len);
    second = journal_format(again->plan, again->phase, BOOT);
    g_assert_cmpstr(second, ==, text);
}

/* The journal as it is, and with a first line that fits what follows the one it has. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    const char *body = end ? end + 1 : text;
    size_t length = size - (size_t)(body - text);
    g_autofree char *sum =
        g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)body, length);
    g_autoptr(GString) sealed = g_string_new(NULL);
    scoped(journal) raw = parse(text, size);
    scoped(journal) journal = NULL;

    g_string_append_printf(sealed, "offshot-journal %d %s\n", JOURNAL_VERSION, sum);
    g_string_append_len(sealed, body, (gssize)length);
    journal = parse(sealed->str, sealed->len);
    if (raw)
        check_journal(raw);
    if (journal)
        check_journal(journal);
    return 0;
}
