/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the peers in C have in common: the options of openssl_peer.py, TCP, the SIP of one connection.
 * In: a library's own handshake, read, write and close. Out: a server or a client of one TLS 1.3 connection.
 * --min, --max and --keylog are read past: these speak TLS 1.3 only, and the other side logs the keys.
 */
#ifndef SIPTLS_PEER_H
#define SIPTLS_PEER_H

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum asking { ASK_NO, ASK_REQUEST, ASK_REQUIRE };

struct options {
    bool server;
    struct sockaddr_in address;
    const char *name, *cert, *key, *ca, *ciphers;
    enum asking ask;
};

/* What a library does; read and write return octets, or 0 or less at the end of the connection. */
struct library {
    bool (*handshake)(void *tls);
    int (*read)(void *tls, char *into, int size);
    int (*write)(void *tls, const char *text, int length);
    void (*close)(void *tls);
};

static void
fail(const char *what)
{
    fprintf(stderr, "peer: %s\n", what);
    exit(2);
}

static void
set_address(struct options *options, char *text)
{
    char *colon = strrchr(text, ':');

    if (!colon)
        fail("an address is IPV4:PORT");
    *colon = '\0';
    options->address.sin_family = AF_INET;
    options->address.sin_port = htons((uint16_t)atoi(colon + 1));
    if (inet_pton(AF_INET, text, &options->address.sin_addr) != 1)
        fail("an address is IPV4:PORT");
}

static struct options
read_options(int count, char **words)
{
    struct options options = {0};

    if (count < 2)
        fail("server|client OPTION...");
    options.server = strcmp(words[1], "server") == 0;
    for (int i = 2; i + 1 < count; i += 2) {
        const char *name = words[i];
        char *value = words[i + 1];

        if (strcmp(name, "--listen") == 0 || strcmp(name, "--connect") == 0)
            set_address(&options, value);
        else if (strcmp(name, "--name") == 0)
            options.name = value;
        else if (strcmp(name, "--cert") == 0)
            options.cert = value;
        else if (strcmp(name, "--key") == 0)
            options.key = value;
        else if (strcmp(name, "--ca") == 0)
            options.ca = value;
        else if (strcmp(name, "--ciphers") == 0)
            options.ciphers = value;
        else if (strcmp(name, "--ask") == 0)
            options.ask = strcmp(value, "require") == 0 ? ASK_REQUIRE : strcmp(value, "request") == 0 ? ASK_REQUEST : ASK_NO;
    }
    return options;
}

/* The TCP connection: the first that a server accepts, or the client's. */
static int
open_connection(const struct options *options)
{
    const struct sockaddr *address = (const struct sockaddr *)&options->address;
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

    signal(SIGPIPE, SIG_IGN);
    if (!options->server) {
        if (connect(fd, address, sizeof options->address) != 0)
            fail("cannot connect");
        return fd;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, address, sizeof options->address) != 0 || listen(fd, 1) != 0)
        fail("cannot listen");
    puts("ready");
    fflush(stdout);
    return accept(fd, NULL, NULL);
}

/* A SIP message without body; false when the peer closed before its end. */
static bool
read_message(const struct library *library, void *tls, char *message, int size)
{
    int length = 0;

    message[0] = '\0';
    while (length < size - 1 && !strstr(message, "\r\n\r\n")) {
        int got = library->read(tls, message + length, size - 1 - length);

        if (got <= 0)
            return false;
        length += got;
        message[length] = '\0';
    }
    return true;
}

static bool
is_echoed(const char *line)
{
    static const char *const names[] = {"via:", "from:", "to:", "call-id:", "cseq:"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncasecmp(line, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* Answers requests until the client closes. */
static bool
answer_requests(const struct library *library, void *tls)
{
    char request[4096], answer[4096];
    bool answered = false;

    while (read_message(library, tls, request, sizeof request)) {
        strcpy(answer, "SIP/2.0 200 OK\r\n");
        for (char *line = strtok(request, "\r\n"); line; line = strtok(NULL, "\r\n"))
            if (is_echoed(line))
                strcat(strcat(answer, line), "\r\n");
        strcat(answer, "Content-Length: 0\r\n\r\n");
        answered = library->write(tls, answer, (int)strlen(answer)) > 0;
    }
    return answered;
}

static bool
request_options(const struct library *library, void *tls)
{
    static const char request[] = "OPTIONS sip:sbc.customer.example;transport=tls SIP/2.0\r\n"
                                  "Via: SIP/2.0/TLS sip.provider.example;branch=z9hG4bKsiptls\r\n"
                                  "From: <sip:provider@sip.provider.example>;tag=siptls\r\n"
                                  "To: <sip:sbc.customer.example>\r\nCall-ID: siptls@sip.provider.example\r\n"
                                  "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
    char answer[4096];

    return library->write(tls, request, (int)strlen(request)) > 0 && read_message(library, tls, answer, sizeof answer) &&
           strncmp(answer, "SIP/2.0 200", 11) == 0;
}

/* Handshake, request and answer, close. Prints a line; a failed handshake is a result, not an error. */
static int
run(const struct library *library, void *tls, const struct options *options, int fd)
{
    bool answered = false, completed = library->handshake(tls);

    if (completed) {
        answered = options->server ? answer_requests(library, tls) : request_options(library, tls);
        library->close(tls);
    }
    close(fd);
    printf("{\"handshake\":\"%s\",\"answered\":%s}\n", completed ? "completed" : "failed", answered ? "true" : "false");
    return 0;
}

#endif
