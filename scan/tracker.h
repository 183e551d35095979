/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracker.h - the records of files, as they become complete -> what is new of endpoints (changes.h), told at once
 *
 * In: the records of one file after the other, those of a ring buffer in its order. Of what was taken, nothing is kept
 * but what the endpoints are now, and what the next file of each ring buffer needs.
 */
#ifndef SIPTLS_TRACKER_H
#define SIPTLS_TRACKER_H

#include "options.h"
#include "report-table.h"
#include "run-log.h"
#include "series.h"

struct tracker;

struct tracker *tracker_new(const struct options *options, struct run_log *log);
void tracker_free(struct tracker *tracker);

/* What the log tells is known from then on, and what it says was told is not told again. */
void tracker_go_on(struct tracker *tracker);

/* The records of a file and its file record; `is_again`: it was taken before, and has changed. */
void tracker_take(struct tracker *tracker, const struct series_place *place, const char *lines, bool is_again);

/* Whether a handshake that began there was under way at the end. */
bool tracker_is_under_way(const struct tracker *tracker, const char *lines);

/* Of a file that is going to be read once more: what will not be otherwise then. */
void tracker_take_ended(struct tracker *tracker, const char *lines);

/* Nothing more will be taken of the file, or of the series of which `is_gone` says so. */
void tracker_forget_file(struct tracker *tracker, const char *path);
void tracker_forget_series(struct tracker *tracker, bool (*is_gone)(const void *data, const char *series),
                           const void *data);

const struct totals *tracker_totals(const struct tracker *tracker);

/* Whether standard output cannot be written any more: nothing can be told. */
bool tracker_is_broken(const struct tracker *tracker);

/* By what the endpoints are now, and by what could not be read or told. */
int tracker_exit_status(const struct tracker *tracker);

#endif
