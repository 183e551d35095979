/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into programs that use OpenSSL: every TLS 1.3 record gets up to 255 octets of padding,
 * as many as chance will have (RFC 8446 5.4).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/random.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef size_t (*padding_callback)(SSL *, int, size_t, void *);

static size_t
some_octets(SSL *ssl, int type, size_t length, void *argument)
{
    unsigned char octets = 0;

    (void)ssl, (void)type, (void)length, (void)argument;
    if (getrandom(&octets, sizeof octets, 0) != sizeof octets)
        abort();
    return octets;
}

SSL *
SSL_new(SSL_CTX *context)
{
    SSL *(*next)(SSL_CTX *) = (SSL * (*)(SSL_CTX *)) dlsym(RTLD_NEXT, "SSL_new");
    int (*set_padding)(SSL *, padding_callback) =
        (int (*)(SSL *, padding_callback))dlsym(RTLD_NEXT, "SSL_set_record_padding_callback");
    SSL *ssl = next(context);

    if (ssl && set_padding)
        set_padding(ssl, some_octets);
    return ssl;
}
