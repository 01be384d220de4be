/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/overlay.h"

#include <string.h>

#include "image/qemu-img.h"
#include "ops/record.h"

/* Whether the backing string shall be relative. */
static bool
is_relative(enum backing_path mode, const char *overlay, const char *base)
{
    g_autofree char *overlay_directory = g_path_get_dirname(overlay);
    g_autofree char *base_directory = g_path_get_dirname(base);

    if (mode == BACKING_PATH_AUTO)
        return strcmp(overlay_directory, base_directory) == 0;
    return mode == BACKING_PATH_RELATIVE;
}

/* The -o text: the user's, and what a qcow2 overlay inherits from a qcow2 base. */
static char *
overlay_options(const struct overlay_request *request, GError **error)
{
    g_autoptr(GPtrArray) inherited = g_ptr_array_new_with_free_func(g_free);
    const struct image *base = request->base;

    if (strcmp(request->format->qemu, "qcow2") == 0 && strcmp(base->format->qemu, "qcow2") == 0) {
        g_ptr_array_add(inherited, g_strdup_printf("cluster_size=%u", base->header.cluster_size));
        if (base->header.extended_l2)
            g_ptr_array_add(inherited, g_strdup("extended_l2=on"));
    }
    g_ptr_array_add(inherited, NULL);
    return overlay_options_join(request->format->qemu, (const char *const *)inherited->pdata,
                                request->options, error);
}

bool
overlay_plan(struct plan *plan, const struct state *state, const struct overlay_request *request,
             GError **error)
{
    const struct image *base = request->base;
    bool relative = is_relative(request->backing_path, request->path, request->base_path);
    g_autofree char *overlay = relative ? state_resolve(state, request->path) : NULL;
    g_autofree char *frozen = relative ? state_resolve(state, request->base_path) : NULL;
    g_autofree char *backing =
        backing_string(relative ? overlay : request->path, relative ? frozen : request->base_path,
                       relative, error);
    g_autofree char *options = backing ? overlay_options(request, error) : NULL;
    struct step_overlay expected = {0};
    struct overlay_spec spec = {0};
    scoped(sandbox) sandbox = sandbox_new();
    g_auto(GStrv) argv = NULL;
    struct step *step;

    if (!options)
        return false;
    spec = (struct overlay_spec){
        .path = request->temporary,
        .format = request->format->qemu,
        .backing = backing,
        .backing_format = base->format->qemu,
        .size = base->size,
        .options = options[0] != '\0' ? options : NULL,
    };
    argv = qemu_img_create_argv(&spec, sandbox);
    expected = (struct step_overlay){
        .format = (char *)spec.format,
        .backing = backing,
        .backing_format = (char *)spec.backing_format,
        .backing_path = request->base_moves ? NULL : base->path,
        .size = spec.size,
    };
    step = plan_add_create_overlay(plan, RANK_MAKE, request->temporary, argv,
                                   request->like ? request->like : base->path);
    step->sandbox = g_steal_pointer(&sandbox);
    step_expect_overlay(step, &expected);
    return true;
}
