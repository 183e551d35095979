/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into programs that use OpenSSL and cannot log their TLS keys themselves
 * (Kamailio, baresip, SIPp): appends them to the file that SSLKEYLOGFILE names.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

static void
append_line(const SSL *ssl, const char *line)
{
    (void)ssl;
    const char *path = getenv("SSLKEYLOGFILE");
    FILE *file = path ? fopen(path, "a") : NULL;

    if (file) {
        fprintf(file, "%s\n", line);
        fclose(file);
    }
}

SSL *
SSL_new(SSL_CTX *context)
{
    SSL *(*next)(SSL_CTX *) = (SSL * (*)(SSL_CTX *)) dlsym(RTLD_NEXT, "SSL_new");
    void (*set_callback)(SSL_CTX *, void (*)(const SSL *, const char *)) =
        (void (*)(SSL_CTX *, void (*)(const SSL *, const char *)))dlsym(RTLD_NEXT, "SSL_CTX_set_keylog_callback");

    if (set_callback)
        set_callback(context, append_line);
    return next(context);
}
