/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* Look at the files in which snapshots keep the memory of the VM, into `memory` of STATE, whose
 * graph is complete. Whatever a file is, it is only looked at; nothing about it is an error.
 */
void state_load_memory(struct state *state);
