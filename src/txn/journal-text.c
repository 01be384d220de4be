/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal.h"

#include <stdio.h>
#include <string.h>

#include "txn/journal-field.h"
#include "util/error.h"

#define JOURNAL_MAGIC "offshot-journal"
#define JOURNAL_GROUP "journal"

static void
format_steps(GKeyFile *file, const char *prefix, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        g_autofree char *group = g_strdup_printf("%s %u", prefix, i);

        journal_set_step(file, group, g_ptr_array_index(steps, i));
    }
}

static void
format_locks(GKeyFile *file, const GPtrArray *checks)
{
    unsigned number = 0;

    for (guint i = 0; i < checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(checks, i);
        g_autofree char *group = NULL;

        if (check->kind != PLAN_CHECK_LOCK && check->kind != PLAN_CHECK_EXCLUSIVE)
            continue;
        group = g_strdup_printf("lock %u", number++);
        journal_set_text(file, group, "path", check->path);
        journal_set_identity(file, group, "old", &check->identity);
        if (check->kind == PLAN_CHECK_EXCLUSIVE)
            g_key_file_set_boolean(file, group, "exclusive", TRUE);
    }
}

/* Where to look for what stands on the images, and what may. */
static void
format_watch(GKeyFile *file, const struct plan *plan)
{
    for (guint i = 0; i < plan->directories->len; i++) {
        g_autofree char *group = g_strdup_printf("directory %u", i);

        journal_set_text(file, group, "path", g_ptr_array_index(plan->directories, i));
    }
    for (guint i = 0; i < plan->known->len; i++) {
        g_autofree char *group = g_strdup_printf("known %u", i);

        journal_set_identity(file, group, "old",
                             &g_array_index(plan->known, struct file_identity, i));
    }
}

/* The first line for a body with the checksum SUM, without its end. */
static char *
first_line(unsigned version, const char *sum)
{
    return g_strdup_printf("%s %u %s", JOURNAL_MAGIC, version, sum);
}

char *
journal_format(const struct plan *plan, enum plan_phase phase, const char *boot)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autofree char *body = NULL;
    g_autofree char *sum = NULL;
    g_autofree char *line = NULL;

    g_key_file_set_value(file, JOURNAL_GROUP, "phase",
                         phase == PLAN_PREPARE ? "preparing" : "committed");
    journal_set_text(file, JOURNAL_GROUP, "operation", plan->operation);
    journal_set_text(file, JOURNAL_GROUP, "domain", plan->domain);
    journal_set_text(file, JOURNAL_GROUP, "snapshot", plan->snapshot);
    journal_set_text(file, JOURNAL_GROUP, "boot", boot);
    journal_set_text(file, JOURNAL_GROUP, "place", plan->place);
    journal_set_identity(file, JOURNAL_GROUP, "place-identity", &plan->place_identity);
    journal_set_text(file, JOURNAL_GROUP, "definition", plan->definition);
    if (plan->watched > 0)
        g_key_file_set_int64(file, JOURNAL_GROUP, "watched", plan->watched);
    if (plan->applied > 0)
        g_key_file_set_uint64(file, JOURNAL_GROUP, "applied", plan->applied);
    format_steps(file, "prepare", plan->prepare);
    format_steps(file, "apply", plan->apply);
    format_locks(file, plan->checks);
    format_watch(file, plan);
    body = g_key_file_to_data(file, NULL, NULL);
    sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);
    line = first_line(JOURNAL_VERSION, sum);
    return g_strdup_printf("%s\n%s", line, body);
}

static bool
parse_steps(GKeyFile *file, const char *prefix, enum plan_phase phase, GPtrArray *steps,
            GError **error)
{
    for (guint i = 0;; i++) {
        g_autofree char *group = g_strdup_printf("%s %u", prefix, i);
        struct step *step;

        if (!g_key_file_has_group(file, group))
            return true;
        step = journal_get_step(file, group, phase, error);
        if (!step)
            return false;
        g_ptr_array_add(steps, step);
    }
}

static bool
parse_locks(GKeyFile *file, struct plan *plan, GError **error)
{
    for (guint i = 0;; i++) {
        g_autofree char *group = g_strdup_printf("lock %u", i);
        g_autofree char *path = NULL;
        struct file_identity identity = {0};

        if (!g_key_file_has_group(file, group))
            return true;
        if (!journal_get_text(file, group, "path", true, &path, error) ||
            !journal_get_identity(file, group, "old", &identity, error))
            return false;
        if (g_key_file_get_boolean(file, group, "exclusive", NULL))
            plan_check_exclusive(plan, path, &identity);
        else
            plan_check_lock(plan, path, &identity);
    }
}

static bool
parse_directories(GKeyFile *file, struct plan *plan, GError **error)
{
    for (guint i = 0;; i++) {
        g_autofree char *group = g_strdup_printf("directory %u", i);
        g_autofree char *path = NULL;

        if (!g_key_file_has_group(file, group))
            return true;
        if (!journal_get_text(file, group, "path", true, &path, error))
            return false;
        plan_watch_directory(plan, path);
    }
}

static bool
parse_known(GKeyFile *file, struct plan *plan, GError **error)
{
    for (guint i = 0;; i++) {
        g_autofree char *group = g_strdup_printf("known %u", i);
        struct file_identity identity = {0};

        if (!g_key_file_has_group(file, group))
            return true;
        if (!journal_get_identity(file, group, "old", &identity, error))
            return false;
        plan_know_file(plan, &identity);
    }
}

/* Check the first line; *BODY is what follows it. */
static bool
parse_first_line(const char *text, size_t length, const char **body, GError **error)
{
    const char *end = memchr(text, '\n', length);
    g_autofree char *sum = NULL;
    g_autofree char *line = NULL;
    g_autofree char *expected = NULL;
    unsigned version;

    if (!end)
        return journal_set_damaged(error, "it has no first line");
    line = g_strndup(text, (size_t)(end - text));
    if (sscanf(line, JOURNAL_MAGIC " %9u ", &version) < 1)
        return journal_set_damaged(error, "its first line is not that of a journal");
    if (version > JOURNAL_VERSION) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                    "the journal was written by a newer offshot (format %u, this one knows %d): "
                    "recover with that one",
                    version, JOURNAL_VERSION);
        return false;
    }
    *body = end + 1;
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)*body,
                                      length - (size_t)(*body - text));
    expected = first_line(version, sum);
    return (version > 0 && strcmp(line, expected) == 0) ||
           journal_set_damaged(error, "its checksum does not fit");
}

struct journal *
journal_parse(const char *text, size_t length, const char *boot, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    scoped(journal) journal = g_new0(struct journal, 1);
    g_autofree char *phase = NULL;
    const char *body = NULL;

    journal->plan = plan_new(NULL, NULL, NULL);
    if (!parse_first_line(text, length, &body, error))
        return NULL;
    if (!g_key_file_load_from_data(file, body, length - (size_t)(body - text), G_KEY_FILE_NONE,
                                   NULL)) {
        journal_set_damaged(error, "it is no key file");
        return NULL;
    }
    if (!journal_get_text(file, JOURNAL_GROUP, "phase", true, &phase, error) ||
        !journal_get_text(file, JOURNAL_GROUP, "operation", true, &journal->plan->operation,
                          error) ||
        !journal_get_text(file, JOURNAL_GROUP, "domain", true, &journal->plan->domain, error) ||
        !journal_get_text(file, JOURNAL_GROUP, "snapshot", false, &journal->plan->snapshot,
                          error) ||
        !journal_get_text(file, JOURNAL_GROUP, "boot", true, &journal->plan->boot, error) ||
        !journal_get_text(file, JOURNAL_GROUP, "place", false, &journal->plan->place, error) ||
        !journal_get_text(file, JOURNAL_GROUP, "definition", false, &journal->plan->definition,
                          error) ||
        !journal_get_identity(file, JOURNAL_GROUP, "place-identity", &journal->plan->place_identity,
                              error) ||
        !parse_steps(file, "prepare", PLAN_PREPARE, journal->plan->prepare, error) ||
        !parse_steps(file, "apply", PLAN_APPLY, journal->plan->apply, error) ||
        !parse_locks(file, journal->plan, error) ||
        !parse_directories(file, journal->plan, error) || !parse_known(file, journal->plan, error))
        return NULL;
    if (strcmp(phase, "preparing") != 0 && strcmp(phase, "committed") != 0) {
        journal_set_damaged(error, "phase");
        return NULL;
    }
    journal->plan->watched = g_key_file_get_int64(file, JOURNAL_GROUP, "watched", NULL);
    journal->plan->applied = (unsigned)g_key_file_get_uint64(file, JOURNAL_GROUP, "applied", NULL);
    journal->phase = strcmp(phase, "preparing") == 0 ? PLAN_PREPARE : PLAN_APPLY;
    journal->same_boot = boot[0] != '\0' && strcmp(boot, journal->plan->boot) == 0;
    return g_steal_pointer(&journal);
}

void
journal_free(struct journal *journal)
{
    if (!journal)
        return;
    plan_free(journal->plan);
    g_free(journal);
}
