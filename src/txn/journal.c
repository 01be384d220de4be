/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "txn/step-look.h"
#include "util/error.h"
#include "util/owner.h"

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

/* The directory's path without symbolic links, and which one it is; NULL when that cannot be told.
 */
static char *
look_at_place(const char *directory, struct file_identity *identity)
{
    char *path = realpath(directory, NULL);
    struct stat st;

    *identity = (struct file_identity){0};
    if (!path || stat(path, &st) < 0) {
        free(path);
        return NULL;
    }
    file_identity_set(identity, &st);
    file_identity_add_birth(identity, -1, path);
    /* what is in it changes all the time */
    identity->size = 0;
    identity->mtime = 0;
    return path;
}

bool
journal_save(const char *directory, const struct plan *plan, enum plan_phase phase, GError **error)
{
    g_autofree char *path = journal_path(directory);
    g_autofree char *boot = plan->boot ? g_strdup(plan->boot) : boot_identifier();
    struct plan placed = *plan;
    g_autofree char *place = placed.place = look_at_place(directory, &placed.place_identity);
    g_autofree char *text = journal_format(&placed, phase, boot);

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

    struct stat st;

    return lstat(path, &st) == 0;
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

/* Whether the directory HERE is the one that the journal was written to, as far as can be told.
 * Whoever makes up a journal can name the directory, but not know its birth.
 */
static bool
was_written_to(const struct journal *journal, const struct file_identity *here)
{
    const struct file_identity *place = &journal->plan->place_identity;
    const struct step_context context = {.same_boot = journal->same_boot};

    return place->inode != 0 && (place->birth != 0 || here->birth == 0) &&
           step_same_file(&context, here, place);
}

/* The same of the directory HERE, at PATH, which may have been renamed since. A snapshot of a file
 * system has the same inodes and births as the original, which is there still.
 */
static bool
is_its_place(const struct journal *journal, const char *path, const struct file_identity *here)
{
    struct file_identity original;
    g_autofree char *found = NULL;

    if (!was_written_to(journal, here))
        return false;
    if (g_strcmp0(journal->plan->place, path) == 0)
        return true;
    found = look_at_place(journal->plan->place, &original);
    return !found || original.device == here->device || !was_written_to(journal, &original);
}

static bool
check_place(const struct journal *journal, const char *directory, bool asked, GError **error)
{
    struct file_identity here;
    g_autofree char *path = look_at_place(directory, &here);
    bool has_name = path && g_strcmp0(journal->plan->place, path) == 0;

    if (!path) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                    "it cannot be told where directory '%s' is", directory);
        return false;
    }
    if ((asked && has_name) || (journal->plan->place && is_its_place(journal, path, &here)))
        return true;
    if (has_name || !journal->plan->place) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                    "the journal was not written here: the directory was put back from a backup, "
                    "say, or somebody else made it; look at the paths in it, which may be any, "
                    "then %s",
                    has_name ? "run `offshot recover`" : "put it aside");
        return false;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "the journal is that of '%s', and is about the files there: run `offshot recover` "
                "there; if this is a mere copy, it is half done: remove it, this journal included, "
                "and copy again afterwards",
                journal->plan->place);
    return false;
}

/* A journal says what is done to which files: only one that was written by ourselves, or by
 * somebody we trust, is followed. What is no file at all is told by whoever reads it.
 */
static bool
check_owner(const char *path, GError **error)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return true;
    if (S_ISREG(st.st_mode) && (st.st_mode & S_IWGRP) == 0)
        return owner_check(path, &st, error);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "'%s' is not a regular file that only its owner may write: this is no journal of "
                "offshot's; put it aside after a look at it",
                path);
    return false;
}

struct journal *
journal_load(const char *directory, const char *domain, bool asked, GError **error)
{
    g_autofree char *path = journal_path(directory);
    g_autofree char *boot = boot_identifier();
    g_autofree char *text = NULL;
    g_autoptr(GError) local = NULL;
    scoped(journal) journal = NULL;
    size_t length;

    if (check_owner(path, &local))
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
    else if (journal && check_place(journal, directory, asked, error))
        return g_steal_pointer(&journal);
    g_prefix_error(error, "'%s': ", path);
    return NULL;
}
