/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * endpoint.h - the connections of a capture, gathered by endpoint (server address, port, server name)
 *
 * In:  one contribution per connection, replaced whenever more is known of it.
 * Out: struct endpoint with its summary. The rule that makes an endpoint green is here alone.
 * No Wireshark header.
 */
#ifndef SIPTLS_ENDPOINT_H
#define SIPTLS_ENDPOINT_H

#include "facts.h"

/* What one connection tells about its endpoint; owns its strings. */
struct contribution {
    char *server_ip, *sni, *client_ip;
    uint16_t server_port;
    bool reached_server_hello; /* one that did not says nothing about the endpoint */
    bool resumed;
    enum client_auth client_auth;
    enum client_cert client_cert;
    enum client_auth_eku client_eku;
    enum tristate client_chain_excludes;
    enum outcome outcome;
    enum impact impact;
    enum reason reason;
    struct timestamp start, end;
    char *client_issuer;      /* of the client's leaf; NULL: none seen */
    int64_t client_not_after; /* of the client's leaf; -1: none seen */
    char *where, *command;    /* where to see it, and a command that shows it; NULL: not told */
};

struct endpoints;

/* The verdict on one endpoint. Strings live until the endpoint gets another contribution. */
struct endpoint_summary {
    const char *server_ip, *sni;
    uint16_t server_port;
    unsigned clients, connections, decided, asked;
    unsigned with_client_auth, without_client_auth; /* client certificates */
    unsigned rejected;
    struct timestamp first_seen, last_seen, last_asked, last_not_asked; /* seconds 0: never */
    char *issuers;                                                      /* of client certificates, joined by "; " */
    int64_t first_expiry;                                               /* of client certificates; -1: none seen */
    unsigned undecided_clients; /* clients that reached it and have no decided connection */
    enum impact impact;
    enum reason reason;
    const char *where, *command; /* of a connection that is why; NULL: not told */
};

struct contribution *contribution_new(const struct facts *facts);
struct contribution *contribution_copy(const struct contribution *contribution);
void contribution_free(struct contribution *contribution);

struct endpoints *endpoints_new(void);
void endpoints_free(struct endpoints *endpoints);
unsigned endpoints_count(const struct endpoints *endpoints);

/*
 * Puts the contribution of the connection named by `key`, in place of an earlier one with the same
 * key. Takes ownership. Returns the number of its endpoint, stable from then on; `*moved_from` is
 * the endpoint the earlier one belonged to, or the same number.
 */
unsigned endpoints_put(struct endpoints *endpoints, const void *key, struct contribution *contribution,
                       unsigned *moved_from);

/* The same for a connection that is not going to be replaced: nothing of it is kept but what it adds. */
unsigned endpoints_add(struct endpoints *endpoints, struct contribution *contribution);

/* Sums an endpoint up. Impact: the worst of its decided connections, failing > at_risk > tolerant >
 * unaffected; but unaffected only when every client that reached it has a decided connection. */
void endpoint_summarise(struct endpoints *endpoints, unsigned number, struct endpoint_summary *summary);
void endpoint_summary_clear(struct endpoint_summary *summary);

/* The undecided clients' addresses, "a, b and 3 more"; NULL when there is none. The caller frees it. */
char *endpoint_undecided_clients(const struct endpoints *endpoints, unsigned number);

#endif
