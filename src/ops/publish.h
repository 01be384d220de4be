/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"

/* How a libvirt daemon that has the domain in memory is told what was done to its files: by calls
 * of virsh, since libvirt reads a domain and its snapshots only when it starts.
 */

/* What a daemon knows of the domain. */
struct publish_known {
    struct domain_def *domain; /* its inactive definition; NULL: it does not know the domain */
    GHashTable *snapshots;     /* name -> struct snapshot_def; NULL for what is no name of ours */
    bool same_current;         /* our current snapshot is current there as well */
    bool keeps_revert_disks;   /* it does not drop <revertDisks> */
};

struct publish_known *publish_known_new(void);
void publish_known_free(struct publish_known *known);
SCOPED_DEFINE(publish_known)

struct publish_request {
    const char *uri;                   /* of the daemon */
    const struct publish_known *known; /* NULL: it was not asked, so it is told everything */
    bool prune;                        /* it is to forget the snapshots that STATE does not have */
};

/* The domain of STATE as virsh takes it for no other: by its name, or by its UUID where virsh would
 * read the name as an option, an ID or a UUID, or cannot be given it. Borrowed.
 */
const char *publish_domain_word(const struct state *state);

/* "virsh -c URI" and WORDS, which NULL ends. Free with g_strfreev(). */
char **publish_argv(const char *uri, const char *const *words);

/* The commands to run, in this order: the domain is defined, the snapshots are redefined, parents
 * first, the current one as the current one, and what is not here is forgotten (its metadata alone,
 * never an image). Running them again changes nothing more. Pure.
 *
 * Returns an array of argument vectors (char **); with KNOWN it holds only what the daemon does not
 * know yet, and may be empty. Fails with OFFSHOT_ERROR_REFUSED when the domain lacks its UUID or a
 * MAC address, or the daemon has snapshots that are not here and PRUNE is not wanted: they may be
 * newer than what is here. Fails with OFFSHOT_ERROR_INCONSISTENT when the parent of a snapshot is
 * missing, or when it is wanted and cannot be told what is here. Free the array with
 * g_ptr_array_unref().
 */
GPtrArray *publish_commands(const struct state *state, const struct publish_request *request,
                            GError **error);
