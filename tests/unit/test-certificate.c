/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What certificate.c reads of certificates that GnuTLS made. */
#include "certificate.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define REQUIRE(what) g_assert_cmpint((what), ==, GNUTLS_E_SUCCESS)

/* RFC 5280 4.2.1.12, RFC 5924; the last is of a private arc. */
#define SERVER  GNUTLS_KP_TLS_WWW_SERVER
#define CLIENT  GNUTLS_KP_TLS_WWW_CLIENT
#define ANY     GNUTLS_KP_ANY
#define SIP     "1.3.6.1.5.5.7.3.20"
#define PRIVATE "1.3.6.1.4.1.99999.1"

static gnutls_x509_privkey_t key;

static gnutls_x509_crt_t certificate_begun(void)
{
    gnutls_x509_crt_t crt;

    REQUIRE(gnutls_x509_crt_init(&crt));
    REQUIRE(gnutls_x509_crt_set_version(crt, 3));
    REQUIRE(gnutls_x509_crt_set_dn(crt, "CN=sbc.customer.example", NULL));
    REQUIRE(gnutls_x509_crt_set_serial(crt, "\x01\xff", 2));
    REQUIRE(gnutls_x509_crt_set_activation_time(crt, 1700000000));
    REQUIRE(gnutls_x509_crt_set_expiration_time(crt, 1800000000));
    REQUIRE(gnutls_x509_crt_set_key(crt, key));
    return crt;
}

static const struct certificate *certificate_ended(gnutls_x509_crt_t crt)
{
    gnutls_datum_t der;

    REQUIRE(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0));
    REQUIRE(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der));
    g_autoptr(GBytes) bytes = g_bytes_new(der.data, der.size);
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(crt);
    return certificate_of(bytes);
}

static void add_name(gnutls_x509_crt_t crt, gnutls_x509_subject_alt_name_t type, const void *name, size_t size)
{
    REQUIRE(gnutls_x509_crt_set_subject_alt_name(crt, type, name, (unsigned)size, GNUTLS_FSAN_APPEND));
}

static void names_of_every_kind_are_read(void)
{
    static const uint8_t four[] = {192, 0, 2, 10}, six[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 10};
    static const char *const expected[] = {"DNS:sbc.customer.example",
                                           "IP:192.0.2.10",
                                           "IP:2001:db8::a",
                                           "IP:c00002",
                                           "URI:sip:customer.example",
                                           "email:noc@customer.example",
                                           "DNS:behind-a-long.one.example"};
    gnutls_x509_crt_t crt = certificate_begun();
    char long_name[600];

    memset(long_name, 'a', sizeof long_name);
    add_name(crt, GNUTLS_SAN_DNSNAME, "sbc.customer.example", strlen("sbc.customer.example"));
    add_name(crt, GNUTLS_SAN_IPADDRESS, four, sizeof four);
    add_name(crt, GNUTLS_SAN_IPADDRESS, six, sizeof six);
    add_name(crt, GNUTLS_SAN_IPADDRESS, four, 3); /* no address (RFC 5280 4.2.1.6) */
    add_name(crt, GNUTLS_SAN_URI, "sip:customer.example", strlen("sip:customer.example"));
    add_name(crt, GNUTLS_SAN_RFC822NAME, "noc@customer.example", strlen("noc@customer.example"));
    add_name(crt, GNUTLS_SAN_URI, long_name, sizeof long_name);
    add_name(crt, GNUTLS_SAN_DNSNAME, "behind-a-long.one.example", strlen("behind-a-long.one.example"));
    REQUIRE(gnutls_x509_crt_set_subject_alt_othername(crt, PRIVATE, "name", 4,
                                                      GNUTLS_FSAN_APPEND | GNUTLS_FSAN_ENCODE_UTF8_STRING));
    const struct certificate *certificate = certificate_ended(crt);
    g_assert_true(certificate->parsed);
    g_assert_cmpstr(certificate->subject, ==, "CN=sbc.customer.example");
    g_assert_cmpstr(certificate->serial, ==, "01ff");
    g_assert_cmpint(certificate->not_before, ==, 1700000000);
    g_assert_cmpint(certificate->not_after, ==, 1800000000);
    g_assert_cmpuint(certificate->san->len, ==, G_N_ELEMENTS(expected));
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_cmpstr(g_ptr_array_index(certificate->san, i), ==, expected[i]);
    certificate_unref(certificate);
}

/* A certificate with these key purposes; no extension for none. */
static const struct certificate *with_purposes(const char *const purposes[])
{
    gnutls_x509_crt_t crt = certificate_begun();

    for (; *purposes; purposes++)
        REQUIRE(gnutls_x509_crt_set_key_purpose_oid(crt, *purposes, 0));
    return certificate_ended(crt);
}

#define WITH(...) with_purposes((const char *const[]){__VA_ARGS__, NULL})

static void check_purposes(const struct certificate *certificate, enum client_auth_eku eku, const char *names)
{
    g_ptr_array_add(certificate->eku, NULL);
    g_autofree char *read = g_strjoinv(" ", (char **)certificate->eku->pdata);

    g_assert_cmpint(certificate->client_auth_eku, ==, eku);
    g_assert_cmpstr(read, ==, names);
    certificate_unref(certificate);
}

static void client_auth_is_told_from_the_key_purposes(void)
{
    check_purposes(WITH(NULL), EKU_NONE, "");
    check_purposes(WITH(SERVER), EKU_NO, "serverAuth");
    check_purposes(WITH(SERVER, CLIENT), EKU_YES, "serverAuth clientAuth");
    check_purposes(WITH(ANY), EKU_ANY, "any");
    check_purposes(WITH(ANY, CLIENT), EKU_YES, "any clientAuth");
    check_purposes(WITH(SIP, PRIVATE), EKU_NO, "sipDomain " PRIVATE);
}

/* More purposes than GnuTLS writes or we read: clientAuth may be among the others. */
static void what_is_behind_many_key_purposes_is_not_known(void)
{
    static const uint8_t client[] = {0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    enum { OTHERS = 70 };

    for (unsigned client_at = 0; client_at <= OTHERS; client_at += OTHERS / 2) {
        g_autoptr(GByteArray) purposes = g_byte_array_new();
        for (uint8_t i = 0; i <= OTHERS; i++) {
            const uint8_t other[] = {0x06, 0x03, 0x2a, 0x03, i}; /* 1.2.3.i */
            if (i == client_at)
                g_byte_array_append(purposes, client, sizeof client);
            else
                g_byte_array_append(purposes, other, sizeof other);
        }
        const uint8_t sequence[] = {0x30, 0x82, (uint8_t)(purposes->len >> 8), (uint8_t)purposes->len};
        g_byte_array_prepend(purposes, sequence, sizeof sequence);
        gnutls_x509_crt_t crt = certificate_begun();
        REQUIRE(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.37", purposes->data, purposes->len, 0));
        const struct certificate *certificate = certificate_ended(crt);
        g_assert_true(certificate->parsed);
        g_assert_cmpint(certificate->client_auth_eku, ==, client_at == 0 ? EKU_YES : EKU_UNKNOWN);
        certificate_unref(certificate);
    }
}

static void octets_that_are_no_certificate_tell_nothing(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("0\x03no", 4);
    const struct certificate *certificate = certificate_of(bytes), *again = certificate_of(bytes);

    g_assert_true(certificate == again);
    g_assert_false(certificate->parsed);
    g_assert_cmpint(certificate->client_auth_eku, ==, EKU_UNKNOWN);
    g_assert_cmpint(certificate->not_after, ==, -1);
    g_assert_cmpuint(certificate->san->len + certificate->eku->len, ==, 0);
    certificate_unref(certificate);
    certificate_unref(again);
}

/* RFC 5280 4.2.1.12: what an issuer's purposes leave out, the leaf's do not give. */
static void an_issuer_may_exclude_client_auth(void)
{
    g_autoptr(GBytes) damaged = g_bytes_new_static("0\x03no", 4);
    const struct certificate *both = WITH(SERVER, CLIENT), *server = WITH(SERVER), *none = WITH(NULL),
                             *unknown = certificate_of(damaged);
    const struct {
        const struct certificate *chain[4];
        enum tristate excludes;
    } chains[] = {
        {{both}, TRI_UNKNOWN},
        {{both, none}, TRI_FALSE},
        {{both, server}, TRI_TRUE},
        {{server, both}, TRI_FALSE},
        {{both, unknown}, TRI_UNKNOWN},
        {{both, unknown, server}, TRI_TRUE},
        {{both, none, server}, TRI_TRUE},
        {{both, unknown, none}, TRI_UNKNOWN},
    };

    g_assert_cmpint(chain_excludes_client_auth(NULL), ==, TRI_UNKNOWN);
    for (size_t i = 0; i < G_N_ELEMENTS(chains); i++) {
        g_autoptr(GPtrArray) chain = g_ptr_array_new();
        for (size_t j = 0; chains[i].chain[j]; j++)
            g_ptr_array_add(chain, (void *)(uintptr_t)chains[i].chain[j]);
        g_assert_cmpint(chain_excludes_client_auth(chain), ==, chains[i].excludes);
    }
    certificate_unref(both);
    certificate_unref(server);
    certificate_unref(none);
    certificate_unref(unknown);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    REQUIRE(gnutls_x509_privkey_init(&key));
    REQUIRE(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    g_test_add_func("/certificate/names", names_of_every_kind_are_read);
    g_test_add_func("/certificate/purposes", client_auth_is_told_from_the_key_purposes);
    g_test_add_func("/certificate/many-purposes", what_is_behind_many_key_purposes_is_not_known);
    g_test_add_func("/certificate/damaged", octets_that_are_no_certificate_tell_nothing);
    g_test_add_func("/certificate/issuers", an_issuer_may_exclude_client_auth);
    const int status = g_test_run();
    gnutls_x509_privkey_deinit(key);
    return status;
}
