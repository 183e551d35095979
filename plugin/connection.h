/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connection.h - the state machine of one TLS connection
 *
 * In:  observations: TCP segments in file order with the TLS records, handshake messages and alerts
 *      that were dissected in them (observe.c makes them out of Wireshark's tree).
 * Out: struct facts, with the verdict.
 *
 * Says "not requested" only where the whole place in which a CertificateRequest could stand was
 * seen (stream.h). Plain C on GLib: no Wireshark header, no input it could not survive.
 */
#ifndef SIPTLS_CONNECTION_H
#define SIPTLS_CONNECTION_H

#include "facts.h"
#include "sessions.h"

#define MOST_CERTIFICATES   32         /* kept of one chain */
#define MOST_AUTHORITIES    100        /* names kept of one CertificateRequest */
#define MOST_IDENTITIES     32         /* of a pre_shared_key extension that are looked at */
#define LONGEST_CERTIFICATE (64 << 10) /* octets; a longer one is kept as its first octets and not parsed */

/* Handshake types used by the state machine (TLS HandshakeType registry). */
enum handshake_type {
    HS_HELLO_REQUEST = 0,
    HS_CLIENT_HELLO = 1,
    HS_SERVER_HELLO = 2,
    HS_NEW_SESSION_TICKET = 4,
    HS_HELLO_RETRY_REQUEST = 6,
    HS_ENCRYPTED_EXTENSIONS = 8,
    HS_CERTIFICATE = 11,
    HS_SERVER_KEY_EXCHANGE = 12,
    HS_CERTIFICATE_REQUEST = 13,
    HS_SERVER_HELLO_DONE = 14,
    HS_CERTIFICATE_VERIFY = 15,
    HS_CLIENT_KEY_EXCHANGE = 16,
    HS_FINISHED = 20,
    HS_CERTIFICATE_URL = 21,
    HS_CERTIFICATE_STATUS = 22,
    HS_COMPRESSED_CERTIFICATE = 25
};

enum content_type {
    CT_CHANGE_CIPHER_SPEC = 20,
    CT_ALERT = 21,
    CT_HANDSHAKE = 22,
    CT_APPLICATION_DATA = 23,
    CT_HEARTBEAT = 24
};

enum tcp_flag { TCP_FIN = 0x01, TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

/* One dissected handshake message. What a message does not carry is 0 or NULL. */
struct message {
    uint8_t type;
    uint32_t length; /* octets of its body */
    bool fills;      /* the lengths inside it end where it ends */
    /* ClientHello, ServerHello */
    uint16_t version;                  /* legacy_version */
    uint16_t selected_version;         /* supported_versions of a ServerHello (RFC 8446 4.2.1) */
    const char *cipher;                /* ServerHello: IANA name, static */
    bool offers_suite_that_cannot_ask; /* ClientHello: see suite_cannot_ask() */
    bool retry_request;                /* a ServerHello that is a HelloRetryRequest (RFC 8446 4.1.3) */
    bool pre_shared_key, early_data, post_handshake_auth;
    uint32_t
        external_identities;    /* ClientHello, bits: the nth identity's obfuscated_ticket_age is 0 (RFC 8446 4.2.11) */
    uint16_t selected_identity; /* ServerHello with pre_shared_key */
    GBytes *session_id;
    GBytes *ticket; /* of a ClientHello of TLS <= 1.2, of a NewSessionTicket; not empty (RFC 5077 3.2, 3.3) */
    char *sni;
    GPtrArray *alpn; /* of char * */
    /* Certificate, CompressedCertificate */
    GPtrArray *certificates; /* of GBytes *, DER, leaf first */
    bool empty_certificate;  /* the list is there and has no entry */
    bool certificate_not_inflated;
    bool certificates_cut; /* there were more than MOST_CERTIFICATES */
    /* CertificateRequest */
    GBytes *authorities;
};

/* One dissected TLS record. */
struct tls_record {
    uint8_t type;     /* the inner content type where it was decrypted */
    uint16_t version; /* of the record header */
    bool hidden;      /* TLS 1.3, carried as application data and not decrypted: type says nothing */
    bool decrypted;
    bool sip;         /* decrypted application data that Wireshark dissected as SIP */
    uint32_t length;  /* of the record header: octets */
    uint32_t content; /* octets of readable content: `length` in cleartext, the plaintext when decrypted */
    bool alert_readable;
    uint8_t alert_level, alert_code;
    unsigned first_message, messages; /* in observation.messages */
};

/* One TCP segment and what the TLS dissector found when it saw it. */
struct observation {
    uint32_t frame;
    struct timestamp time;
    unsigned from; /* 0 or 1: which of the connection's two addresses sent it */
    uint32_t sequence, acknowledgement, length;
    uint8_t flags;     /* enum tcp_flag */
    bool truncated;    /* the file holds less of the packet than was on the wire */
    bool begins_hello; /* its octets begin as those of a ClientHello or ServerHello, dissected or not */
    bool tls;          /* the TLS dissector was called */
    GArray *records;   /* of struct tls_record */
    GArray *messages;  /* of struct message */
};

/* What a segment brought that is worth showing on its frame; bits. */
enum connection_event {
    EVENT_HELLO = 1 << 0,
    EVENT_CERTIFICATE_REQUEST = 1 << 1,
    EVENT_CLIENT_CERTIFICATE = 1 << 2,
    EVENT_SERVER_CERTIFICATE = 1 << 3,
    EVENT_REJECTED = 1 << 4,
    EVENT_VERDICT = 1 << 5, /* the verdict became final or, with EVENT_REVISED, another one */
    EVENT_REVISED = 1 << 6
};

struct connection;

/* A connection between two addresses ("192.0.2.1", "2001:db8::1"); 0 is who sent the first segment. */
struct connection *connection_new(uint32_t stream, const char *const address[2], const uint16_t port[2]);
void connection_free(struct connection *connection);

/* Whether the lengths of encrypted TLS 1.3 records are concluded from (inference.h); they are unless told otherwise. */
void connection_set_infers(struct connection *connection, bool infers);

/* Where the sessions of the capture are remembered; they must outlive the connection. Without: none is. */
void connection_set_sessions(struct connection *connection, struct sessions *sessions);

void observation_init(struct observation *observation);
void observation_reset(struct observation *observation); /* frees the messages' contents, keeps the arrays */
void observation_clear(struct observation *observation);

/*
 * Takes in the next segment. Returns the events of this segment (enum connection_event), without
 * EVENT_VERDICT: see connection_verdict_event(). Takes references of what it keeps.
 */
unsigned connection_observe(struct connection *connection, const struct observation *observation);

/*
 * To be called after connection_observe(), once SIP recognition had its turn: EVENT_VERDICT (and
 * EVENT_REVISED) when this frame settles or changes the verdict of a SIP connection, else 0.
 */
unsigned connection_verdict_event(struct connection *connection, uint32_t frame);

/* TLS was seen on the connection. */
bool connection_has_tls(const struct connection *connection);

/* This one was closed, and the segment opens another one on the same addresses, its SYN not captured. */
bool connection_is_over(const struct connection *connection, const struct observation *observation);

/*
 * The handshake is over, all of it was seen, and without keys nothing of what can follow is readable but the headers
 * of records: they say all that there is to observe. `next`: sequence number of each side's next record.
 */
bool connection_needs_headers_only(const struct connection *connection, uint32_t next[2]);

/* Records of application data may hold anything: TLS 1.3 (RFC 8446 5.2). */
bool connection_hides_records(const struct connection *connection);

/* Something happened since connection_verdict_event() last looked. */
bool connection_changed(const struct connection *connection);

/*
 * The server's port and the way it is known; ROLE_FROM_NOTHING, and no port, while it is not.
 */
enum role_from connection_server_port(const struct connection *connection, uint16_t *port);

/* Without a hello or SYN: the side on a SIP port is the server; neither or both: the lower port. */
void connection_guess_server(struct connection *connection, const bool is_sip_port[2]);

/* SIP recognised, the first way counts. */
void connection_set_sip(struct connection *connection, enum sip_by by);
enum sip_by connection_sip(const struct connection *connection);
bool connection_offers_alpn(const struct connection *connection, const char *protocol);
bool connection_has_sip_payload(const struct connection *connection);
uint16_t connection_port(const struct connection *connection, unsigned side);
const char *connection_address(const struct connection *connection, unsigned side);

/*
 * All that is known by now, judged. The certificates are parsed on first use. What `facts` points
 * to belongs to the connection and stays until it is freed or observes another handshake.
 */
void connection_facts(struct connection *connection, struct facts *facts);

#endif
