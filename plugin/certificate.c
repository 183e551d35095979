/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "certificate.h"

#include <gio/gio.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define MOST_NAMES    64  /* subject alternative names kept per certificate */
#define MOST_PURPOSES 32  /* key purposes; GnuTLS reads 64 and does not tell of others */
#define LONGEST_NAME  512 /* bytes kept of one name */

static const struct {
    const char *oid, *name;
} purposes[] = {
    {GNUTLS_KP_TLS_WWW_SERVER, "serverAuth"},
    {GNUTLS_KP_TLS_WWW_CLIENT, "clientAuth"},
    {GNUTLS_KP_ANY, "any"},
    {"1.3.6.1.5.5.7.3.20", "sipDomain"}, /* RFC 5924 */
};

static char *hexadecimal(const uint8_t *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char *text = g_malloc(2 * length + 1);

    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * length] = '\0';
    return text;
}

/* A copy that is valid UTF-8, holds no control character and has a bounded length. */
static char *printable(const char *bytes, size_t length)
{
    g_autofree char *valid = g_utf8_make_valid(bytes, (gssize)MIN(length, LONGEST_NAME));
    GString *text = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        if (g_unichar_iscntrl(character))
            g_string_append_printf(text, "\\x%02x", character);
        else
            g_string_append_unichar(text, character);
    }
    return g_string_free(text, FALSE);
}

static char *take_datum(int status, gnutls_datum_t *name)
{
    if (status < 0)
        return NULL;
    char *text = printable((const char *)name->data, name->size);
    gnutls_free(name->data);
    return text;
}

static void read_names(struct certificate *certificate, gnutls_x509_crt_t crt)
{
    gnutls_datum_t name = {NULL, 0};
    uint8_t serial[64];
    size_t size = sizeof serial;

    certificate->subject = take_datum(gnutls_x509_crt_get_dn3(crt, &name, 0), &name);
    certificate->issuer = take_datum(gnutls_x509_crt_get_issuer_dn3(crt, &name, 0), &name);
    if (gnutls_x509_crt_get_serial(crt, serial, &size) >= 0)
        certificate->serial = hexadecimal(serial, size);
    certificate->not_before = gnutls_x509_crt_get_activation_time(crt);
    certificate->not_after = gnutls_x509_crt_get_expiration_time(crt);
}

static char *ip_text(const uint8_t *bytes, size_t size)
{
    if (size != 4 && size != 16)
        return hexadecimal(bytes, size);
    g_autoptr(GInetAddress) address =
        g_inet_address_new_from_bytes(bytes, size == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);
    return g_inet_address_to_string(address);
}

static void read_alternative_names(struct certificate *certificate, gnutls_x509_crt_t crt)
{
    for (unsigned i = 0; i < MOST_NAMES; i++) {
        char name[LONGEST_NAME];
        size_t size = sizeof name;
        int type = gnutls_x509_crt_get_subject_alt_name(crt, i, name, &size, NULL);
        if (type == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue;
        if (type < 0)
            break;
        const char *kind = type == GNUTLS_SAN_DNSNAME      ? "DNS"
                           : type == GNUTLS_SAN_URI        ? "URI"
                           : type == GNUTLS_SAN_RFC822NAME ? "email"
                           : type == GNUTLS_SAN_IPADDRESS  ? "IP"
                                                           : NULL;
        if (!kind)
            continue;
        g_autofree char *text =
            type == GNUTLS_SAN_IPADDRESS ? ip_text((const uint8_t *)name, size) : printable(name, size);
        g_ptr_array_add(certificate->san, g_strconcat(kind, ":", text, NULL));
    }
}

static const char *purpose_name(const char *oid)
{
    for (size_t i = 0; i < G_N_ELEMENTS(purposes); i++)
        if (strcmp(purposes[i].oid, oid) == 0)
            return purposes[i].name;
    return oid;
}

static bool has_key_purposes(gnutls_x509_crt_t crt)
{
    size_t size = 0;
    int status = gnutls_x509_crt_get_extension_by_oid(crt, "2.5.29.37", 0, NULL, &size, NULL);

    return status != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
}

/* RFC 5280 4.2.1.12. A purpose list that cannot be read to its end leaves the answer unknown. */
static void read_key_purposes(struct certificate *certificate, gnutls_x509_crt_t crt)
{
    bool client_auth = false, any = false;

    if (!has_key_purposes(crt)) {
        certificate->client_auth_eku = EKU_NONE;
        return;
    }
    for (unsigned i = 0;; i++) {
        char oid[128];
        size_t size = sizeof oid;
        int status = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, NULL);
        if (status == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            certificate->client_auth_eku = client_auth ? EKU_YES : any ? EKU_ANY : EKU_NO;
            return;
        }
        if (status < 0 || i >= MOST_PURPOSES) {
            certificate->client_auth_eku = client_auth ? EKU_YES : EKU_UNKNOWN;
            return;
        }
        client_auth = client_auth || strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0;
        any = any || strcmp(oid, GNUTLS_KP_ANY) == 0;
        g_ptr_array_add(certificate->eku, printable(purpose_name(oid), strlen(purpose_name(oid))));
    }
}

static struct certificate *certificate_new(GBytes *der)
{
    struct certificate *certificate = g_new0(struct certificate, 1);
    size_t length;
    const void *bytes = g_bytes_get_data(der, &length);
    gnutls_datum_t datum = {(uint8_t *)(uintptr_t)bytes, (unsigned)length};
    gnutls_x509_crt_t crt;

    certificate->der = g_bytes_ref(der);
    certificate->san = g_ptr_array_new_with_free_func(g_free);
    certificate->eku = g_ptr_array_new_with_free_func(g_free);
    certificate->sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
    certificate->not_before = certificate->not_after = -1;
    if (length > G_MAXINT || gnutls_x509_crt_init(&crt) < 0)
        return certificate;
    if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) >= 0) {
        certificate->parsed = true;
        read_names(certificate, crt);
        read_alternative_names(certificate, crt);
        read_key_purposes(certificate, crt);
    }
    gnutls_x509_crt_deinit(crt);
    return certificate;
}

static void certificate_free(struct certificate *certificate)
{
    g_free(certificate->subject);
    g_free(certificate->issuer);
    g_free(certificate->serial);
    g_free(certificate->sha256);
    g_ptr_array_unref(certificate->san);
    g_ptr_array_unref(certificate->eku);
    g_bytes_unref(certificate->der);
    g_free(certificate);
}

unsigned certificate_hash(const void *der)
{
    gsize length;
    const uint8_t *octets = g_bytes_get_data((GBytes *)(uintptr_t)der, &length);
    uint64_t hash = length, word = 0;

    while (length > 0) {
        const gsize taken = MIN(length, sizeof word);
        memcpy(&word, octets, taken);
        octets += taken;
        length -= taken;
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15); /* odd, its bits in no order: Knuth, vol. 3, 6.4 */
        hash ^= hash >> 32;
    }
    return (unsigned)hash;
}

static GHashTable *held; /* DER bytes -> struct certificate *, of those somebody refers to */

const struct certificate *certificate_of(GBytes *der)
{
    if (!held)
        held = g_hash_table_new(certificate_hash, g_bytes_equal);
    struct certificate *certificate = g_hash_table_lookup(held, der);
    if (!certificate) {
        certificate = certificate_new(der);
        g_hash_table_insert(held, certificate->der, certificate);
    }
    certificate->references++;
    return certificate;
}

void certificate_unref(const struct certificate *reference)
{
    struct certificate *certificate = (struct certificate *)(uintptr_t)reference;

    if (!certificate || --certificate->references > 0)
        return;
    g_hash_table_remove(held, certificate->der);
    certificate_free(certificate);
    if (g_hash_table_size(held) == 0)
        g_clear_pointer(&held, g_hash_table_unref);
}

enum tristate chain_excludes_client_auth(const GPtrArray *chain)
{
    enum tristate excludes = TRI_FALSE;

    if (!chain || chain->len < 2)
        return TRI_UNKNOWN;
    for (unsigned i = 1; i < chain->len; i++) {
        const struct certificate *issuer = g_ptr_array_index(chain, i);
        if (issuer->client_auth_eku == EKU_NO)
            return TRI_TRUE;
        if (issuer->client_auth_eku == EKU_UNKNOWN)
            excludes = TRI_UNKNOWN;
    }
    return excludes;
}

static char *authority_name(const uint8_t *der, size_t length)
{
    gnutls_datum_t datum = {(uint8_t *)(uintptr_t)der, (unsigned)length}, text = {NULL, 0};
    gnutls_x509_dn_t dn;
    char *name = NULL;

    if (gnutls_x509_dn_init(&dn) >= 0) {
        if (gnutls_x509_dn_import(dn, &datum) >= 0)
            name = take_datum(gnutls_x509_dn_get_str2(dn, &text, 0), &text);
        gnutls_x509_dn_deinit(dn);
    }
    if (!name) {
        g_autofree char *bytes = hexadecimal(der, MIN(length, LONGEST_NAME / 2));
        name = g_strconcat("#", bytes, NULL);
    }
    return name;
}

GPtrArray *authority_names(const uint8_t *bytes, size_t length, unsigned limit)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (size_t at = 0; length - at >= 2 && names->len < limit;) {
        size_t size = (size_t)bytes[at] << 8 | bytes[at + 1];
        at += 2;
        if (size > length - at)
            break;
        g_ptr_array_add(names, authority_name(bytes + at, size));
        at += size;
    }
    return names;
}
