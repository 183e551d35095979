/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sieve.h - can this packet matter? A look at its headers, before Wireshark dissects it
 *
 * In:  raw octets of a packet and its link type. Out: whether to dissect it. Plain C on GLib.
 *
 * What is kept back: RTP, DNS and QUIC over UDP, and TCP flows on no SIP port that never showed a
 * ClientHello with ALPN sip/2 (RFC 7301) or a ServerHello that chose a suite without encryption. Everything
 * that is not understood passes: unknown links and protocols, tunnels, IP fragments, cut headers. TCP flows have no
 * state here. When one that was kept back turns out to matter, by a ClientHello or because Wireshark found SIP in it by
 * other means, the sieve remembers that, and the file is read once more with all of that flow. So the result is that of
 * dissecting everything.
 */
#ifndef SIPTLS_SIEVE_H
#define SIPTLS_SIEVE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum sieve_link { LINK_UNKNOWN, LINK_ETHERNET, LINK_SLL, LINK_SLL2, LINK_IP, LINK_LOOPBACK };

struct sieve;

struct end {
    uint8_t address[16]; /* IPv4: the first four, the rest 0 */
    uint16_t port;
    uint16_t version; /* of IP */
};

struct flow {
    struct end end[2]; /* the lower first */
};

/* GHashTable functions for struct flow *. */
unsigned flow_hash(const void *flow);
int flows_equal(const void *a, const void *b);

/* Where a connection between these is; false: an address is none. `*first`: the end that has the first address. */
bool flow_between(struct flow *flow, const char *ip, uint16_t port, const char *other_ip, uint16_t other_port,
                  unsigned *first);

/* A TCP segment, RFC 9293 3.1. */
struct segment {
    struct flow flow;
    unsigned from; /* the end that sent it */
    uint32_t sequence, acknowledgement;
    uint8_t flags;
    uint32_t link_octets; /* in front of IP */
    const uint8_t *payload;
    uint32_t length; /* octets of payload */
};

struct sieve *sieve_new(bool (*is_sip_port)(uint16_t port));
void sieve_free(struct sieve *sieve);

/* Asks is_sip_port() about all ports now: it will not be asked any more. */
void sieve_ask_for_ports(struct sieve *sieve);

/* `captured`: how many octets there are. */
bool sieve_passes(struct sieve *sieve, enum sieve_link link, const uint8_t *octets, uint32_t captured);

/*
 * The segment in the packet that sieve_passes() was called with last, on a SIP port; NULL: it was none, or
 * there was something unusual about it, a tag, an option, a fragment, or not all of it was captured.
 */
const struct segment *sieve_segment(const struct sieve *sieve);

/* Of TCP flows only those whose hash is `part` modulo `parts` pass, whatever they are. */
void sieve_set_part(struct sieve *sieve, unsigned part, unsigned parts);

/* No TCP flow may be kept back. */
void sieve_need_all_tcp(struct sieve *sieve);

/*
 * This connection carries SIP: all of it is needed. `resumed`: so may be any other, where its session
 * was made.
 */
void sieve_need(struct sieve *sieve, const char *client_ip, uint16_t client_port, const char *server_ip,
                uint16_t server_port, bool resumed);

/* Whether any connection is needed by what sieve_need() was told. */
bool sieve_needs_any(const struct sieve *sieve);

/* Whether packets were kept back that are needed, as is known by now. Asked once a pass: forgets it. */
bool sieve_kept_back_too_much(struct sieve *sieve);

#endif
