/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/outside.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "txn/step-used.h"
#include "util/error.h"

struct watch {
    struct outside *outside; /* NULL: nobody has looked, or too long ago */
    GPtrArray *unreadable;   /* of char *: paths */
};

struct watch *
watch_new(void)
{
    struct watch *watch = g_new0(struct watch, 1);

    watch->unreadable = g_ptr_array_new_with_free_func(g_free);
    return watch;
}

void
watch_free(struct watch *watch)
{
    if (!watch)
        return;
    outside_free(watch->outside);
    g_ptr_array_unref(watch->unreadable);
    g_free(watch);
}

void
watch_expire(struct watch *watch)
{
    if (!watch)
        return;
    g_clear_pointer(&watch->outside, outside_free);
    g_ptr_array_set_size(watch->unreadable, 0);
}

static void
look(struct watch *watch, const struct plan *plan)
{
    if (watch->outside)
        return;
    watch->outside = outside_new();
    for (guint i = 0; i < plan->directories->len; i++)
        outside_look(watch->outside, g_ptr_array_index(plan->directories, i), watch->unreadable);
}

/* Whether WHO is an overlay that the plan itself has made. */
static bool
is_own(const struct step_context *context, const struct file_identity *who)
{
    const GPtrArray *made = context->plan->prepare;

    for (guint i = 0; i < made->len; i++) {
        const struct step *step = g_ptr_array_index(made, i);

        if (step->kind == STEP_CREATE_OVERLAY && step->made.inode != 0 &&
            step_same_file(context, who, &step->made))
            return true;
    }
    return false;
}

/* Whether DEPENDENT is an image that the plan knew, or made, and takes into account. */
static bool
is_known(const struct step_context *context, const struct dependent *dependent)
{
    const struct plan *plan = context->plan;
    struct file_identity who = dependent->file.identity;

    if (!dependent->file.symlink)
        file_identity_add_birth(&who, -1, dependent->text);
    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);

        if ((check->kind == PLAN_CHECK_EXCLUSIVE || check->kind == PLAN_CHECK_LOCK) &&
            step_same_file(context, &who, &check->identity))
            return true;
    }
    for (guint i = 0; i < plan->known->len; i++) {
        if (step_same_file(context, &who, &g_array_index(plan->known, struct file_identity, i)))
            return true;
    }
    return is_own(context, &who);
}

/* What the plan has removed itself since is no reason. */
static bool
is_there(const struct dependent *dependent)
{
    struct image_file now = {0};

    return image_file_look(&now, dependent->text, NULL) && image_file_equal(&now, &dependent->file);
}

static char *
find_dependent(const struct step_context *context, const struct image_file *file,
               enum watch_scope scope)
{
    const GPtrArray *found = outside_find(context->watch->outside, file);

    for (guint i = 0; found && i < found->len; i++) {
        const struct dependent *dependent = g_ptr_array_index(found, i);

        if (!image_file_equal(&dependent->file, file) && is_there(dependent) &&
            (scope == WATCH_ALL || !is_known(context, dependent)))
            return g_strdup(dependent->text);
    }
    return NULL;
}

/* Something in the directory of PATH, or that itself, which cannot be read. */
static char *
find_unreadable(const struct watch *watch, const char *path)
{
    char *resolved = watch->unreadable->len > 0 ? realpath(path, NULL) : NULL;
    g_autofree char *directory = resolved ? g_path_get_dirname(resolved) : NULL;
    char *found = NULL;

    for (guint i = 0; directory && !found && i < watch->unreadable->len; i++) {
        const char *unreadable = g_ptr_array_index(watch->unreadable, i);
        g_autofree char *parent = g_path_get_dirname(unreadable);

        if (strcmp(unreadable, directory) == 0 || strcmp(parent, directory) == 0)
            found = g_strdup_printf("%s (cannot be read)", unreadable);
    }
    free(resolved);
    return found;
}

/* Whether THERE, at PATH, is the definition that the plan was made for, or what it has put there.
 */
static bool
is_ours(const struct step_context *context, const char *path, const struct file_identity *there)
{
    for (guint i = 0; i < context->plan->known->len; i++) {
        if (step_unchanged_file(context, there,
                                &g_array_index(context->plan->known, struct file_identity, i)))
            return true;
    }
    for (guint i = 0; i < context->plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(context->plan->apply, i);

        if ((step->kind == STEP_REPLACE || step->kind == STEP_INSTALL) &&
            strcmp(step->path, path) == 0)
            return step_was_applied(step, context);
    }
    return false;
}

/* Whether ST is of the definition that may name what the plan takes away. */
static bool
is_free_to_name(const struct plan *plan, const struct stat *st)
{
    struct stat own;

    return plan->definition && stat(plan->definition, &own) == 0 && own.st_dev == st->st_dev &&
           own.st_ino == st->st_ino;
}

/* Whether PATH is a definition that was written since the plan was made, and names IMAGE. */
static bool
is_new_definition(const struct step_context *context, const char *path, const char *image)
{
    struct file_identity there;
    struct stat st;
    int64_t changed;

    if (!g_str_has_suffix(path, ".xml") || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return false;
    changed = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    file_identity_set(&there, &st);
    return changed >= context->plan->watched && !is_free_to_name(context->plan, &st) &&
           !is_ours(context, path, &there) && step_file_names(path, image);
}

/* A domain that was given IMAGE as its disk stands on it as well. */
static char *
find_definition(const struct step_context *context, const char *image)
{
    const struct plan *plan = context->plan;
    char *found = NULL;

    for (guint i = 0; !found && i < plan->directories->len; i++) {
        const char *directory = g_ptr_array_index(plan->directories, i);
        g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
        const char *name;

        while (entries && !found && (name = g_dir_read_name(entries))) {
            g_autofree char *path = g_build_filename(directory, name, NULL);

            if (is_new_definition(context, path, image))
                found = g_strdup_printf("%s (names it)", path);
        }
    }
    return found;
}

char *
watch_find(const struct step_context *context, const char *path, enum watch_scope scope)
{
    struct image_file file = {0};
    char *found;

    if (!context->watch || context->plan->directories->len == 0 ||
        !image_file_look(&file, path, NULL))
        return NULL;
    look(context->watch, context->plan);
    found = find_dependent(context, &file, scope);
    if (!found)
        found = find_definition(context, path);
    return found ? found : find_unreadable(context->watch, path);
}

static bool
check_path(const char *path, const struct step_context *context, GError **error)
{
    g_autofree char *who = watch_find(context, path, WATCH_STRANGERS);

    if (!who)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' has come to stand on '%s'" STEP_STRANGER_ADVICE, who, path);
    return false;
}

/* All images from the one that goes down to the one that it goes into. */
static bool
check_commit(const struct step *step, const struct step_context *context, GError **error)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image *image = NULL;

    if (step_commit_is_needed(step, context))
        image = step_part_walk(graph, step, NULL);
    for (unsigned i = 0; image && i <= step->depth; i++, image = image->backing) {
        if (!check_path(image->path, context, error))
            return false;
    }
    return true;
}

/* The step that gave the file at SOURCE (NULL: any) the name PATH (NULL: any), or NULL. */
static const struct step *
find_link(const struct plan *plan, const char *source, const char *path)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(plan->prepare, i);

        if (step->kind == STEP_LINK && (!source || strcmp(step->source, source) == 0) &&
            (!path || strcmp(step->path, path) == 0))
            return step;
    }
    return NULL;
}

bool
watch_is_spare(const struct step *step, const struct step_context *context)
{
    return find_link(context->plan, NULL, step->path) != NULL;
}

bool
watch_check(const struct step *step, const struct step_context *context, GError **error)
{
    if (!context->watch)
        return true;
    switch (step->kind) {
    case STEP_COMMIT:
        return check_commit(step, context, error);
    case STEP_REPLACE:
        /* an image that got another name first */
        return !find_link(context->plan, step->path, NULL) || step_was_applied(step, context) ||
               check_path(step->path, context, error);
    case STEP_UNLINK:
        return !step->guarded || watch_is_spare(step, context) ||
               check_path(step->path, context, error);
    case STEP_APPLY_TAG:
        return check_path(step->path, context, error);
    default:
        return true;
    }
}
