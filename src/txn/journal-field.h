/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "txn/plan.h"

/* Single values of a journal, and its steps: what txn/journal-text.c puts together. */

/* Fail with OFFSHOT_ERROR_INTERRUPTED: the journal is damaged at WHAT. Returns false. */
bool journal_set_damaged(GError **error, const char *what);

/* Text of any bytes; NULL is left out. */
void journal_set_text(GKeyFile *file, const char *group, const char *key, const char *value);

/* The decoded value of KEY; *VALUE is NULL when it is missing. Fails when it is missing and
 * REQUIRED, or malformed. Free with g_free().
 */
bool journal_get_text(GKeyFile *file, const char *group, const char *key, bool required,
                      char **value, GError **error);

/* An identity; one that is not known is left out, and missing it stays as it is. */
void journal_set_identity(GKeyFile *file, const char *group, const char *key,
                          const struct file_identity *identity);
bool journal_get_identity(GKeyFile *file, const char *group, const char *key,
                          struct file_identity *identity, GError **error);

/* A step as GROUP, and back. What the phase does not know, or lacks what its kind needs, is NULL
 * with an error.
 */
void journal_set_step(GKeyFile *file, const char *group, const struct step *step);
struct step *journal_get_step(GKeyFile *file, const char *group, enum plan_phase phase,
                              GError **error);
