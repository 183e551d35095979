/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* memmem */
#include "sieve.h"

#include <arpa/inet.h>
#include <string.h>

enum port_kind { PORT_NOT_ASKED, PORT_PASSES, PORT_OTHER };

struct sieve {
    bool (*is_sip_port)(uint16_t port);
    uint8_t tcp_ports[65536];
    bool packets_in_udp[65536]; /* by port */
    GHashTable *needed;         /* a set of struct flow * */
    struct segment segment;     /* of the packet looked at last */
    bool has_segment, is_plain; /* is_plain: its headers so far are what every packet has */
    const uint8_t *packet, *ip; /* where it and its IP header begin */
    unsigned part, parts;
    bool all_tcp;
    bool kept_back_tcp; /* in this pass */
    bool too_narrow;    /* more is needed than was known when the pass began */
};

unsigned flow_hash(const void *key)
{
    const uint8_t *octets = key;
    unsigned hash = 2166136261u;

    for (size_t i = 0; i < sizeof(struct flow); i++)
        hash = (hash ^ octets[i]) * 16777619u;
    return hash;
}

int flows_equal(const void *a, const void *b) { return memcmp(a, b, sizeof(struct flow)) == 0; }

void sieve_free(struct sieve *sieve)
{
    g_hash_table_unref(sieve->needed);
    g_free(sieve);
}

/* Returns where the first end has gone. */
static unsigned put_in_order(struct flow *flow)
{
    if (memcmp(&flow->end[0], &flow->end[1], sizeof flow->end[0]) <= 0)
        return 0;
    const struct end first = flow->end[0];
    flow->end[0] = flow->end[1];
    flow->end[1] = first;
    return 1;
}

static void need_flow(struct sieve *sieve, const struct flow *flow)
{
    if (g_hash_table_add(sieve->needed, g_memdup2(flow, sizeof *flow)) && sieve->kept_back_tcp)
        sieve->too_narrow = true;
}

void sieve_set_part(struct sieve *sieve, unsigned part, unsigned parts)
{
    sieve->part = part;
    sieve->parts = parts;
}

void sieve_need_all_tcp(struct sieve *sieve)
{
    if (!sieve->all_tcp && sieve->kept_back_tcp)
        sieve->too_narrow = true;
    sieve->all_tcp = true;
}

static bool read_end(struct end *end, const char *ip, uint16_t port)
{
    end->port = port;
    end->version = strchr(ip, ':') ? 6 : 4;
    return inet_pton(end->version == 6 ? AF_INET6 : AF_INET, ip, end->address) == 1;
}

bool flow_between(struct flow *flow, const char *ip, uint16_t port, const char *other_ip, uint16_t other_port,
                  unsigned *first)
{
    *flow = (struct flow){0};
    if (!read_end(&flow->end[0], ip, port) || !read_end(&flow->end[1], other_ip, other_port))
        return false;
    *first = put_in_order(flow);
    return true;
}

void sieve_need(struct sieve *sieve, const char *client_ip, uint16_t client_port, const char *server_ip,
                uint16_t server_port, bool resumed)
{
    struct flow flow;
    unsigned first;

    if (resumed || !flow_between(&flow, client_ip, client_port, server_ip, server_port, &first))
        sieve_need_all_tcp(sieve);
    else
        need_flow(sieve, &flow);
}

bool sieve_needs_any(const struct sieve *sieve) { return sieve->all_tcp || g_hash_table_size(sieve->needed) > 0; }

bool sieve_kept_back_too_much(struct sieve *sieve)
{
    const bool too_narrow = sieve->too_narrow;

    sieve->too_narrow = sieve->kept_back_tcp = false;
    return too_narrow;
}

/* ---- octets ------------------------------------------------------------------------------------ */

/* What is left of the packet. The only reader: nothing behind `left` is looked at. */
struct cursor {
    const uint8_t *at;
    uint32_t left;
};

static bool skip(struct cursor *c, uint32_t length)
{
    if (c->left < length)
        return false;
    c->at += length;
    c->left -= length;
    return true;
}

static uint16_t u16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t u24(const uint8_t *at) { return (uint32_t)at[0] << 16 | u16(at + 1); }
static uint32_t u32(const uint8_t *at) { return (uint32_t)u16(at) << 16 | u16(at + 2); }

/* ---- TCP --------------------------------------------------------------------------------------- */

/* Protocols over TCP that carry packets: rpcap, TCPENCAP, OpenFlow, GTP, IPFIX, XOT, UMA, FCIP, iFCP. */
static const uint16_t packets_in_tcp[] = {2002, 10000, 6633, 6634,  6653, 2123, 2152,
                                          3386, 4739,  1998, 14001, 3225, 3420};

static bool carries_packets(uint16_t port)
{
    for (size_t i = 0; i < G_N_ELEMENTS(packets_in_tcp); i++)
        if (packets_in_tcp[i] == port)
            return true;
    return false;
}

static bool port_passes(struct sieve *sieve, uint16_t port)
{
    if (sieve->tcp_ports[port] == PORT_NOT_ASKED)
        sieve->tcp_ports[port] = sieve->is_sip_port(port) || carries_packets(port) ? PORT_PASSES : PORT_OTHER;
    return sieve->tcp_ports[port] == PORT_PASSES;
}

enum { RECORD_HEADER = 5, MESSAGE_HEADER = 4 }; /* of TLS, RFC 8446 5.1 and 4 */

/* Does not end in this segment and this record: what it offers cannot be told. */
static bool is_divided(const struct cursor *c)
{
    if (c->left < RECORD_HEADER + MESSAGE_HEADER)
        return true;
    const uint32_t record = u16(c->at + 3), message = MESSAGE_HEADER + u24(c->at + RECORD_HEADER + 1);
    return message > record || RECORD_HEADER + message > c->left;
}

/* Cipher suites without encryption: Wireshark shows the payload of such connections without any key. */
static bool is_plain_suite(uint16_t suite)
{
    static const uint16_t plain[] = {0x0000, 0x0001, 0x0002, 0x001c, 0x002c, 0x002d, 0x002e, 0x003b, 0x0047,
                                     0x0082, 0x0083, 0x00b0, 0x00b1, 0x00b4, 0x00b5, 0x00b8, 0x00b9, 0xc001,
                                     0xc006, 0xc00b, 0xc010, 0xc015, 0xc039, 0xc03a, 0xc03b, 0xc0b4, 0xc0b5};

    for (size_t i = 0; i < G_N_ELEMENTS(plain); i++)
        if (plain[i] == suite)
            return true;
    return false;
}

/* RFC 8446 4.1.3. Also true where the suite is not in this segment. */
static bool may_choose_plain_suite(const struct cursor *c)
{
    enum { SESSION_ID_AT = RECORD_HEADER + MESSAGE_HEADER + 2 + 32 }; /* its length; behind version and random */

    if (c->left <= SESSION_ID_AT)
        return true;
    const uint32_t suite_at = SESSION_ID_AT + 1 + c->at[SESSION_ID_AT];
    return c->left < suite_at + 2 || is_plain_suite(u16(c->at + suite_at));
}

/*
 * Starts like a handshake record (RFC 8446 5.1) with a ClientHello that may offer sip/2 in a later segment,
 * or with a ServerHello that may choose a suite which leaves SIP in the clear.
 */
static bool is_needed_hello(const struct cursor *c)
{
    enum { HANDSHAKE = 22, MAJOR_VERSION = 3, CLIENT_HELLO = 1, SERVER_HELLO = 2 };

    if (c->left == 0 || c->at[0] != HANDSHAKE || (c->left > 1 && c->at[1] != MAJOR_VERSION))
        return false;
    if (c->left <= RECORD_HEADER)
        return true;
    const uint8_t type = c->at[RECORD_HEADER];
    return (type == CLIENT_HELLO && is_divided(c)) || (type == SERVER_HELLO && may_choose_plain_suite(c));
}

/* A captured packet on its way from rpcapd, whose connections for them are on any port. */
static bool is_rpcap_packet(const struct cursor *c)
{
    static const uint8_t begin[] = {0, 7, 0, 0}; /* version, type, value */

    return c->left >= sizeof begin && memcmp(c->at, begin, sizeof begin) == 0;
}

static const char alpn[] = "sip/2";
enum { ALPN_LENGTH = sizeof alpn - 1, SLASH_AT = 3 };

/* Looks for the slash: memchr() is much faster than memmem(), and in what is encrypted few octets are one. */
static bool holds_alpn(const struct cursor *c)
{
    const uint8_t *const end = c->at + c->left;

    for (const uint8_t *at = c->at; at < end && (at = memchr(at, alpn[SLASH_AT], (size_t)(end - at))); at++)
        if (at - c->at >= SLASH_AT && end - at >= ALPN_LENGTH - SLASH_AT &&
            memcmp(at - SLASH_AT, alpn, ALPN_LENGTH) == 0)
            return true;
    return false;
}

/*
 * Holds "sip/2", or a part of it when segments divide it: one of them has three octets or more at its end or
 * beginning, or nothing but octets of it.
 */
static bool may_hold_alpn(const struct cursor *c)
{
    static const char *const begins[] = {"ip/2", "p/2"}, *const ends[] = {"sip/", "sip"};

    if (holds_alpn(c))
        return true;
    if (c->left > 0 && c->left < ALPN_LENGTH && memmem(alpn, ALPN_LENGTH, c->at, c->left))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(begins); i++) {
        const size_t octets = strlen(begins[i]);
        if (c->left >= octets && memcmp(c->at, begins[i], octets) == 0)
            return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        const size_t octets = strlen(ends[i]);
        if (c->left >= octets && memcmp(c->at + c->left - octets, ends[i], octets) == 0)
            return true;
    }
    return false;
}

static void note_segment(struct sieve *sieve, struct cursor c, uint32_t header, const struct flow *flow)
{
    struct segment *segment = &sieve->segment;
    const uint8_t *tcp = c.at;

    if (!sieve->is_plain || header < 20 || !skip(&c, header))
        return;
    segment->flow = *flow;
    segment->flow.end[0].port = u16(tcp);
    segment->flow.end[1].port = u16(tcp + 2);
    segment->from = put_in_order(&segment->flow);
    segment->sequence = u32(tcp + 4);
    segment->acknowledgement = u32(tcp + 8);
    segment->flags = tcp[13];
    segment->link_octets = (uint32_t)(sieve->ip - sieve->packet);
    segment->payload = c.at;
    segment->length = c.left;
    sieve->has_segment = true;
}

const struct segment *sieve_segment(const struct sieve *sieve) { return sieve->has_segment ? &sieve->segment : NULL; }

static bool is_of_part(const struct sieve *sieve, const struct flow *flow, uint16_t from, uint16_t to)
{
    struct flow in_order = *flow;

    if (sieve->parts <= 1)
        return true;
    in_order.end[0].port = from;
    in_order.end[1].port = to;
    put_in_order(&in_order);
    return flow_hash(&in_order) % sieve->parts == sieve->part;
}

static bool tcp_passes(struct sieve *sieve, struct cursor c, struct flow *flow)
{
    enum { HEADER = 20 };

    if (c.left < HEADER)
        return true;
    if (!is_of_part(sieve, flow, u16(c.at), u16(c.at + 2)))
        return false;
    if (sieve->all_tcp)
        return true;
    const uint16_t from = u16(c.at), to = u16(c.at + 2);
    const uint32_t header = (uint32_t)(c.at[12] >> 4) * 4;
    if (port_passes(sieve, from) || port_passes(sieve, to)) {
        note_segment(sieve, c, header, flow);
        return true;
    }
    if (header < HEADER || !skip(&c, header))
        return true;
    flow->end[0].port = from;
    flow->end[1].port = to;
    put_in_order(flow);
    if (g_hash_table_size(sieve->needed) && g_hash_table_contains(sieve->needed, flow))
        return true;
    if (is_needed_hello(&c) || is_rpcap_packet(&c) || may_hold_alpn(&c)) {
        need_flow(sieve, flow);
        return true;
    }
    sieve->kept_back_tcp = true;
    return false;
}

/* ---- UDP --------------------------------------------------------------------------------------- */

/*
 * Protocols over UDP that carry packets: L2TP, GTP, LISP, GSMTAP, VXLAN, Geneve, GUE, MPLS, Teredo,
 * CAPWAP, OTV, sFlow, ESP, TZSP, BATMAN, AYIYA, PEEKREMOTE, Aruba ERM, LLC, LWAPP, MiNT, JMirror,
 * RoCE, WASSP, HP ERM, SCoP, UMA, ...
 */
static const uint16_t packets_in_udp[] = {
    1194,  1701,  2055,  2123,  2152,  2153,  3386,  3544,  4305,  4306,  4341,  4342,  4500,  4729,  4739,
    4754,  4755,  4789,  4790,  4791,  5000,  5072,  5247,  5555,  6080,  6081,  6343,  6635,  6636,  7000,
    7788,  7932,  8211,  8472,  9000,  9899,  9996,  9997,  12000, 12001, 12002, 12003, 12004, 12220, 12222,
    12223, 13907, 13908, 13909, 13910, 14001, 17755, 17756, 24576, 24577, 30030, 37008, 48879, 49999};

static bool is_rtp(uint8_t first) { return first >> 6 == 2; } /* or RTCP, RFC 3550 5.1 and 6.4.1 */

/* Long header, or the bit that is always set: RFC 9000 17.2, 17.3. */
static bool is_quic(uint8_t first) { return first >> 6 != 0; }

static bool udp_passes(const struct sieve *sieve, struct cursor c)
{
    enum { HEADER = 8, DNS = 53, HTTPS = 443, LOWEST_MEDIA_PORT = 1024 };

    if (c.left <= HEADER)
        return true;
    const uint16_t from = u16(c.at), to = u16(c.at + 2);
    const uint8_t first = c.at[HEADER];
    if (sieve->packets_in_udp[from] || sieve->packets_in_udp[to])
        return true;
    if (from == DNS || to == DNS)
        return false; /* whatever is in it, Wireshark dissects DNS */
    if ((from == HTTPS || to == HTTPS) && is_quic(first))
        return false;
    return from < LOWEST_MEDIA_PORT || to < LOWEST_MEDIA_PORT || !is_rtp(first);
}

/* ---- IP ---------------------------------------------------------------------------------------- */

enum protocol { PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_FRAGMENT = 44 };

static bool transport_passes(struct sieve *sieve, uint8_t protocol, struct cursor c, struct flow *flow)
{
    if (protocol == PROTOCOL_TCP)
        return tcp_passes(sieve, c, flow);
    return protocol != PROTOCOL_UDP || udp_passes(sieve, c);
}

/*
 * RFC 791 3.1. What passes because of its header, a first fragment, options that can change the address, no
 * total length (of a segment that the network card divides), is looked into all the same: its flow may be needed.
 */
static bool ipv4_passes(struct sieve *sieve, struct cursor c)
{
    enum { HEADER = 20, MORE_FRAGMENTS = 0x2000, OFFSET = 0x1fff };
    struct flow flow = {0};

    if (c.left < HEADER || c.at[0] >> 4 != 4)
        return true;
    const uint32_t header = (uint32_t)(c.at[0] & 15) * 4, total = u16(c.at + 2), fragment = u16(c.at + 6);
    const uint8_t protocol = c.at[9];
    if (header < HEADER || (fragment & OFFSET))
        return true;
    sieve->ip = c.at;
    for (int i = 0; i < 2; i++) {
        memcpy(flow.end[i].address, c.at + 12 + 4 * i, 4);
        flow.end[i].version = 4;
    }
    sieve->is_plain =
        sieve->is_plain && header == HEADER && total >= header && total <= c.left && !(fragment & MORE_FRAGMENTS);
    if (total >= header)
        c.left = MIN(c.left, total); /* behind it is what Ethernet pads with */
    if (!skip(&c, header))
        return true;
    const bool passes = transport_passes(sieve, protocol, c, &flow);
    return passes || (fragment & MORE_FRAGMENTS) || header > HEADER || total < header;
}

/* RFC 8200 3, 4. Destination options pass: with a home address in them (RFC 6275 6.3) the flow is another. */
static bool ipv6_passes(struct sieve *sieve, struct cursor c)
{
    enum { HEADER = 40, MOST_EXTENSIONS = 8, OFFSET = 0xfff8 };
    struct flow flow = {0};
    bool is_fragment = false;

    if (c.left < HEADER || c.at[0] >> 4 != 6)
        return true;
    const uint32_t payload = u16(c.at + 4);
    uint8_t protocol = c.at[6];
    sieve->ip = c.at;
    for (int i = 0; i < 2; i++) {
        memcpy(flow.end[i].address, c.at + 8 + 16 * i, 16);
        flow.end[i].version = 6;
    }
    skip(&c, HEADER);
    sieve->is_plain = sieve->is_plain && payload && payload <= c.left && protocol == PROTOCOL_TCP;
    if (payload)
        c.left = MIN(c.left, payload);
    for (int i = 0; protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_FRAGMENT; i++) {
        const uint8_t *extension = c.at;
        const bool has_length = protocol == PROTOCOL_HOP_BY_HOP;
        if (i == MOST_EXTENSIONS || c.left < 8 || !skip(&c, 8 + (has_length ? 8 * (uint32_t)extension[1] : 0)))
            return true;
        if (!has_length && (u16(extension + 2) & OFFSET))
            return true;
        is_fragment = is_fragment || !has_length;
        protocol = extension[0];
    }
    const bool passes = transport_passes(sieve, protocol, c, &flow);
    return passes || is_fragment || payload == 0;
}

static bool ip_passes(struct sieve *sieve, struct cursor c)
{
    const int version = c.left ? c.at[0] >> 4 : 0;

    return version == 4 ? ipv4_passes(sieve, c) : version == 6 ? ipv6_passes(sieve, c) : true;
}

/* ---- links ------------------------------------------------------------------------------------- */

enum ethertype {
    TYPE_IPV4 = 0x0800,
    TYPE_VLAN = 0x8100,
    TYPE_IPV6 = 0x86dd,
    TYPE_QINQ = 0x88a8,
    TYPE_OLD_QINQ = 0x9100
};

static bool typed_passes(struct sieve *sieve, uint16_t type, struct cursor c)
{
    enum { TAG = 4, MOST_TAGS = 4 };

    for (int i = 0; type == TYPE_VLAN || type == TYPE_QINQ || type == TYPE_OLD_QINQ; i++) {
        if (i == MOST_TAGS || c.left < TAG)
            return true;
        type = u16(c.at + 2);
        sieve->is_plain = false;
        skip(&c, TAG);
    }
    return type == TYPE_IPV4 ? ipv4_passes(sieve, c) : type == TYPE_IPV6 ? ipv6_passes(sieve, c) : true;
}

/* A header of `length` octets with the EtherType at `type_at`. */
static bool framed_passes(struct sieve *sieve, struct cursor c, uint32_t type_at, uint32_t length)
{
    const uint8_t *header = c.at;

    return !skip(&c, length) || typed_passes(sieve, u16(header + type_at), c);
}

/* The address family of the system that captured, in its own byte order: LINKTYPE_NULL. */
static bool loopback_passes(struct sieve *sieve, struct cursor c)
{
    static const uint8_t families[] = {2, 10, 24, 28, 30};
    const uint8_t *header = c.at;

    if (!skip(&c, 4) || header[1] || header[2] || (header[0] && header[3]))
        return true;
    for (size_t i = 0; i < sizeof families; i++)
        if (families[i] == (header[0] | header[3]))
            return ip_passes(sieve, c);
    return true;
}

/* ---- the sieve --------------------------------------------------------------------------------- */

struct sieve *sieve_new(bool (*is_sip_port)(uint16_t port))
{
    struct sieve *sieve = g_new0(struct sieve, 1);

    sieve->is_sip_port = is_sip_port;
    sieve->parts = 1;
    sieve->needed = g_hash_table_new_full(flow_hash, flows_equal, g_free, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(packets_in_udp); i++)
        sieve->packets_in_udp[packets_in_udp[i]] = true;
    return sieve;
}

void sieve_ask_for_ports(struct sieve *sieve)
{
    for (unsigned port = 0; port < G_N_ELEMENTS(sieve->tcp_ports); port++)
        port_passes(sieve, (uint16_t)port);
}

bool sieve_passes(struct sieve *sieve, enum sieve_link link, const uint8_t *octets, uint32_t captured)
{
    const struct cursor c = {octets, captured};

    sieve->has_segment = false;
    sieve->is_plain = true;
    sieve->packet = octets;
    switch (link) {
    case LINK_ETHERNET:
        return framed_passes(sieve, c, 12, 14);
    case LINK_SLL:
        return framed_passes(sieve, c, 14, 16);
    case LINK_SLL2:
        return framed_passes(sieve, c, 0, 20);
    case LINK_IP:
        return ip_passes(sieve, c);
    case LINK_LOOPBACK:
        return loopback_passes(sieve, c);
    case LINK_UNKNOWN:
        break;
    }
    return true;
}
