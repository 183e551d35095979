/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * certificate.h - facts of one X.509 certificate, by GnuTLS
 *
 * In:  DER bytes as they were in a Certificate message. Out: names, validity, extended key usage.
 * One string form on every Wireshark release: distinguished names per RFC 4514. No Wireshark header.
 */
#ifndef SIPTLS_CERTIFICATE_H
#define SIPTLS_CERTIFICATE_H

#include "facts.h"

struct certificate {
    char *subject, *issuer;        /* RFC 4514, UTF-8; NULL when not readable */
    char *serial;                  /* lower-case hexadecimal */
    char *sha256;                  /* of the DER bytes, lower-case hexadecimal; never NULL */
    GPtrArray *san;                /* of char *: "DNS:..", "IP:..", "URI:..", "email:.."; never NULL */
    GPtrArray *eku;                /* of char *: serverAuth, clientAuth, any, sipDomain or a dotted OID; never NULL */
    int64_t not_before, not_after; /* seconds since 1970 UTC; -1 when not readable */
    enum client_auth_eku client_auth_eku;
    bool parsed; /* GnuTLS accepted the bytes */
    GBytes *der;
    unsigned references;
};

/*
 * Reads a certificate, or finds the one that was read from the same bytes before and is still held:
 * a capture shows the same few again and again. The reference is the caller's. Never NULL: bytes
 * GnuTLS refuses give parsed = false and EKU_UNKNOWN. One thread only.
 */
const struct certificate *certificate_of(GBytes *der);
void certificate_unref(const struct certificate *certificate);

/* A GHashFunc of DER bytes (GBytes): takes eight at a time, where g_bytes_hash() takes one. */
unsigned certificate_hash(const void *der);

/*
 * Does an issuing certificate of the chain (position 1 and up) exclude clientAuth by its EKU
 * (RFC 5280 4.2.1.12: such EKUs are honoured along the path by OpenSSL, NSS and Windows)?
 * `chain`: of struct certificate *, leaf first; NULL gives TRI_UNKNOWN, as does a leaf alone.
 */
enum tristate chain_excludes_client_auth(const GPtrArray *chain);

/*
 * The names of a CertificateRequest's certificate_authorities (RFC 5246 7.4.4, RFC 8446 4.2.4):
 * a sequence of 16-bit length and DER DistinguishedName. Returns at most `limit` strings (char *,
 * RFC 4514; one that GnuTLS does not read is "#" and its hexadecimal bytes); the caller frees the array.
 */
GPtrArray *authority_names(const uint8_t *bytes, size_t length, unsigned limit);

#endif
