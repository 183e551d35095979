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

struct worker_options {
    unsigned jobs;    /* processes at a time */
    unsigned timeout; /* seconds a file may take; 0: any */
    unsigned memory;  /* mebibytes a process may hold; 0: any */
};

struct workers_use {
    /* The file that a ring buffer went on with behind the `index`th path, `step` files further; NULL: none. */
    const char *(*next)(const void *data, unsigned index, unsigned step); /* NULL: there is none anywhere */
    /* Called once a file, as soon as it was read; may add to the records. NULL: is not. */
    void (*finished)(void *data, unsigned index, struct file_result *result);
    /* Called once a file, in order; the result is only good during the call. */
    void (*done)(void *data, unsigned index, const struct file_result *result);
    bool (*should_stop)(const void *data);
    void *data;
};

/*
 * Reads the files `paths` (of char *). Ends early when should_stop() says so, after telling of all files that were read
 * by then. Call from a process with one thread, after engine_init().
 */
void workers_run(const GPtrArray *paths, const struct worker_options *options, const struct workers_use *use);

#endif
