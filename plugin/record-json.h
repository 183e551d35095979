/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record-json.h - facts -> one JSON object a line (NDJSON), schema 1
 *
 * In:  struct facts of a connection, figures of a file. Out: text, one line, valid JSON whatever the
 * packets held. Written with libwsutil's json_dumper; absent facts are null, never missing keys. A path that is no
 * UTF-8 has a second member, file_octets, that tells its octets as a URI would ("/archive/%FF.pcapng").
 */
#ifndef SIPTLS_RECORD_JSON_H
#define SIPTLS_RECORD_JSON_H

#include "facts.h"

#define RECORD_SCHEMA 1

/* Where the packets of a connection are. */
struct record_place {
    const char *file;              /* NULL: not known */
    bool with_stream;              /* tell the tcp.stream */
    const GPtrArray *continued_in; /* of char *: files of a ring buffer that it goes on in; NULL: none */
    const uint32_t *frames_behind; /* how many frames `file` and those before it have together, one for each of them */
    bool is_under_way;             /* the handshake was, at the end of the file, or of the last of those */
};

/* Appends the record and a newline to `out`. A frame is told by its number in the file that it is in. */
void record_json_connection(GString *out, const struct facts *facts, const struct record_place *place);

struct file_figures {
    const char *file;     /* NULL: not known */
    const char *host;     /* where it was read; NULL: not told */
    int64_t size;         /* octets; -1: not known */
    int64_t modified;     /* nanoseconds since 1970; 0: not told */
    uint64_t packets;     /* read */
    uint64_t connections; /* records written */
    const char *status;   /* "ok" or what was wrong */
    const char *error;    /* NULL, or the cause in words */
    bool is_under_way;    /* read once more, it may tell more: a handshake goes on in the next file of a ring buffer */
};

/* A time as file records tell it: nanoseconds since 1970. The caller frees it. */
char *record_json_time(int64_t nanoseconds);

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

/* What is new of an endpoint. */
struct change_figures {
    const char *file;                   /* in which it showed; NULL: not known any more */
    const char *server_ip, *sni, *name; /* name: what the user calls the host; NULL: none */
    uint16_t server_port;
    const char *before;                          /* impact; NULL: nothing was told of it */
    const char *impact, *reason, *text, *advice; /* text: the reason as a clause; advice: what to do */
    const char *client_ip, *filter;              /* of the connection; NULL: not known any more */
    struct timestamp start;                      /* of the connection; seconds 0: not known any more */
    unsigned clients, undecided;
    struct timestamp last_asked, last_not_asked; /* seconds 0: never */
};

void record_json_change(GString *out, const struct change_figures *figures);

#endif
