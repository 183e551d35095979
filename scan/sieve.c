/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sieve.h"

#include <arpa/inet.h>
#include <string.h>

/* What is known of a port. */
enum port_mark { PORT_ASKED = 1, PORT_TCP_PASSES = 2, PORT_UDP_PASSES = 4 };

struct end {
    uint8_t address[16]; /* IPv4: the first four, the rest 0 */
    uint16_t port;
    uint16_t version; /* of IP */
};

struct flow {
    struct end end[2]; /* the lower first */
};

struct sieve {
    bool (*is_sip_port)(uint16_t port);
    uint8_t ports[65536]; /* of enum port_mark */
    GHashTable *needed;   /* a set of struct flow * */
    bool all_tcp;
    bool kept_back_tcp; /* in this pass */
    bool too_narrow;    /* more is needed than was known when the pass began */
};

static guint hash_flow(const void *key)
{
    const uint8_t *octets = key;
    guint hash = 2166136261u;

    for (size_t i = 0; i < sizeof(struct flow); i++)
        hash = (hash ^ octets[i]) * 16777619u;
    return hash;
}

static gboolean equal_flows(const void *a, const void *b) { return memcmp(a, b, sizeof(struct flow)) == 0; }

/* Protocols over TCP that carry packets: rpcap, TCPENCAP, OpenFlow. */
static const uint16_t packets_in_tcp[] = {2002, 10000, 6633, 6634, 6653};

/*
 * Protocols over UDP that carry packets: L2TP, GTP, LISP, GSMTAP, VXLAN, Geneve, GUE, MPLS, Teredo,
 * CAPWAP, OTV, sFlow, ESP, TZSP, BATMAN, AYIYA, PEEKREMOTE, Aruba ERM, ...
 */
static const uint16_t packets_in_udp[] = {1194, 1701, 2152, 2153, 3386, 3544, 4305, 4341, 4342, 4500, 4729,  4754,
                                          4755, 4789, 4790, 5000, 5072, 5247, 5555, 6080, 6081, 6343, 6635,  7000,
                                          7788, 8472, 8211, 9899, 9997, 9000, 9996, 2055, 4739, 6636, 37008, 48879};

struct sieve *sieve_new(bool (*is_sip_port)(uint16_t port))
{
    struct sieve *sieve = g_new0(struct sieve, 1);

    sieve->is_sip_port = is_sip_port;
    for (size_t i = 0; i < G_N_ELEMENTS(packets_in_tcp); i++)
        sieve->ports[packets_in_tcp[i]] |= PORT_TCP_PASSES;
    for (size_t i = 0; i < G_N_ELEMENTS(packets_in_udp); i++)
        sieve->ports[packets_in_udp[i]] |= PORT_UDP_PASSES;
    sieve->needed = g_hash_table_new_full(hash_flow, equal_flows, g_free, NULL);
    return sieve;
}

void sieve_free(struct sieve *sieve)
{
    g_hash_table_unref(sieve->needed);
    g_free(sieve);
}

static void put_in_order(struct flow *flow)
{
    if (memcmp(&flow->end[0], &flow->end[1], sizeof flow->end[0]) <= 0)
        return;
    const struct end first = flow->end[0];
    flow->end[0] = flow->end[1];
    flow->end[1] = first;
}

static void need_flow(struct sieve *sieve, const struct flow *flow)
{
    if (g_hash_table_add(sieve->needed, g_memdup2(flow, sizeof *flow)))
        sieve->too_narrow = true;
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

void sieve_need(struct sieve *sieve, const char *client_ip, uint16_t client_port, const char *server_ip,
                uint16_t server_port, bool resumed)
{
    struct flow flow = {0};

    if (!sieve->kept_back_tcp)
        return;
    if (resumed || !read_end(&flow.end[0], client_ip, client_port) || !read_end(&flow.end[1], server_ip, server_port)) {
        sieve_need_all_tcp(sieve);
        return;
    }
    put_in_order(&flow);
    need_flow(sieve, &flow);
}

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

/* ---- TCP --------------------------------------------------------------------------------------- */

static bool port_passes(struct sieve *sieve, uint16_t port)
{
    if (!(sieve->ports[port] & PORT_ASKED))
        sieve->ports[port] |= sieve->is_sip_port(port) ? PORT_ASKED | PORT_TCP_PASSES : PORT_ASKED;
    return sieve->ports[port] & PORT_TCP_PASSES;
}

/*
 * Starts like a handshake record with a ClientHello in it (RFC 8446 5.1, 4.1.2) that does not end in
 * this segment and this record: what it offers cannot be told.
 */
static bool is_begun_client_hello(const struct cursor *c)
{
    enum { HANDSHAKE = 22, MAJOR_VERSION = 3, CLIENT_HELLO = 1, RECORD_HEADER = 5, MESSAGE_HEADER = 4 };

    if (c->left == 0 || c->at[0] != HANDSHAKE || (c->left > 1 && c->at[1] != MAJOR_VERSION) ||
        (c->left > RECORD_HEADER && c->at[RECORD_HEADER] != CLIENT_HELLO))
        return false;
    if (c->left < RECORD_HEADER + MESSAGE_HEADER)
        return true;
    const uint32_t record = u16(c->at + 3), message = MESSAGE_HEADER + u24(c->at + RECORD_HEADER + 1);
    return message > record || RECORD_HEADER + message > c->left;
}

/* Looks for the slash: memchr() is much faster than memmem(), and in what is encrypted few octets are one. */
static bool holds_alpn(const struct cursor *c)
{
    static const char before[] = "sip", after = '2';
    const size_t length = sizeof before - 1;
    const uint8_t *const end = c->at + c->left;

    for (const uint8_t *at = c->at; at < end && (at = memchr(at, '/', (size_t)(end - at))); at++)
        if ((size_t)(at - c->at) >= length && end - at > 1 && at[1] == after &&
            memcmp(at - length, before, length) == 0)
            return true;
    return false;
}

/* Holds "sip/2", or one end of it when segments divide it: of the two ends one has three octets or more. */
static bool may_hold_alpn(const struct cursor *c)
{
    static const char *const begins[] = {"ip/2", "p/2"}, *const ends[] = {"sip/", "sip"};

    if (holds_alpn(c))
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

static bool tcp_passes(struct sieve *sieve, struct cursor c, struct flow *flow)
{
    enum { HEADER = 20 };

    if (sieve->all_tcp || c.left < HEADER)
        return true;
    const uint16_t from = u16(c.at), to = u16(c.at + 2);
    const uint32_t header = (uint32_t)(c.at[12] >> 4) * 4;
    if (port_passes(sieve, from) || port_passes(sieve, to))
        return true;
    if (header < HEADER || !skip(&c, header))
        return true;
    flow->end[0].port = from;
    flow->end[1].port = to;
    put_in_order(flow);
    if (g_hash_table_size(sieve->needed) && g_hash_table_contains(sieve->needed, flow))
        return true;
    if (is_begun_client_hello(&c) || may_hold_alpn(&c)) {
        need_flow(sieve, flow);
        return true;
    }
    sieve->kept_back_tcp = true;
    return false;
}

/* ---- UDP --------------------------------------------------------------------------------------- */

/* Never TLS over TCP, whatever is in them: DNS (RFC 1035), and QUIC as HTTP/3 has it (RFC 9114) */
static bool is_plain_service(uint16_t port) { return port == 53 || port == 443; }

static bool udp_passes(const struct sieve *sieve, struct cursor c)
{
    enum { HEADER = 8, RTP_VERSION = 0x80, RTP_VERSION_BITS = 0xc0, LOWEST_MEDIA_PORT = 1024 };

    if (c.left <= HEADER)
        return true;
    const uint16_t from = u16(c.at), to = u16(c.at + 2);
    if ((sieve->ports[from] | sieve->ports[to]) & PORT_UDP_PASSES)
        return true;
    if (is_plain_service(from) || is_plain_service(to))
        return false;
    /* RTP and RTCP, RFC 3550 5.1 */
    return from < LOWEST_MEDIA_PORT || to < LOWEST_MEDIA_PORT || (c.at[HEADER] & RTP_VERSION_BITS) != RTP_VERSION;
}

/* ---- IP ---------------------------------------------------------------------------------------- */

enum protocol { PROTOCOL_HOP_BY_HOP = 0, PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_DESTINATION = 60 };

static bool transport_passes(struct sieve *sieve, uint8_t protocol, struct cursor c, struct flow *flow)
{
    if (protocol == PROTOCOL_TCP)
        return tcp_passes(sieve, c, flow);
    return protocol != PROTOCOL_UDP || udp_passes(sieve, c);
}

/* RFC 791 3.1 */
static bool ipv4_passes(struct sieve *sieve, struct cursor c)
{
    enum { HEADER = 20, FRAGMENT = 0x3fff }; /* more fragments, or an offset */
    struct flow flow = {0};

    if (c.left < HEADER || c.at[0] >> 4 != 4)
        return true;
    const uint32_t header = (uint32_t)(c.at[0] & 15) * 4, total = u16(c.at + 2);
    const uint8_t protocol = c.at[9];
    if (header < HEADER || total < header || (u16(c.at + 6) & FRAGMENT))
        return true;
    for (int i = 0; i < 2; i++) {
        memcpy(flow.end[i].address, c.at + 12 + 4 * i, 4);
        flow.end[i].version = 4;
    }
    c.left = MIN(c.left, total); /* behind it is what Ethernet pads with */
    return !skip(&c, header) || transport_passes(sieve, protocol, c, &flow);
}

/* RFC 8200 3, 4 */
static bool ipv6_passes(struct sieve *sieve, struct cursor c)
{
    enum { HEADER = 40, MOST_EXTENSIONS = 8 };
    struct flow flow = {0};

    if (c.left < HEADER || c.at[0] >> 4 != 6)
        return true;
    const uint32_t payload = u16(c.at + 4);
    uint8_t protocol = c.at[6];
    for (int i = 0; i < 2; i++) {
        memcpy(flow.end[i].address, c.at + 8 + 16 * i, 16);
        flow.end[i].version = 6;
    }
    skip(&c, HEADER);
    if (payload == 0)
        return true;
    c.left = MIN(c.left, payload);
    for (int i = 0; protocol == PROTOCOL_HOP_BY_HOP || protocol == PROTOCOL_DESTINATION; i++) {
        if (i == MOST_EXTENSIONS || c.left < 2)
            return true;
        protocol = c.at[0];
        if (!skip(&c, 8 + 8 * (uint32_t)c.at[1]))
            return true;
    }
    return transport_passes(sieve, protocol, c, &flow);
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

bool sieve_passes(struct sieve *sieve, enum sieve_link link, const uint8_t *octets, uint32_t captured)
{
    const struct cursor c = {octets, captured};

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
