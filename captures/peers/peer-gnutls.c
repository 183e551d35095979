/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP-over-TLS server and client on GnuTLS. */
#include "peer.h"

#include <gnutls/gnutls.h>

static bool
handshake(void *tls)
{
    int result;

    do
        result = gnutls_handshake(tls);
    while (result < 0 && !gnutls_error_is_fatal(result));
    if (result < 0) {
        fprintf(stderr, "%s\n", gnutls_strerror(result));
        gnutls_alert_send_appropriate(tls, result);
    }
    return result == 0;
}

static int
read_some(void *tls, char *into, int size)
{
    ssize_t got;

    do
        got = gnutls_record_recv(tls, into, (size_t)size);
    while (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED);
    return (int)got;
}

static int
write_all(void *tls, const char *text, int length)
{
    return (int)gnutls_record_send(tls, text, (size_t)length);
}

static void
end(void *tls)
{
    gnutls_bye(tls, GNUTLS_SHUT_WR);
}

/* The peer's certificate if it sent one; whether one is needed is for the library to say. */
static int
verify(gnutls_session_t session)
{
    unsigned count = 0, status = 0;

    gnutls_certificate_get_peers(session, &count);
    if (count == 0)
        return 0;
    if (gnutls_certificate_verify_peers3(session, gnutls_session_get_ptr(session), &status) != 0 || status != 0)
        return GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
    return 0;
}

int
main(int count, char **words)
{
    static const struct library gnutls = {handshake, read_some, write_all, end};
    static const gnutls_certificate_request_t asking[] = {GNUTLS_CERT_IGNORE, GNUTLS_CERT_REQUEST, GNUTLS_CERT_REQUIRE};
    struct options options = read_options(count, words);
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    gnutls_datum_t ticket_key;

    gnutls_certificate_allocate_credentials(&credentials);
    if (gnutls_certificate_set_x509_trust_file(credentials, options.ca, GNUTLS_X509_FMT_PEM) < 1 ||
        (options.cert &&
         gnutls_certificate_set_x509_key_file(credentials, options.cert, options.key, GNUTLS_X509_FMT_PEM) < 0))
        fail("certificates");
    gnutls_certificate_set_verify_function(credentials, verify);
    gnutls_init(&session, options.server ? GNUTLS_SERVER : GNUTLS_CLIENT);
    if (gnutls_priority_set_direct(session, options.ciphers ? options.ciphers : "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL) != 0)
        fail("priority string");
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    if (options.server) {
        gnutls_certificate_server_set_request(session, asking[options.ask]);
        gnutls_session_ticket_key_generate(&ticket_key);
        gnutls_session_ticket_enable_server(session, &ticket_key);
    } else {
        gnutls_server_name_set(session, GNUTLS_NAME_DNS, options.name, strlen(options.name));
        gnutls_session_set_ptr(session, (void *)options.name);
    }

    int fd = open_connection(&options);

    gnutls_transport_set_int(session, fd);
    return run(&gnutls, session, &options, fd);
}
