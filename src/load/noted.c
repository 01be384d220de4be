/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/noted.h"

#include <string.h>

#include "image/backing-guess.h"
#include "load/layers.h"
#include "util/error.h"
#include "util/file.h"

/* As txn/journal.h says. */
#define JOURNAL_MAX (64 * 1024 * 1024)

/* Follow PATH, whatever it is. */
static void
follow(const struct neighbour *domain, const char *path)
{
    struct image_file file = {0};
    g_autoptr(GError) error = NULL;

    if (image_file_look(&file, path, &error))
        search_image(domain, path, &file, NULL);
    else if (g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED))
        search_unknown(domain, path);
}

static void
follow_kept(const struct neighbour *domain, const char *state)
{
    g_autofree char *owner = g_strdup_printf("an earlier operation of %s", domain->owner);
    const struct neighbour kept = {.search = domain->search, .is_own = true, .owner = owner};
    g_autoptr(GPtrArray) paths = layers_find_kept(state, NULL);

    if (!paths) {
        g_autofree char *list = g_build_filename(state, "layers", NULL);

        search_unknown(domain, list);
    }
    for (guint i = 0; paths && i < paths->len; i++)
        follow(&kept, g_ptr_array_index(paths, i));
}

/* The value of KEY in GROUP, or NULL. */
static char *
journal_value(GKeyFile *file, const char *group, const char *key)
{
    g_autofree char *encoded = g_key_file_get_value(file, group, key, NULL);

    return encoded ? g_uri_unescape_string(encoded, NULL) : NULL;
}

/* Follow what one GROUP of a journal names: files, and links as they stand in the file at its path.
 */
static void
follow_group(const struct neighbour *journal, GKeyFile *file, const char *group)
{
    static const char *const links[] = {"link", "old-link"};
    g_autofree char *path = journal_value(file, group, "path");
    g_autofree char *source = journal_value(file, group, "source");

    if (path && *path == '/')
        follow(journal, path);
    if (source && *source == '/')
        follow(journal, source);
    for (size_t i = 0; path && i < G_N_ELEMENTS(links); i++) {
        g_autofree char *link = journal_value(file, group, links[i]);
        g_autofree char *below = link ? backing_guess_resolve(path, link, NULL) : NULL;

        if (below)
            follow(journal, below);
    }
}

static void
follow_journal(const struct neighbour *domain, const char *state)
{
    g_autofree char *path = g_build_filename(state, "journal", NULL);
    g_autofree char *owner = g_strdup_printf("an interrupted operation of %s", domain->owner);
    const struct neighbour journal = {.search = domain->search, .owner = owner};
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) groups = NULL;
    size_t length;
    g_autofree char *text = file_read(path, JOURNAL_MAX, &length, NULL, &error);
    /* the first line is no part of the key file */
    const char *body = text ? strchr(text, '\n') : NULL;

    if (g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND))
        return;
    if (body && g_key_file_load_from_data(file, body, length - (size_t)(body - text),
                                          G_KEY_FILE_NONE, NULL))
        groups = g_key_file_get_groups(file, NULL);
    if (!groups || !*groups) {
        search_unknown(domain, path);
        return;
    }
    for (char **group = groups; *group; group++)
        follow_group(&journal, file, *group);
}

void
search_noted(const struct neighbour *domain, const char *state)
{
    follow_kept(domain, state);
    follow_journal(domain, state);
}
