/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/publish.h"

#include <string.h>

#include "util/error.h"

static void
free_snapshot(gpointer def)
{
    snapshot_def_free(def);
}

struct publish_known *
publish_known_new(void)
{
    struct publish_known *known = g_new0(struct publish_known, 1);

    known->snapshots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_snapshot);
    return known;
}

void
publish_known_free(struct publish_known *known)
{
    if (!known)
        return;
    domain_def_free(known->domain);
    g_hash_table_unref(known->snapshots);
    g_free(known);
}

/* virsh looks for an ID first, then for a UUID, then for a name, and reads "-x" as an option. */
static bool
is_plain_name(const char *name)
{
    if (name[0] == '-' || name[strspn(name, "0123456789")] == '\0' || g_uuid_string_is_valid(name))
        return false;
    for (const char *c = name; *c; c++) {
        if (g_ascii_iscntrl(*c))
            return false;
    }
    return true;
}

const char *
publish_domain_word(const struct state *state)
{
    return is_plain_name(state->domain->name) ? state->domain->name : state->domain->uuid;
}

char **
publish_argv(const char *uri, const char *const *words)
{
    const char *const start[] = {"virsh", "-c", uri};
    GPtrArray *argv = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(start); i++)
        g_ptr_array_add(argv, g_strdup(start[i]));
    for (size_t i = 0; words[i]; i++)
        g_ptr_array_add(argv, g_strdup(words[i]));
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(argv, FALSE);
}

static void
add_define(GPtrArray *commands, const struct state *state, const struct publish_request *request)
{
    const struct publish_known *known = request->known;
    const char *const words[] = {"define", state->location->xml, NULL};

    if (!known || !known->domain || !domain_def_is_equivalent(known->domain, state->domain))
        g_ptr_array_add(commands, publish_argv(request->uri, words));
}

/* Whether the daemon knows DEF as it is here. */
static bool
is_known(const struct publish_known *known, const struct snapshot_def *def, bool current)
{
    const struct snapshot_def *theirs =
        known ? g_hash_table_lookup(known->snapshots, def->name) : NULL;

    return theirs && snapshot_def_is_equivalent(theirs, def, known->keeps_revert_disks) &&
           (!current || known->same_current);
}

/* Redefining a snapshot leaves alone which one is current, unless it is told to make it so. */
static bool
add_redefine(GPtrArray *commands, const struct state *state, const struct publish_request *request,
             const struct snapshot_def *def, GError **error)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    const struct snapshot_file *file = snapshot_store_find_file(state->snapshots, def->name);
    bool current = def == snapshot_tree_current(tree);
    const char *const words[] = {"snapshot-create", publish_domain_word(state),   file->path,
                                 "--redefine",      current ? "--current" : NULL, NULL};

    if (def->parent && !snapshot_tree_parent(tree, def->name)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "snapshot '%s' names a parent '%s' that it does not have here, without which "
                    "libvirt does not take it",
                    def->name, def->parent);
        return false;
    }
    if (!is_known(request->known, def, current))
        g_ptr_array_add(commands, publish_argv(request->uri, words));
    return true;
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the snapshots that KNOWN has and STATE does not (borrowed from KNOWN), sorted. */
static GPtrArray *
find_foreign(const struct state *state, const struct publish_known *known)
{
    GPtrArray *foreign = g_ptr_array_new();
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, known->snapshots);
    while (g_hash_table_iter_next(&iter, &name, NULL)) {
        if (!snapshot_tree_find(state->snapshots->tree, name))
            g_ptr_array_add(foreign, name);
    }
    g_ptr_array_sort(foreign, compare_texts);
    return foreign;
}

/* A snapshot that only the daemon has may have been deleted here, or made there: then what is here
 * is older, and a domain told of it would write into images that are frozen. What cannot be read
 * here is not gone.
 */
static bool
check_foreign(const struct state *state, const struct publish_request *request,
              const GPtrArray *foreign, GError **error)
{
    if (foreign->len == 0)
        return true;
    if (!request->prune) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the daemon at '%s' knows snapshot '%s', which is not here: if it was deleted "
                    "here, use --prune; if it was made there, what is here is out of date",
                    request->uri, (const char *)g_ptr_array_index(foreign, 0));
        return false;
    }
    if (state->snapshots->problems->len > 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "not every snapshot in '%s' can be read, so that nobody can tell which are "
                    "gone: mend it before the daemon forgets any",
                    state->snapshots->directory);
        return false;
    }
    return true;
}

static bool
add_deletes(GPtrArray *commands, const struct state *state, const struct publish_request *request,
            GError **error)
{
    g_autoptr(GPtrArray) foreign = find_foreign(state, request->known);

    if (!check_foreign(state, request, foreign, error))
        return false;
    for (guint i = 0; i < foreign->len; i++) {
        const char *const words[] = {"snapshot-delete", publish_domain_word(state),
                                     "--snapshotname",  g_ptr_array_index(foreign, i),
                                     "--metadata",      NULL};

        g_ptr_array_add(commands, publish_argv(request->uri, words));
    }
    return true;
}

static void
free_command(gpointer argv)
{
    g_strfreev(argv);
}

/* What libvirt makes up where it is missing would be another each time. */
static bool
check_complete(const struct state *state, GError **error)
{
    const char *missing = state->domain->lacks_mac ? "an <interface> without <mac>" : NULL;

    if (!state->domain->uuid)
        missing = "no <uuid>";
    if (!missing)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' has %s, and libvirt would make up another one each time: put it in as "
                "`virsh dumpxml` shows it, in the snapshots as well",
                state->location->xml, missing);
    return false;
}

GPtrArray *
publish_commands(const struct state *state, const struct publish_request *request, GError **error)
{
    g_autoptr(GPtrArray) defs = snapshot_tree_descendants(state->snapshots->tree, NULL);
    g_autoptr(GPtrArray) commands = g_ptr_array_new_with_free_func(free_command);

    if (!check_complete(state, error))
        return NULL;
    add_define(commands, state, request);
    for (guint i = 0; i < defs->len; i++) {
        if (!add_redefine(commands, state, request, g_ptr_array_index(defs, i), error))
            return NULL;
    }
    if (request->known && !add_deletes(commands, state, request, error))
        return NULL;
    return g_steal_pointer(&commands);
}
