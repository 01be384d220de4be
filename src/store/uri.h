/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "util/scope.h"

/* The directories that stand behind a libvirt connection URI of the QEMU driver. All absolute. */
struct uri_directories {
    char *uri;    /* as given, or the default */
    char *config; /* NAME.xml */
    char *lib;    /* snapshot/NAME/, save/NAME.save */
    char *run;    /* driver.pid, NAME.pid */
    char *state;  /* ours: NAME/ */
};

/* $LIBVIRT_DEFAULT_URI, else that of the system for root and of the session for others. Borrowed.
 */
const char *uri_get_default(void);

/* Resolve URI: "qemu:///system", "qemu:///session" or "qemu:///embed?root=DIR"; NULL or "": the
 * default. Fails with OFFSHOT_ERROR_USAGE
 * for any other. Nothing is connected to. Free with uri_directories_free().
 */
struct uri_directories *uri_directories_new(const char *uri, GError **error);
/* The URI that keeps its domain XML files in DIRECTORY (without symbolic links), or NULL. Free with
 * g_free(). */
char *uri_find_keeper(const char *directory);

void uri_directories_free(struct uri_directories *directories);
SCOPED_DEFINE(uri_directories)
