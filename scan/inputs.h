/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inputs.h - paths from the command line -> the files to audit
 *
 * Files of a ring buffer are a series (series.h): each knows the one that dumpcap went on with.
 */
#ifndef SIPTLS_INPUTS_H
#define SIPTLS_INPUTS_H

#include "series.h"

#define NO_INPUT G_MAXUINT

struct input {
    char *path;
    bool named; /* by the user, not found in a directory */
    bool is_link;
    bool is_listed;          /* with size and time, and not looked at yet */
    int64_t size;            /* octets; -1: no regular file */
    int64_t modified;        /* nanoseconds since 1970; 0: no regular file */
    uint64_t device, number; /* of the file itself; 0: not known */
    struct series_place place;
    const void *of; /* whatever it stands for; NULL: itself */
    bool is_next;   /* the ring buffer went on with it behind the one before in its series */
    unsigned next;  /* index of the file that the ring buffer went on with; NO_INPUT: none here */
};

/* Of struct input *. Free with g_ptr_array_unref(). */
GPtrArray *inputs_new(void);

/*
 * The files behind `path`: itself ("-": standard input), or every regular file below a directory in order of name. A
 * directory is entered once, whatever links lead to it. Appends to `inputs`. False when the path cannot be read; the
 * cause is on stderr.
 */
bool inputs_collect(GPtrArray *inputs, const char *path);

/* A regular file, as if it had been found in a directory. False: there is none. */
bool inputs_add_file(GPtrArray *inputs, const char *path);

/* A path that need not exist, and what it stands for. */
void inputs_add(GPtrArray *inputs, const char *path, const void *of);

/*
 * The same for every path in the file `list` ("-": standard input): one a line, or NUL between them. A list with sizes
 * (file-list.h) is taken at its word: no file of it is looked at before the shards are made.
 * *all_there becomes false when a path cannot be read. False: the list cannot be. The cause is on stderr.
 */
bool inputs_collect_list(GPtrArray *inputs, const char *list, bool *all_there);

/*
 * To be called when all are collected: leaves out paths that come again and links to files that are there themselves,
 * and finds the series.
 */
void inputs_settle(GPtrArray *inputs);

/* Of settled inputs, the shard of each (from 0), for the caller to free. */
unsigned *inputs_shards(const GPtrArray *inputs, unsigned shards);

/* Settles them, keeps the `shard`th of `shards` parts (1..shards), and puts the files of each series in order. */
void inputs_arrange(GPtrArray *inputs, unsigned shard, unsigned shards);

/* Whether `path` is one of them, by whatever name. */
bool inputs_contain(const GPtrArray *inputs, const char *path);

/* Whether the file is empty, or its first octets are UTF-8 text (RFC 3629). False when it cannot be read. */
bool input_is_text(const char *path);

#endif
