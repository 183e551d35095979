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

/* A program's libssl may come with a module of its own, out of reach of RTLD_NEXT. */
static void *
find(const char *name)
{
    void *library = dlopen("libssl.so.3", RTLD_LAZY | RTLD_NOLOAD);

    return dlsym(library ? library : RTLD_NEXT, name);
}

SSL *
SSL_new(SSL_CTX *context)
{
    SSL *(*next)(SSL_CTX *) = (SSL * (*)(SSL_CTX *)) find("SSL_new");
    void (*set_callback)(SSL_CTX *, void (*)(const SSL *, const char *)) =
        (void (*)(SSL_CTX *, void (*)(const SSL *, const char *)))find("SSL_CTX_set_keylog_callback");

    if (set_callback)
        set_callback(context, append_line);
    return next(context);
}
