/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP-over-TLS server and client on wolfSSL. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "peer.h"

static bool
handshake(void *tls)
{
    if (wolfSSL_negotiate(tls) == WOLFSSL_SUCCESS)
        return true;
    fprintf(stderr, "%s\n", wolfSSL_ERR_reason_error_string((unsigned long)wolfSSL_get_error(tls, -1)));
    return false;
}

static int
read_some(void *tls, char *into, int size)
{
    return wolfSSL_read(tls, into, size);
}

static int
write_all(void *tls, const char *text, int length)
{
    return wolfSSL_write(tls, text, length);
}

static void
end(void *tls)
{
    wolfSSL_shutdown(tls);
}

int
main(int count, char **words)
{
    static const struct library wolfssl = {handshake, read_some, write_all, end};
    static const int asking[] = {WOLFSSL_VERIFY_NONE, WOLFSSL_VERIFY_PEER,
                                 WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT};
    struct options options = read_options(count, words);

    wolfSSL_Init();

    WOLFSSL_CTX *context = wolfSSL_CTX_new(options.server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method());

    if (wolfSSL_CTX_load_verify_locations(context, options.ca, NULL) != WOLFSSL_SUCCESS ||
        (options.cert &&
         (wolfSSL_CTX_use_certificate_chain_file(context, options.cert) != WOLFSSL_SUCCESS ||
          wolfSSL_CTX_use_PrivateKey_file(context, options.key, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)))
        fail("certificates");
    if (options.ciphers && wolfSSL_CTX_set_cipher_list(context, options.ciphers) != WOLFSSL_SUCCESS)
        fail("cipher suites");
    wolfSSL_CTX_set_verify(context, options.server ? asking[options.ask] : WOLFSSL_VERIFY_PEER, NULL);

    WOLFSSL *tls = wolfSSL_new(context);

    if (!options.server) {
        wolfSSL_UseSNI(tls, WOLFSSL_SNI_HOST_NAME, options.name, (unsigned short)strlen(options.name));
        wolfSSL_check_domain_name(tls, options.name);
    }

    int fd = open_connection(&options);

    wolfSSL_set_fd(tls, fd);
    return run(&wolfssl, tls, &options, fd);
}
