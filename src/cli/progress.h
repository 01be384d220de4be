/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"

/* How far a long operation is, on stderr (--progress). */
struct progress {
    enum progress_style {
        PROGRESS_NONE,
        PROGRESS_LINE,  /* one line of a terminal, drawn again in place */
        PROGRESS_PLAIN, /* a line for every 10 percent */
        PROGRESS_JSON,  /* {"progress":0.12}, a line for every percent */
    } style;
    int shown;     /* percent that stderr tells of; -1: nothing yet */
    gint64 redraw; /* monotonic microseconds: the line is not drawn again before */
};

/* What CLI asks for: by itself a line on a terminal that nothing else writes to, nothing elsewhere.
 */
void progress_init(struct progress *progress, const struct cli *cli);

/* Tell that FRACTION (0 to 1) of what runs now is done. */
void progress_show(double fraction, void *progress);

/* Nothing more is told: take the line away. */
void progress_end(struct progress *progress);
