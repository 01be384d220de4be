/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_MICROSECONDS 100000
#define BAR_WIDTH 40

void
progress_init(struct progress *progress, const struct cli *cli)
{
    const char *how = cli->progress ? cli->progress : "auto";
    bool drawable = isatty(STDERR_FILENO) && !cli->quiet && cli->verbose < 2;

    *progress = (struct progress){.style = PROGRESS_NONE, .shown = -1};
    if (strcmp(how, "plain") == 0)
        progress->style = PROGRESS_PLAIN;
    else if (strcmp(how, "json") == 0)
        progress->style = PROGRESS_JSON;
    else if (strcmp(how, "auto") == 0 && drawable)
        progress->style = PROGRESS_LINE;
}

static void
draw_line(struct progress *progress, int percent)
{
    gint64 now = g_get_monotonic_time();
    int filled = percent * BAR_WIDTH / 100;

    if (percent == progress->shown || now < progress->redraw)
        return;
    fprintf(stderr, "\r[%.*s%*s] %3d%%", filled, "########################################",
            BAR_WIDTH - filled, "", percent);
    fflush(stderr);
    progress->shown = percent;
    progress->redraw = now + REDRAW_MICROSECONDS;
}

static void
print_line(struct progress *progress, int percent)
{
    /* what runs next begins at 0 again */
    if (percent < progress->shown)
        progress->shown = -1;
    if (progress->style == PROGRESS_PLAIN && percent / 10 > MAX(progress->shown, 0) / 10)
        fprintf(stderr, "offshot: %d%% done\n", percent / 10 * 10);
    else if (progress->style == PROGRESS_JSON && percent != progress->shown)
        fprintf(stderr, "{\"progress\":%d.%02d}\n", percent / 100, percent % 100);
    progress->shown = percent;
}

void
progress_show(double fraction, void *progress)
{
    struct progress *self = progress;
    /* the tiny part keeps 0.29 from being 28 percent */
    int percent = (int)(CLAMP(fraction, 0.0, 1.0) * 100 + 1e-6);

    if (self->style == PROGRESS_LINE)
        draw_line(self, percent);
    else
        print_line(self, percent);
}

void
progress_end(struct progress *progress)
{
    if (progress->style == PROGRESS_LINE && progress->shown >= 0)
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + (int)strlen("[] 100%"), "");
    progress->shown = -1;
    progress->redraw = 0;
}
