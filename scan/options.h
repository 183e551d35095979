/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options.h - the command line -> what to do
 */
#ifndef SIPTLS_OPTIONS_H
#define SIPTLS_OPTIONS_H

#include "networks.h"
#include "workers.h"

struct options {
    struct engine_options engine;
    struct worker_options workers;
    struct networks *own;
    bool quiet, ndjson;
    char *output; /* NULL: standard output */
    char *list;   /* of more paths: --files-from; NULL: none */
    char **paths; /* NULL: none */
    char *ports, *keylog;
};

/* False: wrong usage, and said so. Frees with options_clear() either way. */
bool options_parse(struct options *options, int *argc, char ***argv);
void options_clear(struct options *options);

#endif
