/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run-log.h - what a run appends to its log (--log), and what earlier runs have told there (--resume)
 *
 * Without --log all of it is allowed, and nothing is written or found.
 */
#ifndef SIPTLS_RUN_LOG_H
#define SIPTLS_RUN_LOG_H

#include "inputs.h"
#include "log.h"
#include "options.h"
#include "report-table.h"

struct run_log;

/* NULL, and says so: the log cannot be used. */
struct run_log *run_log_open(const struct options *options);
void run_log_close(struct run_log *log);

/* True once something could not be written, which was said. */
bool run_log_has_failed(const struct run_log *log);
void run_log_write(struct run_log *log, const GString *lines);

/* A run record: at the beginning, which tells how what follows was made, and at the end. */
void run_log_run(struct run_log *log, const struct totals *totals, bool is_complete);
void run_record(GString *line, const struct options *options, const struct totals *totals, bool is_complete);

/* The file record of what was read; `is_under_way`: when it is read once more it may tell more. */
void run_log_append_file(const struct run_log *log, GString *lines, const struct input *input,
                         const struct file_result *result, bool is_under_way);

/* What an earlier run has told of a file that need not be read again; NULL: nothing. */
const struct log_entry *run_log_find(const struct run_log *log, const struct input *input);

/* All that earlier runs have told: accounts of files, NULL: none; runs and changes, of struct record *. */
const struct log_index *run_log_earlier(const struct run_log *log);
const GPtrArray *run_log_others(const struct run_log *log);
/* Gives back their memory; from then on run_log_find() finds nothing. */
void run_log_forget_earlier(struct run_log *log);

/*
 * The accounts in logs; those of `paths` that cannot be read are named, and *is_read becomes false. `others` gets the
 * runs and changes. The caller frees them.
 */
struct log_index *run_logs_read(char *const *paths, GPtrArray *others, bool *is_read);

#endif
