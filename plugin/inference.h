/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inference.h - what must have been inside the encrypted records of a TLS 1.3 handshake
 *
 * In:  the lengths of the encrypted records behind the final ServerHello, in order, by side.
 * Out: was a certificate asked for, what did the client answer, which record ended the client's flight.
 * Plain C, no Wireshark header, no state.
 *
 * Where the rules come from. RFC 8446 5.2: a record of L octets holds z = L - tag - 1 octets of
 * content and padding; the tag is 16 octets long, 8 for TLS_AES_128_CCM_8_SHA256. RFC 8446 4.4: the
 * client's flight is
 *
 *     not asked              Finished
 *     asked, no certificate  Certificate (8 octets), Finished
 *     asked, certificate     Certificate (57 or more), CertificateVerify, Finished
 *
 * Finished is 4 octets and a hash (4.4.4): 36, or 52 with SHA-384. 57 is a Certificate with an Ed25519
 * raw public key, the smallest. CertificateVerify (4.4.3) is 8 octets and a signature, so few lengths occur.
 * The server's flight (4.3, 4.4) is EncryptedExtensions, CertificateRequest if it asks, Certificate,
 * CertificateVerify, Finished; most servers send each in a record of its own. None is known that joins some of
 * them and not others; still, where the server's records stand alone against a request, the first one must be too short
 * to hold one.
 *
 * A sender may pad (5.4), split and coalesce. Considered are: no padding; 16 zero octets on every record
 * (JSSE); every record to a multiple of one block size of 16 or more (OpenSSL's record_padding, mbedTLS);
 * and padding at random. A conclusion is drawn only when no other of the three flights fits in any of the
 * first three ways. Padding at random fits everything; against it stand only exact lengths, which it hits by
 * chance, so where one length alone would decide, a second sign is asked for: an alert of 2 octets shows a
 * sender that does not pad, a server that goes on after one record has had the Finished, and the flights of both
 * sides are independent of each other. When they disagree nothing is concluded.
 */
#ifndef SIPTLS_INFERENCE_H
#define SIPTLS_INFERENCE_H

#include "facts.h"

#define INFERENCE_RECORDS 24 /* of each side; a flight that is longer is not judged */

/* The lengths of one side's encrypted records as their headers say them, in octets. */
struct record_lengths {
    uint16_t length[INFERENCE_RECORDS];
    unsigned count;
};

struct inference_input {
    const char *cipher; /* IANA name; NULL or not of TLS 1.3: nothing is concluded */
    struct record_lengths client, server;
    bool resumed;         /* the ServerHello has pre_shared_key: no request is allowed (RFC 8446 4.3.2) */
    bool early_data;      /* offered, and no HelloRetryRequest: the client's first records may be refused 0-RTT data */
    bool answered_first;  /* the server sent more than an alert, having the client's first record and not the second */
    bool client_is_whole; /* something followed the client's records: the other side's, or the end of the connection */
};

enum inferred_request { INFERRED_NOTHING, INFERRED_NOT_REQUESTED, INFERRED_REQUESTED };

struct inference {
    enum inferred_request request;
    bool conflict;           /* the two flights say different things */
    enum client_cert answer; /* of a client that was asked: empty, present or unknown */
    unsigned client_flight;  /* records of the client up to its Finished; 0: not known */
    bool client_alert;       /* the client's first record is an alert */
};

/* Judges the lengths. */
struct inference infer(const struct inference_input *input);

/* Has an encrypted record of this length the size of an alert, bare or padded the known ways? */
bool inference_is_alert(const char *cipher, uint16_t length);

/* Octets of a record that are not content or padding, tag and content type; 0: not a suite of TLS 1.3. */
unsigned inference_overhead(const char *cipher);

/* Octets of a Finished message with its header; 0: not a suite of TLS 1.3. RFC 8446 4.4.4 */
unsigned inference_finished(const char *cipher);

#endif
