/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/owner.h"

#include <unistd.h>

#include "util/error.h"

/* Who called sudo. Only root is asked, and nobody else can give root an environment. */
static bool
is_sudo_user(uid_t owner)
{
    const char *text = geteuid() == 0 ? g_getenv("SUDO_UID") : NULL;
    guint64 user;

    return text && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, &user, NULL) &&
           user == owner;
}

bool
owner_is_trusted(uid_t owner)
{
    return owner == geteuid() || owner == 0 || is_sudo_user(owner);
}

bool
owner_check(const char *path, const struct stat *st, GError **error)
{
    if (!owner_is_trusted(st->st_uid)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' belongs to user %u, who could name any file of yours in it: run offshot "
                    "as that user, or chown it",
                    path, st->st_uid);
        return false;
    }
    if ((st->st_mode & S_IWOTH) == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "everybody may write '%s', and name any file of yours in it: chmod it, after a "
                "look at what is in it",
                path);
    return false;
}
