/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP-over-TLS server and client on mbedTLS 3.6. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "peer.h"

static bool
handshake(void *tls)
{
    int result = mbedtls_ssl_handshake(tls);

    if (result != 0)
        fprintf(stderr, "handshake: -0x%04x\n", (unsigned)-result);
    return result == 0;
}

static int
read_some(void *tls, char *into, int size)
{
    int got;

    do
        got = mbedtls_ssl_read(tls, (unsigned char *)into, (size_t)size);
    while (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET);
    return got;
}

static int
write_all(void *tls, const char *text, int length)
{
    return mbedtls_ssl_write(tls, (const unsigned char *)text, (size_t)length);
}

static void
end(void *tls)
{
    mbedtls_ssl_close_notify(tls);
}

int
main(int count, char **words)
{
    static const struct library mbedtls = {handshake, read_some, write_all, end};
    static const int asking[] = {MBEDTLS_SSL_VERIFY_NONE, MBEDTLS_SSL_VERIFY_OPTIONAL, MBEDTLS_SSL_VERIFY_REQUIRED};
    struct options options = read_options(count, words);
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_config config;
    mbedtls_ssl_context tls;
    mbedtls_x509_crt roots, chain;
    mbedtls_pk_context key;

    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_init(&tls);
    mbedtls_x509_crt_init(&roots);
    mbedtls_x509_crt_init(&chain);
    mbedtls_pk_init(&key);
    if (psa_crypto_init() != PSA_SUCCESS ||
        mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) != 0 ||
        mbedtls_ssl_config_defaults(&config, options.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                    MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
        fail("set-up");
    if (mbedtls_x509_crt_parse_file(&roots, options.ca) != 0 ||
        (options.cert && (mbedtls_x509_crt_parse_file(&chain, options.cert) != 0 ||
                          mbedtls_pk_parse_keyfile(&key, options.key, NULL, mbedtls_ctr_drbg_random, &random) != 0 ||
                          mbedtls_ssl_conf_own_cert(&config, &chain, &key) != 0)))
        fail("certificates");
    mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
    mbedtls_ssl_conf_ca_chain(&config, &roots, NULL);
    mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_authmode(&config, options.server ? asking[options.ask] : MBEDTLS_SSL_VERIFY_REQUIRED);

    int suites[] = {options.ciphers ? mbedtls_ssl_get_ciphersuite_id(options.ciphers) : 0, 0};

    if (suites[0])
        mbedtls_ssl_conf_ciphersuites(&config, suites);
    if (mbedtls_ssl_setup(&tls, &config) != 0 || (options.name && mbedtls_ssl_set_hostname(&tls, options.name) != 0))
        fail("set-up");

    mbedtls_net_context net = {open_connection(&options)};

    mbedtls_ssl_set_bio(&tls, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
    return run(&mbedtls, &tls, &options, net.fd);
}
