/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/create.h"

#include <string.h>

#include "conf/snapshot-facts.h"
#include "ops/create-disk.h"
#include "ops/record.h"
#include "util/error.h"

/* What the disks of the snapshot become, collected while their steps are planned. */
struct created {
    GArray *names;       /* of struct create_disk_names */
    GArray *overlays;    /* of struct domain_disk_change: for the domain XML */
    GArray *frozen;      /* of struct domain_disk_change: for the <domain> in the snapshot */
    GArray *facts;       /* of struct frozen_image */
    GHashTable *renames; /* --keep-filename: active name -> struct record_place, the frozen name */
};

static void
created_free(struct created *created)
{
    for (guint i = 0; i < created->names->len; i++)
        create_disk_names_clear(&g_array_index(created->names, struct create_disk_names, i));
    g_array_unref(created->names);
    g_array_unref(created->overlays);
    g_array_unref(created->frozen);
    g_array_unref(created->facts);
    g_hash_table_unref(created->renames);
    g_free(created);
}
SCOPED_DEFINE(created)

static struct created *
created_new(void)
{
    struct created *created = g_new0(struct created, 1);

    created->names = g_array_new(FALSE, TRUE, sizeof(struct create_disk_names));
    created->overlays = g_array_new(FALSE, TRUE, sizeof(struct domain_disk_change));
    created->frozen = g_array_new(FALSE, TRUE, sizeof(struct domain_disk_change));
    created->facts = g_array_new(FALSE, TRUE, sizeof(struct frozen_image));
    created->renames = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    return created;
}

static void
add_rename(struct created *created, char *from, const char *to)
{
    struct record_place *place = g_new0(struct record_place, 1);

    place->path = to;
    g_hash_table_insert(created->renames, from, place);
}

/* Note that the image is called otherwise from now on, however a stored snapshot spells its name.
 */
static void
add_renames(struct created *created, const struct state *state,
            const struct create_disk_names *names)
{
    GHashTableIter iter;
    gpointer alias;
    gpointer path;

    add_rename(created, names->overlay, names->frozen);
    g_hash_table_iter_init(&iter, state->aliases);
    while (g_hash_table_iter_next(&iter, &alias, &path)) {
        if (strcmp(path, names->overlay) == 0)
            add_rename(created, alias, names->frozen);
    }
}

/* Note what one planned disk means for the XML. NAMES is owned by CREATED. */
static void
created_add(struct created *created, const struct state *state, struct snapshot_disk *disk,
            const struct create_disk_names *names)
{
    const struct state_disk *mine = state_get_disk(state, disk->name);
    struct domain_disk_change overlay = {disk->name, disk->type, names->overlay, disk->format};
    struct domain_disk_change frozen = {disk->name, mine->def->type, names->frozen, NULL};
    struct frozen_image fact = {disk->name, mine->image->identity};

    g_array_append_val(created->overlays, overlay);
    g_array_append_val(created->frozen, frozen);
    g_array_append_val(created->facts, fact);
    if (strcmp(names->frozen, mine->image->path) != 0)
        add_renames(created, state, names);
    if (!disk->source) {
        disk->source = g_strdup(names->overlay);
        disk->has_source = true;
    }
}

bool
create_embed_domain(struct snapshot_def *def, const struct state *state, const GArray *frozen,
                    const GArray *facts, unsigned flags, GError **error)
{
    g_autofree char *element =
        domain_def_rewrite(state->domain, (const struct domain_disk_change *)frozen->data,
                           frozen->len, true, error);
    g_autofree char *text = NULL;

    if (!element)
        return false;
    text = snapshot_facts_set(element, (const struct frozen_image *)facts->data, facts->len, flags,
                              error);
    if (!text)
        return false;
    def->domain = domain_def_parse(text, strlen(text), def->name, error);
    return def->domain != NULL;
}

static bool
plan_internal(struct plan *plan, const struct state *state, const struct create_request *request,
              const struct snapshot_disk *disk, const char *snapshot, GPtrArray *notes,
              GError **error)
{
    if (!create_disk_check(state, request, disk, notes, error) ||
        !create_internal_check(state, disk, snapshot, error))
        return false;
    create_internal_plan(plan, state, disk, snapshot);
    return true;
}

/* Plan every selected disk. */
static bool
plan_disks(struct plan *plan, const struct state *state, const struct create_request *request,
           struct snapshot_def *def, struct created *created, GPtrArray *notes, GError **error)
{
    for (guint i = 0; i < def->disks->len; i++) {
        struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);
        struct create_disk_names names = {0};
        bool fine;

        if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL) {
            if (!plan_internal(plan, state, request, disk, def->name, notes, error))
                return false;
            continue;
        }
        if (disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL)
            continue;
        fine = create_disk_check(state, request, disk, notes, error) &&
               create_disk_plan(plan, state, request, disk, def->name, &names, error);
        g_array_append_val(created->names, names);
        if (!fine)
            return false;
        created_add(created, state, disk, &names);
    }
    return true;
}

/* Plan what is written: the domain XML unless it stays the same, and the snapshot. */
static bool
plan_metadata(struct plan *plan, const struct state *state, const struct create_request *request,
              struct snapshot_def *def, const struct created *created, GError **error)
{
    struct record record = {0};
    g_autofree char *text = NULL;

    g_autoptr(GArray) unmoved = g_array_new(FALSE, FALSE, sizeof(struct domain_disk_change));
    bool kept = request->keep_filename;

    if (!create_embed_domain(def, state, kept ? created->frozen : unmoved, created->facts,
                             kept ? SNAPSHOT_FACTS_KEEP_FILENAME : 0, error))
        return false;
    if (!kept && created->overlays->len > 0) {
        text =
            domain_def_rewrite(state->domain, (struct domain_disk_change *)created->overlays->data,
                               created->overlays->len, false, error);
        if (!text || !record_domain(plan, state, text, error))
            return false;
    }
    /* Snapshots that are there follow a renamed image also when the new one is not recorded. */
    record.moved = created->renames;
    record.def = request->no_metadata ? NULL : def;
    return record_snapshots(plan, state, &record, error);
}

struct plan *
create_plan(const struct state *state, const struct create_request *request,
            struct snapshot_def *def, GPtrArray *notes, GError **error)
{
    scoped(plan) plan = plan_new("create", state->domain->name, def->name);
    scoped(created) created = created_new();

    if (state->domain_is_symlink) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the domain XML '%s' is a symbolic link: name the file itself",
                    state->location->xml);
        return NULL;
    }
    if (request->keep_filename && state->snapshots->problems->len > 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the snapshot store '%s' has entries that are not in order (%s), and with "
                    "--keep-filename they might have to follow a renamed image",
                    state->snapshots->directory,
                    (const char *)g_ptr_array_index(state->snapshots->problems, 0));
        return NULL;
    }
    if (!plan_disks(plan, state, request, def, created, notes, error) ||
        !plan_metadata(plan, state, request, def, created, error))
        return NULL;
    if (request->keep_filename) {
        record_watch(plan, state);
        plan->definition = g_strdup(state->location->xml);
    }
    return g_steal_pointer(&plan);
}
