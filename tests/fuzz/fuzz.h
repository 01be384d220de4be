/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What each fuzz-NAME.c defines: parse SIZE bytes of DATA, free everything, return 0. Called by
 * libFuzzer, or by replay.c with the files of corpus/NAME.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
