/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

enum { SHOW_EVERY = G_USEC_PER_SEC / 5 };

struct progress {
    bool is_on, is_shown;
    unsigned files, of_files;
    uint64_t octets, of_octets;
    uint64_t read; /* of octets: in this run */
    int64_t began, shown;
};

struct progress *progress_new(bool quiet)
{
    struct progress *progress = g_new0(struct progress, 1);

    progress->is_on = !quiet && isatty(STDERR_FILENO);
    progress->began = g_get_monotonic_time();
    return progress;
}

void progress_free(struct progress *progress)
{
    progress_hide(progress);
    g_free(progress);
}

void progress_expect(struct progress *progress, int64_t size)
{
    progress->of_files++;
    progress->of_octets += size > 0 ? (uint64_t)size : 0;
}

void progress_count(struct progress *progress, int64_t size, bool read)
{
    const uint64_t octets = size > 0 ? (uint64_t)size : 0;

    progress->files++;
    progress->octets += octets;
    progress->read += read ? octets : 0;
}

static char *time_left(const struct progress *progress, double rate)
{
    const uint64_t seconds = rate > 0 ? (uint64_t)((double)(progress->of_octets - progress->octets) / rate) : 0;

    if (rate <= 0)
        return g_strdup("");
    return seconds < 100    ? g_strdup_printf(", %u s left", (unsigned)seconds)
           : seconds < 6000 ? g_strdup_printf(", %u min left", (unsigned)(seconds / 60))
                            : g_strdup_printf(", %u h left", (unsigned)(seconds / 3600));
}

void progress_show(struct progress *progress, const struct totals *totals)
{
    const int64_t now = g_get_monotonic_time();

    if (!progress->is_on || now - progress->shown < SHOW_EVERY)
        return;
    const double rate = (double)progress->read * G_USEC_PER_SEC / (double)(now - progress->began + 1);
    g_autofree char *done = g_format_size(progress->octets), *all = g_format_size(progress->of_octets);
    g_autofree char *a_second = g_format_size((uint64_t)rate), *left = time_left(progress, rate);
    fflush(stdout);
    fprintf(stderr, "\r\033[K%u of %u files, %s of %s, %s/s, %u at risk or failing%s", progress->files,
            progress->of_files, done, all, a_second, totals->findings, left);
    fflush(stderr);
    progress->shown = now;
    progress->is_shown = true;
}

void progress_hide(struct progress *progress)
{
    if (!progress->is_shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->is_shown = false;
}
