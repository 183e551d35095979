/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record-json.h - facts -> one JSON object a line (NDJSON), schema 1
 *
 * In:  struct facts of a connection, figures of a file. Out: text, one line, valid JSON whatever the
 * packets held. Written with libwsutil's json_dumper; absent facts are null, never missing keys.
 */
#ifndef SIPTLS_RECORD_JSON_H
#define SIPTLS_RECORD_JSON_H

#include "facts.h"

#define RECORD_SCHEMA 1

/* Appends the record and a newline to `out`. `file` NULL: not known. `with_stream`: tell the tcp.stream. */
void record_json_connection(GString *out, const struct facts *facts, const char *file, bool with_stream);

struct file_figures {
    const char *file;     /* NULL: not known */
    int64_t size;         /* octets; -1: not known */
    uint64_t packets;     /* read */
    uint64_t connections; /* records written */
    const char *status;   /* "ok" or what was wrong */
    const char *error;    /* NULL, or the cause in words */
};

void record_json_file(GString *out, const struct file_figures *figures);

/* How records were made, and of how much: the last line of siptls-scan. */
struct run_figures {
    const char *version, *wireshark; /* of siptls, of the libraries */
    const char *ports, *keylog;      /* as given; NULL: not given */
    bool any_port, infer;
    bool is_complete; /* false: interrupted */
    unsigned files, unreadable, not_captures, without_sip, connections;
};

void record_json_run(GString *out, const struct run_figures *figures);

#endif
