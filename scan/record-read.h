/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * record-read.h - one line of NDJSON (record-json.h) -> what reports need of it
 */
#ifndef SIPTLS_RECORD_READ_H
#define SIPTLS_RECORD_READ_H

#include "endpoint.h"

enum record_type { RECORD_NOT_ONE, RECORD_CONNECTION, RECORD_FILE };

struct record {
    enum record_type type;
    /* of a connection */
    struct contribution *contribution;
    uint16_t client_port;
    uint32_t first_frame, last_frame;
    char *alert; /* "unknown_ca from the server"; NULL: none */
    /* of a file */
    uint64_t packets;
};

/* Parses a line, which it changes. RECORD_NOT_ONE when it is no record of this schema. */
struct record *record_read(char *line);
void record_free(struct record *record);

#endif
