/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal-field.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"

/* What may stand in a value as it is; everything else is percent-encoded, so that names of any
 * bytes pass through a key file and stay readable to somebody who has to look.
 */
#define PLAIN_CHARACTERS "/+,=@:~"

void
journal_set_text(GKeyFile *file, const char *group, const char *key, const char *value)
{
    g_autofree char *encoded = NULL;

    if (!value)
        return;
    encoded = g_uri_escape_bytes((const guint8 *)value, strlen(value), PLAIN_CHARACTERS);
    g_key_file_set_value(file, group, key, encoded);
}

void
journal_set_identity(GKeyFile *file, const char *group, const char *key,
                     const struct file_identity *identity)
{
    g_autofree char *text = NULL;

    if (identity->inode == 0)
        return;
    text = g_strdup_printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64,
                           identity->device, identity->inode, identity->size, identity->mtime,
                           identity->birth);
    g_key_file_set_value(file, group, key, text);
}

bool
journal_set_damaged(GError **error, const char *what)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED, "the journal is damaged: %s",
                what);
    return false;
}

bool
journal_get_text(GKeyFile *file, const char *group, const char *key, bool required, char **value,
                 GError **error)
{
    g_autofree char *encoded = g_key_file_get_value(file, group, key, NULL);
    g_autoptr(GBytes) bytes = NULL;

    *value = NULL;
    if (!encoded)
        return !required || journal_set_damaged(error, key);
    bytes = g_uri_unescape_bytes(encoded, -1, NULL, NULL);
    if (!bytes)
        return journal_set_damaged(error, key);
    *value = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return strlen(*value) == g_bytes_get_size(bytes) || journal_set_damaged(error, key);
}

bool
journal_get_identity(GKeyFile *file, const char *group, const char *key,
                     struct file_identity *identity, GError **error)
{
    g_autofree char *text = g_key_file_get_value(file, group, key, NULL);
    int end = 0;

    if (!text)
        return true;
    if (sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 "%n",
               &identity->device, &identity->inode, &identity->size, &identity->mtime,
               &identity->birth, &end) != 5 ||
        text[end] != '\0')
        return journal_set_damaged(error, key);
    return true;
}
