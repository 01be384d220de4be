/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/tagged.h"

#include <string.h>

#include "image/qemu-img.h"
#include "txn/step-part.h"
#include "util/error.h"

bool
tagged_read(struct tagged *tagged, GError **error)
{
    g_clear_pointer(&tagged->tags, g_ptr_array_unref);
    tagged->tags = image_tags_read(tagged->fd, tagged->step->path, error);
    return tagged->tags != NULL;
}

bool
tagged_repair(struct tagged *tagged, GError **error)
{
    const struct qemu_img_target image = step_part_target(tagged->step);

    return step_table_restore(tagged->step, tagged->fd, error) &&
           step_part_repair(&image, tagged->fd, error) && tagged_read(tagged, error);
}

bool
tagged_is_active(const struct tagged *tagged, const char *name, bool *active, GError **error)
{
    const struct image_tag *tag = image_tags_find(tagged->tags, name);

    *active = false;
    return !tag || image_tag_is_active(tagged->fd, tagged->step->path, tag, active, error);
}

bool
tagged_is_another(const struct tagged *tagged, const char *name)
{
    const struct image_tag *tag = image_tags_find(tagged->tags, name);
    const struct step *step = tagged->step;

    return step->tag_id && tag && image_tags_count(tagged->tags, name) == 1 &&
           (strcmp(tag->id, step->tag_id) != 0 || image_tag_time(tag) != step->tag_date);
}

bool
tagged_holds(const struct tagged *tagged, char verb, const char *name, bool *holds, GError **error)
{
    if (verb == 'a')
        return tagged_is_active(tagged, name, holds, error);
    *holds = image_tags_count(tagged->tags, name) == (verb == 'c' ? 1 : 0) ||
             (verb == 'd' && tagged_is_another(tagged, name));
    return true;
}

char **
tagged_program(const struct tagged *tagged, char verb, const char *word)
{
    g_autofree char *name = step_part_name(tagged->fd);
    const struct qemu_img_target image = {.path = name,
                                          .format = tagged->step->format,
                                          .block = tagged->step->block};

    return qemu_img_snapshot_argv(&image, verb, word, tagged->sandbox);
}

char **
tagged_program_for(const struct tagged *tagged, char verb, const char *name, GError **error)
{
    const struct image_tag *tag = image_tags_find(tagged->tags, name);
    const char *word;

    if (!tag || image_tags_count(tagged->tags, name) != 1) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "image '%s' has %s internal snapshot '%s'", tagged->step->path,
                    tag ? "more than one" : "no", name);
        return NULL;
    }
    word = image_tags_selector(tagged->tags, tag, verb);
    if (word)
        return tagged_program(tagged, verb, word);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "image '%s': qemu-img would take the name of internal snapshot '%s' for the ID of "
                "another one",
                tagged->step->path, name);
    return NULL;
}

bool
tagged_set_not_done(const struct tagged *tagged, char verb, const char *name, GError **error)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "image '%s': internal snapshot '%s' was not %s although qemu-img did not complain",
                tagged->step->path, name,
                verb == 'c'   ? "taken"
                : verb == 'a' ? "applied"
                              : "deleted");
    return false;
}

bool
tagged_change(struct tagged *tagged, char **argv, char verb, const char *name, GError **error)
{
    g_autoptr(GError) failure = NULL;
    bool holds;

    if (!(step_part_run(argv, tagged->sandbox, tagged->fd, &failure) ? tagged_read : tagged_repair)(
            tagged, error) ||
        !tagged_holds(tagged, verb, name, &holds, error))
        return false;
    if (holds)
        return step_part_flush(tagged->fd, tagged->step->path, error);
    if (!failure)
        return tagged_set_not_done(tagged, verb, name, error);
    g_propagate_error(error, g_steal_pointer(&failure));
    return false;
}

struct tagged
tagged_open(const struct step *step, const struct step_context *context, GError **error)
{
    return (struct tagged){.step = step,
                           .fd = step_part_open(step, context, error),
                           .sandbox = sandbox_new()};
}

void
tagged_close(struct tagged *tagged)
{
    g_clear_pointer(&tagged->tags, g_ptr_array_unref);
    g_clear_pointer(&tagged->sandbox, sandbox_free);
    scoped_fd_close(&tagged->fd);
}
