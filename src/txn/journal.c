/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/error.h"

static char *
journal_path(const char *directory)
{
    return g_build_filename(directory, "journal", NULL);
}

/* The boot's identifier, or "" where the kernel does not tell. */
static char *
boot_identifier(void)
{
    char *text = NULL;

    if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &text, NULL, NULL))
        return g_strdup("");
    return g_strchomp(text);
}

bool
journal_save(const char *directory, const struct plan *plan, enum plan_phase phase, GError **error)
{
    g_autofree char *path = journal_path(directory);
    g_autofree char *boot = boot_identifier();
    g_autofree char *text = journal_format(plan, phase, boot);

    return file_save(path, text, strlen(text), error);
}

bool
journal_remove(const char *directory, GError **error)
{
    g_autofree char *path = journal_path(directory);

    if (unlink(path) < 0) {
        if (errno == ENOENT)
            return true;
        offshot_set_error_errno(error, errno, "cannot remove '%s'", path);
        return false;
    }
    /* Not flushed: should it come back after a power cut, there is nothing left to do for it. */
    return true;
}

bool
journal_exists(const char *directory)
{
    g_autofree char *path = journal_path(directory);

    return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* Whether ENTRY is a name that g_file_set_contents_full() gives to a journal under way. */
static bool
is_half_written(const char *entry)
{
    const char *random = entry + strlen("journal.");

    if (!g_str_has_prefix(entry, "journal.") || strlen(random) != 6)
        return false;
    for (; *random; random++) {
        if (!g_ascii_isalnum(*random))
            return false;
    }
    return true;
}

void
journal_sweep(const char *directory)
{
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    const char *entry;

    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(directory, entry, NULL);
        struct stat st;

        if (is_half_written(entry) && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
            st.st_nlink == 1)
            unlink(path);
    }
}

struct journal *
journal_load(const char *directory, const char *domain, GError **error)
{
    g_autofree char *path = journal_path(directory);
    g_autofree char *boot = boot_identifier();
    g_autofree char *text = NULL;
    g_autoptr(GError) local = NULL;
    scoped(journal) journal = NULL;
    size_t length;

    text = file_read(path, JOURNAL_MAX, &length, NULL, &local);
    if (!text && g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND))
        return NULL;
    if (!text) {
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED, local->message);
        return NULL;
    }
    journal = journal_parse(text, length, boot, error);
    if (journal && domain && strcmp(journal->plan->domain, domain) != 0)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                    "the journal is of domain '%s', not of '%s'", journal->plan->domain, domain);
    else if (journal)
        return g_steal_pointer(&journal);
    g_prefix_error(error, "'%s': ", path);
    return NULL;
}
