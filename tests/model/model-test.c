/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random sequences of what can be done with the snapshots of a domain, with the real program and
 * real images, against a model that remembers what every disk held at every snapshot (model.h).
 * run.sh runs it.
 */
#include <config.h>

#include <glib/gstdio.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/start.h"
#include "model/step.h"
#include "model/verify.h"

static const char *const tally_names[TALLY_COUNT] = {"writes",   "creates",  "reverts", "deletes",
                                                     "flattens", "extracts", "others",  "refused"};

static void
run_seed(const char *directory, guint seed, guint count, const char *only)
{
    const char *offshot = g_getenv("OFFSHOT");
    scoped(run) run = run_start(offshot ? offshot : "offshot", directory, seed);

    run->only = only;
    verify(run, run->seen);
    for (run->step = 1; run->step <= count; run->step++)
        step_run(run);
    printf("seed %u:", seed);
    for (guint i = 0; i < TALLY_COUNT; i++)
        printf(" %s %u", tally_names[i], run->tally[i]);
    printf("\n");
}

int
main(int argc, char **argv)
{
    int seed = 1, steps = 20;
    g_autofree char *only = NULL;
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT, &seed, "which sequence", "N"},
        {"steps", 0, 0, G_OPTION_ARG_INT, &steps, "how long it is", "N"},
        {"only", 0, 0, G_OPTION_ARG_STRING, &only, "only these steps", "NAME,…"},
        {0},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("DIRECTORY");
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error) || argc != 2) {
        fprintf(stderr, "model-test: %s\n", error ? error->message : "a new DIRECTORY is needed");
        return 99;
    }
    run_seed(argv[1], seed, steps, only);
    xmlCleanupParser();
    return 0;
}
