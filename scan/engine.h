/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - one capture file -> its records, by libwireshark inside this process
 *
 * The plugin's own sources are linked in: no plugin folder is read, no preference file, no script.
 * What it finds is what `tshark -n -q -o tcp.reassemble_out_of_order:TRUE -z siptls,json` finds.
 * A capture may crash Wireshark's dissectors: workers.h runs this where that costs one file only.
 */
#ifndef SIPTLS_ENGINE_H
#define SIPTLS_ENGINE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct engine_options {
    const char *ports, *keylog; /* NULL: the plugin's default, none */
    bool any_port, infer;
    bool under_way;  /* records tell of handshakes that were under way at the end */
    unsigned memory; /* mebibytes that a process may hold; 0: any */
};

enum file_status {
    FILE_OK,
    FILE_CUT_SHORT, /* damaged behind its beginning: the records are of what could be read */
    FILE_NOT_A_CAPTURE,
    FILE_UNREADABLE,
    FILE_CRASHED,
    FILE_TIMEOUT,
    FILE_MEMORY
};

struct file_result {
    enum file_status status;
    char *cause;      /* one line of why it is not FILE_OK, without the file's name; else NULL */
    GString *records; /* of its connections, NDJSON */
    unsigned connections;
    uint64_t packets;
};

void file_result_clear(struct file_result *result);

/* "ok", "cut_short", ...: the status in a file record. */
const char *file_status_name(enum file_status status);

/* Once a process. False when this libwireshark cannot be used, or takes not a preference; `error` says why. */
bool engine_init(const struct engine_options *options, char **error);

/* Of libwireshark: "4.0.17". */
const char *engine_version(void);

/* From now on every TLS server is judged, whatever the options said. */
void engine_judge_any_port(void);

/*
 * Makes the next session ready. A process that forks calls this first: what it costs is then paid
 * once, and not in every child.
 */
void engine_make_ready(void);

enum { ENGINE_MOST_FOLLOWED = 4 }; /* files; a handshake takes seconds: a ring buffer whose files are smaller is rare */

/* The file that a ring buffer went on with behind the `number`th of those that are to be read; NULL: none. */
typedef const char *next_file(const void *data, unsigned number);

/*
 * Reads `path` ("-": standard input). What was in the middle of a handshake when the file ended is
 * followed into those that `next` names, from 0 on; NULL: is not. The caller clears the result.
 */
void engine_read(const char *path, next_file *next, const void *data, struct file_result *result);

/* Gives back what is kept of the file that was read last; the next engine_read() does, too. An answer need not wait. */
void engine_forget(void);

/* Octets of memory that this process holds. */
uint64_t engine_resident(void);

/* To be called in a process that is going to read: what it has of its parent's memory does not wear it. */
void engine_begin_reading(void);

/* Whether this process should read no more files: its memory is not what it was. */
bool engine_is_worn(void);

#endif
