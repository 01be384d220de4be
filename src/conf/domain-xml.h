/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/domain-def.h"
#include "conf/xml-doc.h"

/* The most <disk> elements that one document may have. */
#define DISKS_MAX 10000

/* Read the domain at NODE of DOC; DOCUMENT, START and LENGTH become those of the result. Ownership
 * of DOCUMENT passes, also on failure. Fails as domain_def_parse().
 */
struct domain_def *domain_def_read(const struct xml_doc *doc, xmlNodePtr node, char *document,
                                   size_t start, size_t length, GError **error);
