/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/outside.h"

/* Other domains are looked for in so many files at most. */
#define DOMAINS_MAX 1000

/* And their snapshots in so many, all in all. */
#define DOMAINS_SNAPSHOTS_MAX 10000

/* Follow the disks of the domains whose XML files (*.xml) lie beside that of this one: the first
 * DOMAINS_MAX of them by name, links followed, directories (libvirt's "autostart") not. A disk that
 * is an image of the graph itself is noted as "PATH of domain 'NAME'". What is no domain XML is
 * passed over, and so are the images of the graph that another copy of this very domain names (the
 * same uuid or, without one, the same name). Their snapshots are followed in the same way, the
 * first DOMAINS_SNAPSHOTS_MAX; a disk is noted as "PATH of snapshot 'S' of domain 'NAME'".
 */
void outside_follow_domains(struct outside *outside);
