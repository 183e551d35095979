/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record-read.h - one line of NDJSON (record-json.h) -> what reports need of it
 */
#ifndef SIPTLS_RECORD_READ_H
#define SIPTLS_RECORD_READ_H

#include "endpoint.h"

enum record_type { RECORD_NOT_ONE, RECORD_CONNECTION, RECORD_FILE, RECORD_RUN, RECORD_CHANGE };

/* The leaf of a chain, as much of it as reports show. */
struct leaf {
    char *subject, *issuer, *sha256; /* NULL: not told */
    char *names;                     /* the first of its subjectAltNames, joined; NULL: it has none */
    char *usages;                    /* its extended key usages, joined; NULL: it has no such extension */
    int64_t not_after;               /* -1: not told */
    enum client_auth_eku client_auth_eku;
};

/* Strings of a leaf are the owner's. */
struct leaf leaf_copy(const struct leaf *leaf);
void leaf_clear(struct leaf *leaf);

struct record {
    enum record_type type;
    char *file;        /* NULL: the record does not say */
    bool is_under_way; /* of a connection: its handshake was, at the end; of a file: read once more, it may tell more */
    /* of a connection */
    struct contribution *contribution;
    uint16_t client_port;
    bool has_hello; /* the capture has its beginning */
    uint32_t first_frame, last_frame;
    struct leaf *client_leaf, *server_leaf; /* NULL: none seen */
    char *alert;                            /* "unknown_ca from the server"; NULL: none */
    char *filter;                           /* display filter for its packets */
    GPtrArray *continued_in;                /* of char *: files of the ring buffer that it goes on in; NULL: none */
    /* of a file */
    char *host, *status, *error; /* status "ok", or what was wrong, and `error` in words */
    char *modified;
    int64_t size;
    uint64_t packets;
    unsigned connections;
    /* of a run */
    char *ports, *keylog;
    bool any_port, infer;
    /* of a change: the endpoint, and what was told of it, are in a contribution */
};

/* Parses a line, which it changes. RECORD_NOT_ONE when it is no record of this schema. The caller frees it. */
struct record *record_read(char *line);
void record_free(struct record *record);

/* Called for each of some lines, with the line as it is there; may take the contribution out of the record. */
typedef void each_record(void *data, struct record *record, const char *line, size_t length);
void records_each(const char *lines, each_record *each, void *data);

#endif
