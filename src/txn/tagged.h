/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/tags.h"
#include "txn/step.h"

/* An image whose tags are being changed, as txn/step-tag.c does it. */
struct tagged {
    const struct step *step;
    int fd;
    struct sandbox *sandbox; /* of all programs that are run on it */
    GPtrArray *tags;         /* as they were last read */
};

/* Open the image of STEP; fd is -1, with ERROR set, when that fails as step_part_open() does. Close
 * it in any case.
 */
struct tagged tagged_open(const struct step *step, const struct step_context *context,
                          GError **error);
void tagged_close(struct tagged *tagged);

/* Read the tags; repair the image before that. */
bool tagged_read(struct tagged *tagged, GError **error);
bool tagged_repair(struct tagged *tagged, GError **error);

/* Whether the active state is that of the tag NAME; false when there is no such tag. */
bool tagged_is_active(const struct tagged *tagged, const char *name, bool *active, GError **error);

/* Whether there is one tag of NAME, another than the step means: taken since that went. */
bool tagged_is_another(const struct tagged *tagged, const char *name);

/* Whether the image is as qemu-img's VERB (c, a or d) for the tag NAME should have left it. */
bool tagged_holds(const struct tagged *tagged, char verb, const char *name, bool *holds,
                  GError **error);

/* The program that does VERB to WORD, whatever qemu-img takes that for. Free with g_strfreev(). */
char **tagged_program(const struct tagged *tagged, char verb, const char *word);

/* The program that does VERB, -a or -d, to the tag NAME and to no other. Fails with
 * OFFSHOT_ERROR_INCONSISTENT when there is not one tag of that name, OFFSHOT_ERROR_REFUSED when
 * qemu-img cannot be told. Free with g_strfreev().
 */
char **tagged_program_for(const struct tagged *tagged, char verb, const char *name, GError **error);

/* Run ARGV (taken), which does VERB to the tag NAME, and look: a program that failed may have done
 * its work all the same.
 */
bool tagged_change(struct tagged *tagged, char **argv, char verb, const char *name, GError **error);

/* Fail with OFFSHOT_ERROR_FAILED: VERB was not done to NAME. */
bool tagged_set_not_done(const struct tagged *tagged, char verb, const char *name, GError **error);
