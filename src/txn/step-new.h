/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/step.h"

/* The end of a step whose program made a new image through the descriptor step->fd (create-overlay,
 * convert): see that it is what was asked for and still has its name, give it its attributes, flush
 * it, and note in step->made which file it is.
 */
bool step_new_image_end(struct step *step, GError **error);
