/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/scope.h"

/* Where everything of one domain lives (INTERFACE.md, "DOMAIN"). All paths are absolute. */
struct domain_location {
    char *uri;         /* "qemu:///system", …; NULL for a domain given by path */
    char *keeper;      /* of a path: the URI whose domain this file is, or NULL */
    char *xml;         /* the domain XML file */
    char *store;       /* directory of the snapshot XML files */
    char *state;       /* directory of lock and journal */
    char *driver_lock; /* pid file that a libvirt daemon serving the URI keeps locked; NULL: none */
    GPtrArray
        *pid_files; /* of char *: pid file of the domain's QEMU, where libvirt may have made one */
    char *managed_save; /* file that holds the memory of a saved domain; NULL for a path */
};

/* Find DOMAIN: a path when it holds a '/' or ends in ".xml", else the name or UUID of a domain that
 * libvirt keeps at URI (NULL: the default, INTERFACE.md). STORE overrides the snapshot directory,
 * NULL: not.
 *
 * Fails with OFFSHOT_ERROR_NOT_FOUND when there is no such file or domain, OFFSHOT_ERROR_USAGE for
 * a URI that we do not know, and as domain_lookup() does. Free with domain_location_free().
 */
struct domain_location *domain_location_find(const char *domain, const char *uri, const char *store,
                                             GError **error);
void domain_location_free(struct domain_location *location);
SCOPED_DEFINE(domain_location)

/* Where the domain whose XML file XML lies beside that of LOCATION keeps its snapshots, unless it
 * was told otherwise. Free with g_free().
 */
char *domain_location_find_store(const struct domain_location *location, const char *xml);

/* And its lock, journal and lists. Free with g_free(). */
char *domain_location_find_state(const struct domain_location *location, const char *xml);

/* The name that ENTRY, a state directory or a store beside domain XML files, is called after; NULL:
 * it is neither. Free with g_free().
 */
char *domain_location_find_owner(const char *entry);

/* Complete LOCATION from the NAME and UUID (may be NULL) inside the domain XML: libvirt keys its
 * run-time files by the name.
 */
void domain_location_set_name(struct domain_location *location, const char *name, const char *uuid);

/* Fails with OFFSHOT_ERROR_REFUSED when the path given is libvirt's own file of the domain. */
bool domain_location_check_keeper(const struct domain_location *location, GError **error);

/* Fails as domain_location_check_keeper(), and with OFFSHOT_ERROR_BUSY when a libvirt daemon that
 * serves the URI runs: it would not see, and later overwrite, what is changed behind its back.
 *
 * What counts is the lock on driver.pid. libvirt's QEMU driver takes it before it reads any domain
 * and holds it for as long as it runs, whichever program it runs in (libvirtd, virtqemud, virsh
 * with an embed URI), and it goes when that program is killed. A socket may be there, and listen,
 * with systemd behind it and no daemon; a number in a file may be of another PID namespace. Fails
 * with OFFSHOT_ERROR_FAILED when the lock cannot be asked for.
 */
bool domain_location_check_daemon(const struct domain_location *location, GError **error);

/* Fails with OFFSHOT_ERROR_BUSY when libvirt's run-time files say that the domain runs. */
bool domain_location_check_stopped(const struct domain_location *location, GError **error);

/* Fails with OFFSHOT_ERROR_REFUSED when the domain has a managed-save image: its memory must meet
 * the disks that it was saved with.
 */
bool domain_location_check_not_saved(const struct domain_location *location, GError **error);
