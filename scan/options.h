/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the command line -> what to do
 */
#ifndef SIPTLS_OPTIONS_H
#define SIPTLS_OPTIONS_H

#include "facts.h"
#include "host-names.h"
#include "networks.h"
#include "workers.h"

enum format { FORMAT_TABLE, FORMAT_NDJSON, FORMAT_CSV, FORMAT_HTML, FORMAT_NONE };

struct options {
    struct engine_options engine;
    struct worker_options workers;
    struct networks *own, *clients; /* clients: only connections from there; empty: all */
    struct host_names *names;       /* NULL: none */
    struct timestamp since, until;  /* seconds 0: not given */
    enum format format;
    bool quiet, by_client, series, resume;
    bool version; /* and nothing else is wanted */
    unsigned shard, shards;
    unsigned plan;    /* shards to plan for, and read nothing; 0: none */
    char *write_list; /* to write, and read nothing; NULL: none */
    char *expect;     /* list of the files that must have a record; NULL: none */
    char *output;     /* NULL: standard output */
    char *log;        /* NULL: none */
    char *watch;      /* the directory to follow; NULL: none */
    char *on_change;  /* command to run for each change; NULL: none */
    char *list;       /* of more paths: --files-from; NULL: none */
    char **paths;     /* NULL: none */
    char **logs;      /* to report from, in place of reading captures; NULL: none */
    char *ports, *keylog;
};

/* False: wrong usage, and said so. Frees with options_clear() either way. */
bool options_parse(struct options *options, int *argc, char ***argv);
void options_clear(struct options *options);

/* Standard output goes to the file that the user has named. False: it cannot, and said so. */
bool options_open_output(const struct options *options);

#endif
