/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * changes.h - of each endpoint (server address, port and server name), what it is now and what was told of it last
 *
 * In:  one contribution per connection, in any order, the same one more than once perhaps. Out: a change, where the
 * impact is another than the one told last. No Wireshark header.
 *
 * What an endpoint is now: of each client address the latest decided connection counts, and the worst of them is the
 * endpoint's. As everywhere (endpoint.h) it is unaffected only when every client that reached it has a decided
 * connection. So a repair shows once each of them has connected again.
 *
 * Memory is bounded: of an endpoint, `most_clients` addresses of some 150 octets are told apart, and of endpoints there
 * are `most_endpoints`. Clients beyond share a place that only gets worse, so that none of them makes an endpoint look
 * better than it is. For an endpoint beyond, the one that was not heard of for the longest time is forgotten, and said
 * to be.
 */
#ifndef SIPTLS_CHANGES_H
#define SIPTLS_CHANGES_H

#include "endpoint.h"

/* Strings live until the next call of changes_take(). */
struct change {
    const char *server_ip, *sni; /* sni NULL: none */
    uint16_t server_port;
    bool is_first;                               /* nothing was told of it before */
    enum impact before;                          /* told last, unless it is the first */
    enum impact impact;                          /* now */
    enum reason reason;                          /* of the worst client's, the latest */
    unsigned clients;                            /* that reached it and are told apart */
    unsigned undecided;                          /* of them */
    bool too_many;                               /* there were more clients than are told apart */
    struct timestamp last_asked, last_not_asked; /* seconds 0: never */
};

struct changes_options {
    unsigned most_endpoints, most_clients;
    void (*forgotten)(void *data, const struct change *last); /* NULL: nobody wants to know */
    void *data;
};

struct changes;

struct changes *changes_new(const struct changes_options *options);
void changes_free(struct changes *changes);

/* Takes note of a connection. True: its endpoint is not what was told of it; *change says so. */
bool changes_take(struct changes *changes, const struct contribution *contribution, struct change *change);

/* The change was told. */
void changes_told(struct changes *changes, const struct change *change);

/* The same from a log: `impact` was told of an endpoint. One that is not known is left out. */
void changes_told_before(struct changes *changes, const char *server_ip, uint16_t server_port, const char *sni,
                         enum impact impact);

/* Calls `each` for every endpoint that is not what was told of it. */
void changes_each_untold(struct changes *changes, void (*each)(void *data, const struct change *change), void *data);

/* How many endpoints are in a state. */
void changes_count(const struct changes *changes, unsigned by_impact[IMPACT_FAILING + 1]);

#endif
