/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connection-state.h - what connection.c keeps of a connection and conclusion.c reads; nobody else's
 */
#ifndef SIPTLS_CONNECTION_STATE_H
#define SIPTLS_CONNECTION_STATE_H

#include "connection.h"
#include "inference.h"
#include "order.h"
#include "stream.h"

#define TLS13  0x0304
#define NOBODY 2 /* not one of the two sides */

/* A chain as it was presented; the certificates are parsed when somebody asks for them. */
struct chain {
    GPtrArray *der;    /* of GBytes *; NULL: no Certificate message with certificates was seen */
    GPtrArray *parsed; /* of struct certificate * */
    bool seen;         /* a non-empty Certificate message was seen, readable or not */
};

/* TLS 1.3: an encrypted record that was not decrypted. */
struct hidden_record {
    uint32_t frame;
    uint32_t end, acknowledgement; /* TCP sequence numbers: behind its last octet; of the segment that completed it */
    uint16_t length;
};

/* The first encrypted records of a handshake, by side. */
struct hidden_flights {
    struct hidden_record record[2][INFERENCE_RECORDS];
    unsigned count[2], proven[2]; /* proven: of them, with nothing missing in front */
    bool disordered[2];           /* not dissected in the order they were sent in */
};

/* The handshake under way, or the last one. */
struct handshake {
    bool client_hello, server_hello, retry_request;
    bool offers_suite_that_cannot_ask, offers_post_handshake_auth;
    uint32_t hello_ack, last_ack; /* what the client had acknowledged with its hello, and most lately */
    GBytes *session_id;           /* offered by the client */
    GBytes *ticket;               /* offered by the client */
    uint32_t external_identities; /* offered by the client: struct message */
    bool resumed, server_certificate;
    bool external_key; /* resumed says so, but the key was agreed upon elsewhere */

    bool requested;                                    /* a CertificateRequest was seen */
    bool client_certificate;                           /* a Certificate from the client was seen, empty or not */
    bool client_key_exchange, client_key_exchange_tls; /* tls: in a record of TLS 1.0-1.2 */
    bool flight_end[2];             /* by side: ServerHelloDone or Finished (server), ClientKeyExchange or Finished */
    bool covered[2];                /* and everything up to it was seen */
    struct order order[2];          /* of the messages up to it */
    bool hidden[2];                 /* a record in the flight was not decrypted */
    struct hidden_flights *flights; /* NULL while there is none */
    bool offers_early_data;
    bool change_cipher_spec[2], finished[2];
    uint32_t finished_ack; /* acknowledging this means having the client's Finished */
    bool answered_hidden;  /* TLS 1.3: the server sent a record behind the client's first hidden one */
    uint32_t hidden_ack;
    bool server_went_on; /* TLS 1.3: a ticket, data or a hidden record of the server behind its Finished */
    bool hello_request;  /* TLS <= 1.2: the server asked for another handshake (RFC 5246 7.4.1.1) */
    bool completed;
    unsigned rejected_by; /* side; NOBODY */
};

struct connection {
    uint32_t stream_number;
    char *address[2];
    uint16_t port[2];
    struct stream stream[2];
    unsigned syn_from; /* side; NOBODY */
    unsigned server;   /* side; NOBODY */
    enum role_from role_from;
    bool tls;
    enum sip_by sip;
    bool sip_payload;

    uint32_t first_frame, last_frame, verdict_frame;
    struct timestamp start, end;
    struct handshake handshake;
    unsigned handshakes;     /* begun: hellos, and requests for post-handshake authentication */
    bool earlier_not_proven; /* an earlier handshake could have held an unseen request */
    enum reason earlier_reason;
    bool encrypted[2]; /* TLS <= 1.2: a ChangeCipherSpec was seen from this side */
    bool conflict, renegotiated;
    bool hidden_after; /* TLS 1.3: records behind the server's Finished that were not decrypted */

    uint16_t version;
    const char *cipher;
    bool suite_cannot_ask; /* suite_cannot_ask() of it */
    char *sni, *alpn;
    GPtrArray *alpn_offered;
    GString *history;

    bool requested, request_decrypted;
    uint32_t request_frame;
    GPtrArray *authorities;
    enum client_cert answer; /* to the last request */
    bool answer_decrypted;
    struct chain chain[2];
    unsigned caveats;

    bool infers;               /* from record lengths */
    struct sessions *sessions; /* of the capture; NULL: not remembered */
    uint32_t closed_frame[2];  /* by side: its first FIN or RST; 0: none */
    bool closed_whole[2];      /* and nothing before it was missed */
    bool data[2];              /* application data since the handshake */
    unsigned closed_first;     /* side; NOBODY */
    struct alert alert;

    bool changed; /* since the verdict was last looked at */
    bool published;
    enum impact published_impact;
    enum reason published_reason;
};

/*
 * Was the whole place where this handshake's CertificateRequest could stand seen, and none there? By
 * the server's flight (RFC 5246 7.4.4, RFC 8446 4.3.2) or the client's (RFC 5246 7.4.6). The server is known.
 */
bool conclusion_is_proven(const struct connection *c);

/* The connection whose full handshake created the session that this one resumes; NULL: not known. */
struct connection *connection_original(const struct connection *c);

/* Why it was not. */
enum reason conclusion_why_not_proven(const struct connection *c);

static inline bool is_tls13(const struct connection *c) { return c->version == TLS13; }

static inline bool from_server(const struct connection *c, unsigned from) { return c->server == from; }

static inline enum side side_of(const struct connection *c, unsigned side)
{
    if (side == NOBODY || c->server == NOBODY)
        return SIDE_NONE;
    return side == c->server ? SIDE_SERVER : SIDE_CLIENT;
}

/* A later sequence number, RFC 9293 3.4. */
static inline bool reaches(uint32_t acknowledgement, uint32_t sequence)
{
    return (int32_t)(acknowledgement - sequence) >= 0;
}

#endif
