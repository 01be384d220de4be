/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/session.h"
#include "ops/publish.h"

/* Ask the daemon at URI, through virsh, what it knows of the session's domain, which it finds by
 * the UUID.
 *
 * Fails as virsh_run() does, and with OFFSHOT_ERROR_BUSY when the domain is not shut off there.
 * Free with publish_known_free().
 */
struct publish_known *publish_ask(const struct session *session, const char *uri, GError **error);
