/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "image/lock.h"
#include "txn/plan.h"
#include "txn/step-image.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/child.h"
#include "util/scope.h"

/* Steps on real images in the scratch directory, with a qemu-img that fails when it is told to. */

static GPtrArray *notes;
static struct plan *plan;
static GArray *locks;

/* In front of the real one in PATH. The file "mode" holds WHEN and, in a second line, a PATTERN:
 * the first call with PATTERN in its words goes wrong (with "always-" before WHEN: all such calls).
 */
static const char fake_qemu_img[] =
    "mode=$(dirname \"$0\")/../mode\n"
    "if [ -e \"$mode\" ]; then\n"
    "    { read -r when; read -r pattern; } <\"$mode\"\n"
    "    case \" $* \" in\n"
    "    *\"$pattern\"*)\n"
    "        case $when in always-*) ;; *) rm \"$mode\" ;; esac\n"
    "        case ${when#always-} in\n"
    "        before) exit 1 ;;\n"
    "        after) \"$REAL_QEMU_IMG\" \"$@\"; exit 1 ;;\n"
    "        complain) \"$REAL_QEMU_IMG\" \"$@\"; echo 'No space left on device' >&2; exit 0 ;;\n"
    "        lie) exit 0 ;;\n"
    "        die) kill -9 $$ ;;\n"
    "        kill-*)\n"
    "            exec strace -qq -f -o /dev/null -e trace=pwrite64,fallocate,ftruncate \\\n"
    "                -e inject=pwrite64,fallocate,ftruncate:signal=KILL:when=${when#kill-} \\\n"
    "                \"$REAL_QEMU_IMG\" \"$@\" ;;\n"
    "        esac ;;\n"
    "    esac\n"
    "fi\n"
    "exec \"$REAL_QEMU_IMG\" \"$@\"\n";

static inline void
image_step_setup(void)
{
    g_autofree char *real = g_find_program_in_path("qemu-img");
    g_autofree char *path = NULL;
    g_autofree char *fake = NULL;
    /* a program gets nothing else of our environment than PATH */
    g_autofree char *script =
        g_strdup_printf("#!/bin/sh\nREAL_QEMU_IMG='%s'\n%s", real, fake_qemu_img);

    scratch_setup();
    fake = scratch_path("bin/qemu-img");
    scratch_do("mkdir bin");
    ck_assert(g_file_set_contents(fake, script, -1, NULL));
    ck_assert_int_eq(chmod(fake, 0755), 0);
    path = g_strdup_printf("%s/bin:%s", scratch_directory, g_getenv("PATH"));
    g_setenv("REAL_QEMU_IMG", real, TRUE);
    g_setenv("PATH", path, TRUE);
    notes = g_ptr_array_new_with_free_func(g_free);
    plan = plan_new("test", "vm", NULL);
    locks = g_array_new(FALSE, FALSE, sizeof(int));
    child_set_inherited(locks);
}

static inline void
image_step_teardown(void)
{
    child_set_inherited(NULL);
    for (guint i = 0; i < locks->len; i++)
        close(g_array_index(locks, int, i));
    g_array_unref(locks);
    plan_free(plan);
    g_ptr_array_unref(notes);
    scratch_teardown();
}

/* "kill-N": killed when a thread of it writes to an image for the N-th time; it may be done before.
 * Let the next qemu-img whose words hold PATTERN go wrong as WHEN says. */
static inline void
fake_mode(const char *when, const char *pattern)
{
    g_autofree char *path = scratch_path("mode");
    g_autofree char *text = g_strdup_printf("%s\n%s\n", when, pattern);

    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

/* Whether the qemu-img that was to go wrong has; it will not any more. */
static inline bool
fake_done(void)
{
    g_autofree char *path = scratch_path("mode");

    return unlink(path) < 0;
}

/* As the plan does: NAME is locked for the plan alone, and its identity known. */
static inline void
hold(const char *name)
{
    g_autofree char *path = scratch_path(name);
    g_autoptr(GError) error = NULL;
    struct file_identity identity;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    file_identity_set(&identity, &st);
    file_identity_add_birth(&identity, fd, NULL);
    plan_check_exclusive(plan, path, &identity);
    unit_assert_ok(image_lock_take(fd, path, true, &error), error);
    g_array_append_val(locks, fd);
}

/* Somebody else may use the images meanwhile. */
static inline void
release(void)
{
    for (guint i = 0; i < locks->len; i++)
        close(g_array_index(locks, int, i));
    g_array_set_size(locks, 0);
}

static inline struct step_context
context_of(bool recovering)
{
    return (struct step_context){
        .plan = plan, .recovering = recovering, .same_boot = true, .notes = notes};
}

static inline bool
step_program_run(const struct step *step, GError **error)
{
    g_auto(GStrv) argv = step_image_program(step, false);
    struct child child = {.argv = argv,
                          .sandbox = step->sandbox,
                          .fds = {MAX(step->fd, 0), MAX(step->with_fd, 0)}};
    struct child *children[] = {&child};
    bool fine = child_run(children, 1, 1, error) && child_check(&child, error);

    child_clear(&child);
    return fine;
}

/* What the executor does with an image step. *NEEDED may be NULL. */
static inline bool
step_run(struct step *step, bool recovering, bool *needed, GError **error)
{
    const struct step_context context = context_of(recovering);
    bool wanted = true;
    bool fine = step_image_begin(step, &context, &wanted, error);

    if (fine && wanted)
        fine = step_program_run(step, error);
    if (fine)
        fine = step_image_end(step, &context, error);
    step_image_close(step);
    if (needed)
        *needed = wanted;
    return fine;
}

/* 64 KiB at OFFSET KiB of the qcow2 image NAME. */
static inline void
write_pattern(const char *name, int pattern, int offset)
{
    scratch_do("qemu-io -f qcow2 -c 'write -P %d %dk 64k' -- '%s' >/dev/null", pattern, offset,
               name);
}

static inline void
assert_pattern(const char *name, int pattern, int offset)
{
    g_autofree char *script =
        g_strdup_printf("qemu-io -r -U -f qcow2 -c 'read -P %d %dk 64k' -- '%s' 2>&1", pattern,
                        offset, name);
    g_autofree char *out = scratch_run(script);

    ck_assert_msg(strstr(out, "read 65536/65536") && !strstr(out, "erification failed"),
                  "%s at %dk is not %d: %s", name, offset, pattern, out);
}

static inline void
assert_clean(const char *name)
{
    scratch_do("\"$REAL_QEMU_IMG\" check -q -U -f qcow2 '%s'", name);
}

static inline unsigned
tag_count(const char *name, const char *tag)
{
    g_autofree char *script =
        g_strdup_printf("\"$REAL_QEMU_IMG\" info -U --output=json -f qcow2 '%s' | tr -d ' \\n'",
                        name);
    g_autofree char *out = scratch_run(script);
    g_autofree char *wanted = g_strdup_printf("\"name\":\"%s\"", tag);
    unsigned count = 0;

    for (const char *at = out; (at = strstr(at, wanted)); at++)
        count++;
    return count;
}
