/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <unistd.h>

/* g_autoptr() for structs that are not typedef'd:
 *
 *     SCOPED_DEFINE(plan)                 in the header, after plan_free() is declared
 *     scoped(plan) plan = plan_new(…);    freed when the scope ends
 */
#define SCOPED_DEFINE(name)                                                                        \
    static inline void name##_scoped_free(struct name **pointer)                                   \
    {                                                                                              \
        g_clear_pointer(pointer, name##_free);                                                     \
    }

#define scoped(name) __attribute__((cleanup(name##_scoped_free))) struct name *

/* A file descriptor closed when the scope ends; -1 is none. */
static inline void
scoped_fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

#define scoped_fd __attribute__((cleanup(scoped_fd_close))) int

/* Take the descriptor out of a scoped_fd variable. */
static inline int
scoped_fd_steal(int *fd)
{
    int taken = *fd;

    *fd = -1;
    return taken;
}
