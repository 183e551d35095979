/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dossier.h - what is gathered for the details of a page: of each row (an endpoint, or a client) and of the whole run
 *
 * In:  records, in order. Out: for each row its connections over time, peers, certificates, alerts, and the latest
 * connection for each reason; all bounded, and what is beyond a bound is counted. The verdict on a row is endpoint.h's.
 */
#ifndef SIPTLS_DOSSIER_H
#define SIPTLS_DOSSIER_H

#include "record-read.h"
#include "timeline.h"

enum {
    MOST_PEERS = 256,        /* of a row that are kept; pages show fewer */
    MOST_CERTIFICATES = 256, /* of a row */
    MOST_ALERTS = 32,        /* kinds of them, of a row */
    MOST_UNREAD = 500        /* files */
};

/* Who is at the other end: a client's address, or a server's address and port. */
struct peer {
    char *ip;
    uint16_t port; /* 0: a client */
    unsigned connections, decided;
    enum impact worst;
    struct timestamp last;
};

/* A certificate, wherever it was seen; as a leaf of that side. */
struct sighted {
    struct leaf leaf;
    enum side side;
    unsigned rows, connections;
    struct timestamp last;
};

struct row_certificate {
    struct sighted *of;
    unsigned connections;
    struct timestamp last;
};

struct row_alert {
    char *text; /* "unknown_ca from the server" */
    unsigned connections;
};

/* The connections with one reason, and where the latest of them is. */
struct finding {
    unsigned connections;
    enum impact impact;
    enum reason reason;
    struct timestamp last;
    char *where, *command;
};

struct dossier {
    struct timeline timeline;
    GPtrArray *peers; /* of struct peer * */
    GHashTable *peer_by_name;
    GArray *certificates;                                  /* of struct row_certificate */
    GArray *alerts;                                        /* of struct row_alert */
    struct finding *findings[REASON_OUTCOME_NOT_SEEN + 1]; /* NULL: none with that reason */
    unsigned other_certificates, other_alerts;             /* connections of those that are not kept */
};

struct unread {
    char *file, *error;
};

struct dossiers {
    bool by_client;
    GPtrArray *rows;          /* of struct dossier *, by the number of the row */
    GHashTable *certificates; /* side and SHA-256 -> struct sighted * */
    GArray *unread;           /* of struct unread */
    unsigned more_unread;
    unsigned undecided_for[REASON_OUTCOME_NOT_SEEN + 1]; /* connections */
    unsigned connections, undecided;
    struct timestamp first, last; /* seconds 0: no connection */
};

struct dossiers *dossiers_new(bool by_client);
void dossiers_free(struct dossiers *dossiers); /* NULL is none */

/* A connection, and the number of its row. `record` has its `where` and `command`. */
void dossiers_add(struct dossiers *dossiers, unsigned row, const struct record *record);

/* A file that could not be read. */
void dossiers_add_unread(struct dossiers *dossiers, const char *file, const char *error);

const struct dossier *dossiers_row(const struct dossiers *dossiers, unsigned row);

#endif
