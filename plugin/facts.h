/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * facts.h - what is known of one TLS connection
 *
 * The vocabulary of the project: every word that appears in a display field, a JSON record or a
 * table is one of the enumerations below, spelled by names.c. connection.c fills a struct facts,
 * verdict.c judges it, record-json.c, endpoint.c, tap-siptls.c and packet-siptls.c show it.
 *
 * In:  nothing. Out: types only. No Wireshark header.
 */
#ifndef SIPTLS_FACTS_H
#define SIPTLS_FACTS_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What the server asks of the client, in any handshake of the connection. */
enum client_auth {
    CLIENT_AUTH_UNKNOWN,
    CLIENT_AUTH_NOT_REQUESTED,
    CLIENT_AUTH_OPTIONAL, /* asked; empty answer; completed */
    CLIENT_AUTH_REQUIRED, /* asked; empty answer; refused */
    CLIENT_AUTH_REQUESTED /* asked; cannot tell which */
};

/* What the client answered. */
enum client_cert {
    CLIENT_CERT_UNKNOWN,
    CLIENT_CERT_NONE, /* the message that follows was seen without a Certificate */
    CLIENT_CERT_EMPTY,
    CLIENT_CERT_PRESENT
};

/* Does the extended key usage of a leaf allow TLS client authentication (RFC 5280 4.2.1.12)? */
enum client_auth_eku {
    EKU_UNKNOWN,
    EKU_YES,
    EKU_NO,
    EKU_ANY,
    EKU_NONE /* no EKU extension */
};

enum tristate { TRI_UNKNOWN, TRI_FALSE, TRI_TRUE };

/* How the TLS handshake ended. */
enum outcome { OUTCOME_INCOMPLETE, OUTCOME_COMPLETED, OUTCOME_REJECTED };

enum side { SIDE_NONE, SIDE_CLIENT, SIDE_SERVER };

/* What client_auth was concluded from. */
enum evidence {
    EVIDENCE_NONE,
    EVIDENCE_CLEARTEXT,
    EVIDENCE_DECRYPTED,
    EVIDENCE_CLIENT_FLIGHT,
    EVIDENCE_RECORD_LENGTHS,
    EVIDENCE_ORIGINAL_HANDSHAKE
};

enum impact { IMPACT_UNDETERMINED, IMPACT_UNAFFECTED, IMPACT_TOLERANT, IMPACT_AT_RISK, IMPACT_FAILING };

enum reason {
    REASON_NONE,
    /* why client_auth is unknown */
    REASON_RESUMED,
    REASON_SUITE_WITHOUT_CERTIFICATES,
    REASON_RENEGOTIATED,
    REASON_POST_HANDSHAKE_AUTH_POSSIBLE,
    REASON_ENCRYPTED,
    REASON_HANDSHAKE_NOT_CAPTURED,
    REASON_CAPTURE_GAP,
    REASON_TRUNCATED_PACKETS,
    REASON_NOT_DISSECTED,
    REASON_CONFLICTING_EVIDENCE,
    REASON_ABORTED_EARLY,
    /* why the impact is what it is */
    REASON_NO_CERTIFICATE_REQUEST,
    REASON_CLIENT_REFUSED_SERVER,
    REASON_REJECTED_WITHOUT_CERTIFICATE,
    REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU,
    REASON_REJECTED_CERTIFICATE,
    REASON_REJECTED_ANSWER_NOT_SEEN,
    REASON_CLOSED_AFTER_HANDSHAKE,
    REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU,
    REASON_ACCEPTANCE_NOT_SEEN,
    REASON_RELIES_ON_CLIENT_AUTH_EKU,
    REASON_EKU_UNRESTRICTED,
    REASON_EKU_NOT_VISIBLE,
    REASON_ACCEPTED_WITHOUT_CERTIFICATE,
    REASON_ANSWER_NOT_SEEN,
    REASON_OUTCOME_NOT_SEEN
};

/* How the connection was recognised as SIP. */
enum sip_by { SIP_NO, SIP_BY_PORT, SIP_BY_DECODE_AS, SIP_BY_ALPN, SIP_BY_PAYLOAD, SIP_BY_ANY_PORT };

/* What tells which side is the TLS server. */
enum role_from { ROLE_FROM_NOTHING, ROLE_FROM_HELLO, ROLE_FROM_SYN, ROLE_FROM_PORT, ROLE_FROM_LOWER_PORT };

struct timestamp {
    int64_t seconds; /* since 1970-01-01 00:00:00 UTC */
    int32_t nanoseconds;
};

struct alert {
    enum side from; /* SIDE_NONE: there was none */
    int code;       /* AlertDescription, RFC 8446 6; -1: encrypted and not readable */
    uint32_t frame;
};

struct certificate; /* certificate.h */

/* Odd but harmless things worth telling; bits of facts.caveats. */
enum caveat {
    CAVEAT_GAP_AFTER_HANDSHAKE = 1 << 0,      /* bytes missing behind the handshake: a renegotiation could hide there */
    CAVEAT_CERTIFICATE_NOT_PARSED = 1 << 1,   /* GnuTLS does not accept the bytes of a presented certificate */
    CAVEAT_CERTIFICATE_NOT_INFLATED = 1 << 2, /* CompressedCertificate whose content is not visible */
    CAVEAT_UNSOLICITED_CERTIFICATE = 1 << 3,  /* the client sent a Certificate without a visible request */
    CAVEAT_CHAIN_CUT = 1 << 4,                /* more certificates presented than are kept */
    CAVEAT_CLIENT_CLOSED_FIRST = 1 << 5,      /* the client closed before the server answered its data */
    CAVEAT_NO_SYN = 1 << 6,                   /* the start of the TCP connection is not in the capture */
    CAVEAT_EXTERNAL_KEY = 1 << 7              /* pre_shared_key with a ticket age of 0: a key agreed upon elsewhere */
};

/*
 * Everything a record says of one connection. Strings and certificates belong to the connection
 * the facts were taken from and live as long as it does; NULL and 0 mean absent.
 */
struct facts {
    uint32_t stream;
    uint32_t first_frame, verdict_frame, last_frame;
    struct timestamp start, end;

    const char *client_ip, *server_ip;
    uint16_t client_port, server_port;
    enum role_from role_from;

    const char *sni, *alpn;
    GPtrArray *alpn_offered; /* of char *; NULL when no ALPN was offered */
    enum sip_by sip;
    uint16_t version; /* 0x0300..0x0304; 0: unknown */
    const char *cipher;
    bool resumed;
    uint32_t resumed_from; /* frame; 0: none */
    const char *history;

    uint32_t certificate_request_frame;
    GPtrArray *authorities; /* of char *, one DN each; NULL when no request was seen */
    enum client_auth client_auth;
    enum client_cert client_cert;
    GPtrArray *client_chain, *server_chain; /* of struct certificate *, leaf first; NULL: none seen */
    enum client_auth_eku client_eku, server_eku;
    enum tristate client_chain_excludes, server_chain_excludes;

    enum outcome outcome;
    bool outcome_inferred; /* from record lengths */
    enum side rejected_by; /* when outcome is rejected */
    enum tristate server_data;
    bool client_data;
    enum side closed_first; /* who sent the first FIN or RST */
    struct alert alert;

    enum evidence evidence;
    enum reason unknown_because; /* when client_auth is unknown */
    unsigned caveats;            /* enum caveat */

    enum impact impact; /* verdict.c */
    enum reason reason;
};

#endif
