/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * progress.h - how far the run is, on a line of standard error that comes and goes
 *
 * Only where standard error is a terminal and the user has not asked for quiet.
 */
#ifndef SIPTLS_PROGRESS_H
#define SIPTLS_PROGRESS_H

#include "report-table.h"

struct progress;

struct progress *progress_new(bool quiet);
void progress_free(struct progress *progress);

/* One more file of `size` octets (-1: not known) is to be read; is done with, `read` now or in an earlier run. */
void progress_expect(struct progress *progress, int64_t size);
void progress_count(struct progress *progress, int64_t size, bool read);

/* Shows the line, a few times a second at most; takes it away so that something else can be printed. */
void progress_show(struct progress *progress, const struct totals *totals);
void progress_hide(struct progress *progress);

#endif
