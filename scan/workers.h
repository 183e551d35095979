/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workers.h - many files, read by processes of their own
 *
 * A file that crashes its process, hangs it or outgrows its memory costs that file only: the process
 * is replaced and the run goes on. Results come in the order of the files, whoever was first.
 */
#ifndef SIPTLS_WORKERS_H
#define SIPTLS_WORKERS_H

#include "engine.h"

#include <signal.h>

struct worker_options {
    unsigned jobs;    /* processes at a time */
    unsigned timeout; /* seconds a file may take; 0: any */
    unsigned memory;  /* mebibytes a process may hold; 0: any */
};

/* Called once a file, in order; the result is only good during the call. */
typedef void file_done(void *data, unsigned index, const struct file_result *result);

/*
 * Reads the files `paths` (of char *). Ends early when *stop becomes true, after telling of all files
 * that were read by then. Call from a process with one thread, after engine_init().
 */
void workers_run(const GPtrArray *paths, const struct worker_options *options, file_done *done, void *data,
                 const volatile sig_atomic_t *stop);

#endif
