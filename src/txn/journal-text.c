/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"

#define JOURNAL_MAGIC "offshot-journal"
#define JOURNAL_GROUP "journal"

/* What may stand in a value as it is; everything else is percent-encoded, so that names of any
 * bytes pass through a key file and stay readable to somebody who has to look.
 */
#define PLAIN_CHARACTERS "/+,=@:~"

static void
set_text(GKeyFile *file, const char *group, const char *key, const char *value)
{
    g_autofree char *encoded = NULL;

    if (!value)
        return;
    encoded = g_uri_escape_bytes((const guint8 *)value, strlen(value), PLAIN_CHARACTERS);
    g_key_file_set_value(file, group, key, encoded);
}

static void
set_identity(GKeyFile *file, const char *group, const char *key,
             const struct file_identity *identity)
{
    g_autofree char *text = NULL;

    if (identity->inode == 0)
        return;
    text = g_strdup_printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64,
                           identity->device, identity->inode, identity->size, identity->mtime,
                           identity->birth);
    g_key_file_set_value(file, group, key, text);
}

static void
format_step(GKeyFile *file, const char *group, const struct step *step)
{
    g_key_file_set_value(file, group, "kind", step_kind_name(step->kind));
    g_key_file_set_uint64(file, group, "rank", step->rank);
    set_text(file, group, "path", step->path);
    set_text(file, group, "source", step->source);
    if (step->fresh)
        g_key_file_set_boolean(file, group, "fresh", TRUE);
    if (step->yields)
        g_key_file_set_boolean(file, group, "yields", TRUE);
    set_identity(file, group, "old", &step->old);
    set_identity(file, group, "made", &step->made);
}

static void
format_steps(GKeyFile *file, const char *prefix, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        g_autofree char *group = g_strdup_printf("%s %u", prefix, i);

        format_step(file, group, g_ptr_array_index(steps, i));
    }
}

static void
format_locks(GKeyFile *file, const GPtrArray *checks)
{
    unsigned number = 0;

    for (guint i = 0; i < checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(checks, i);
        g_autofree char *group = NULL;

        if (check->kind != PLAN_CHECK_LOCK)
            continue;
        group = g_strdup_printf("lock %u", number++);
        set_text(file, group, "path", check->path);
        set_identity(file, group, "old", &check->identity);
    }
}

/* The first line for a body with the checksum SUM, without its end. */
static char *
first_line(const char *sum)
{
    return g_strdup_printf("%s %d %s", JOURNAL_MAGIC, JOURNAL_VERSION, sum);
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
    set_text(file, JOURNAL_GROUP, "operation", plan->operation);
    set_text(file, JOURNAL_GROUP, "domain", plan->domain);
    set_text(file, JOURNAL_GROUP, "snapshot", plan->snapshot);
    set_text(file, JOURNAL_GROUP, "boot", boot);
    format_steps(file, "prepare", plan->prepare);
    format_steps(file, "apply", plan->apply);
    format_locks(file, plan->checks);
    body = g_key_file_to_data(file, NULL, NULL);
    sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);
    line = first_line(sum);
    return g_strdup_printf("%s\n%s", line, body);
}

static bool
set_damaged(GError **error, const char *what)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED, "the journal is damaged: %s",
                what);
    return false;
}

/* The decoded value of KEY, or NULL with an error when it is missing and REQUIRED, or malformed. */
static bool
get_text(GKeyFile *file, const char *group, const char *key, bool required, char **value,
         GError **error)
{
    g_autofree char *encoded = g_key_file_get_value(file, group, key, NULL);
    g_autoptr(GBytes) bytes = NULL;

    *value = NULL;
    if (!encoded)
        return !required || set_damaged(error, key);
    bytes = g_uri_unescape_bytes(encoded, -1, NULL, NULL);
    if (!bytes)
        return set_damaged(error, key);
    *value = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return strlen(*value) == g_bytes_get_size(bytes) || set_damaged(error, key);
}

static bool
get_identity(GKeyFile *file, const char *group, const char *key, struct file_identity *identity,
             GError **error)
{
    g_autofree char *text = g_key_file_get_value(file, group, key, NULL);
    int end = 0;

    if (!text)
        return true;
    if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 "%n",
               &identity->device, &identity->inode, &identity->size, &identity->mtime,
               &identity->birth, &end) != 5 ||
        text[end] != '\0')
        return set_damaged(error, key);
    return true;
}

static struct step *
parse_step(GKeyFile *file, const char *group, enum plan_phase phase, GError **error)
{
    g_autofree char *name = g_key_file_get_value(file, group, "kind", NULL);
    scoped(step) step = NULL;
    enum step_kind kind;

    if (!name || !step_kind_parse(name, &kind) || step_kind_phase(kind) != phase) {
        set_damaged(error, group);
        return NULL;
    }
    step = step_new(kind, (unsigned)g_key_file_get_uint64(file, group, "rank", NULL), NULL);
    if (!get_text(file, group, "path", true, &step->path, error) ||
        !get_text(file, group, "source", false, &step->source, error) ||
        !get_identity(file, group, "old", &step->old, error) ||
        !get_identity(file, group, "made", &step->made, error))
        return NULL;
    step->fresh = g_key_file_get_boolean(file, group, "fresh", NULL);
    step->yields = g_key_file_get_boolean(file, group, "yields", NULL);
    if (!step->source && (kind == STEP_LINK || kind == STEP_REPLACE || kind == STEP_INSTALL ||
                          kind == STEP_FILL_DEVICE)) {
        set_damaged(error, group);
        return NULL;
    }
    return g_steal_pointer(&step);
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
        step = parse_step(file, group, phase, error);
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
        if (!get_text(file, group, "path", true, &path, error) ||
            !get_identity(file, group, "old", &identity, error))
            return false;
        plan_check_lock(plan, path, &identity);
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
        return set_damaged(error, "it has no first line");
    line = g_strndup(text, (size_t)(end - text));
    if (sscanf(line, JOURNAL_MAGIC " %9u ", &version) < 1)
        return set_damaged(error, "its first line is not that of a journal");
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
    expected = first_line(sum);
    return strcmp(line, expected) == 0 || set_damaged(error, "its checksum does not fit");
}

struct journal *
journal_parse(const char *text, size_t length, const char *boot, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    scoped(journal) journal = g_new0(struct journal, 1);
    g_autofree char *phase = NULL;
    g_autofree char *written = NULL;
    const char *body;

    journal->plan = plan_new(NULL, NULL, NULL);
    if (!parse_first_line(text, length, &body, error))
        return NULL;
    if (!g_key_file_load_from_data(file, body, length - (size_t)(body - text), G_KEY_FILE_NONE,
                                   NULL)) {
        set_damaged(error, "it is no key file");
        return NULL;
    }
    if (!get_text(file, JOURNAL_GROUP, "phase", true, &phase, error) ||
        !get_text(file, JOURNAL_GROUP, "operation", true, &journal->plan->operation, error) ||
        !get_text(file, JOURNAL_GROUP, "domain", true, &journal->plan->domain, error) ||
        !get_text(file, JOURNAL_GROUP, "snapshot", false, &journal->plan->snapshot, error) ||
        !get_text(file, JOURNAL_GROUP, "boot", true, &written, error) ||
        !parse_steps(file, "prepare", PLAN_PREPARE, journal->plan->prepare, error) ||
        !parse_steps(file, "apply", PLAN_APPLY, journal->plan->apply, error) ||
        !parse_locks(file, journal->plan, error))
        return NULL;
    if (strcmp(phase, "preparing") != 0 && strcmp(phase, "committed") != 0) {
        set_damaged(error, "phase");
        return NULL;
    }
    journal->phase = strcmp(phase, "preparing") == 0 ? PLAN_PREPARE : PLAN_APPLY;
    journal->same_boot = boot[0] != '\0' && strcmp(boot, written) == 0;
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
