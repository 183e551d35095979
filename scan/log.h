/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h - a file of records (NDJSON) that runs append to, and reports are made from
 *
 * All records of a capture are appended at once, its file record last: without one they count for nothing, as after a
 * kill. Of several accounts of one capture the last counts, so logs of many runs and machines merge by concatenation.
 */
#ifndef SIPTLS_LOG_H
#define SIPTLS_LOG_H

#include "record-read.h"

struct log;

/* Opens `path` for appending, and makes it. NULL: not possible, `error` says why. */
struct log *log_open(const char *path, char **error);
/* False: not written, errno says why. */
bool log_append(struct log *log, const GString *lines);
void log_close(struct log *log);

/* The account of one capture in a log. */
struct log_entry {
    struct log_file *log;   /* it is in */
    int64_t offset, length; /* octets: its connections' records, and the file record */
    char *file;             /* the capture */
    const char *host;       /* where it was read; NULL: not told. Interned */
    const char *modified;   /* its mtime as the record spells it; NULL: not told. Interned */
    int64_t size;
    unsigned accounts;  /* how many final ones there are of this state: 1, unless several tasks have read it */
    bool is_final;      /* reading the capture once more would give the same */
    bool has_continued; /* connections that go on in other files */
};

struct log_file;
struct log_index;

struct log_index *log_index_new(void);
void log_index_free(struct log_index *index);

/*
 * Takes in a log; *others gets its run and change records (of struct record *, free function set). False: it cannot be
 * read, `error` says why. Lines that are no records are counted in *strange.
 */
bool log_index_read(struct log_index *index, const char *path, GPtrArray *others, unsigned *strange, char **error);

/* The entries that count, of struct log_entry *, in the order in which their captures first appeared. */
const GPtrArray *log_index_entries(const struct log_index *index);

/* The entry of a capture with this name, size and mtime; NULL: none. */
const struct log_entry *log_index_find(const struct log_index *index, const char *file, int64_t size,
                                       const char *modified);

/* The lines of an entry; NULL: its log cannot be read any more, `error` says why. The caller frees it. */
char *log_entry_lines(const struct log_entry *entry, char **error);

#endif
