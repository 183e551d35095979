/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets are kept back from dissection: RTP, DNS, QUIC, TCP that is not SIP. Whatever could matter,
 * or is not understood, passes.
 */
#include "packets.h"

#include <string.h>

/* ---- links -------------------------------------------------------------------------------------- */

static void assert_understood(enum sieve_link link, struct packet (*framing)(unsigned, struct packet))
{
    g_assert_false(passes(link, framing(IPV4, ipv4(TCP, web()))));
    g_assert_true(passes(link, framing(IPV4, ipv4(TCP, sip()))));
    g_assert_false(passes(link, framing(IPV6, ipv6(TCP, web()))));
    g_assert_true(passes(link, framing(IPV6, ipv6(TCP, sip()))));
    g_assert_true(passes(link, framing(MPLS, ipv4(TCP, web()))));
    g_assert_true(passes(link, framing(46, ipv4(TCP, web())))); /* IEEE 802.3: a length */
    g_assert_true(passes(link, framing(0x8864, ipv4(TCP, web()))));
}

static void test_links(void)
{
    assert_understood(LINK_ETHERNET, ethernet);
    assert_understood(LINK_SLL, cooked);
    assert_understood(LINK_SLL2, cooked_2);
    g_assert_false(passes(LINK_IP, ipv4(TCP, web())));
    g_assert_false(passes(LINK_IP, ipv6(TCP, web())));
    g_assert_true(passes(LINK_IP, ipv4(TCP, sip())));
    g_assert_true(passes(LINK_IP, ipv6(TCP, sip())));
    g_assert_true(passes(LINK_UNKNOWN, ethernet(IPV4, ipv4(TCP, web()))));
}

static void test_tags(void)
{
    static const unsigned types[] = {VLAN, QINQ, OLD_QINQ};

    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        struct packet packet = tagged(IPV4, ipv4(TCP, web()));
        g_assert_false(passes(LINK_ETHERNET, ethernet(types[i], packet)));
        g_assert_false(passes(LINK_SLL, cooked(types[i], packet)));
        packet = tagged(VLAN, packet);
        g_assert_false(passes(LINK_ETHERNET, ethernet(types[i], packet)));
        packet = tagged(VLAN, tagged(VLAN, packet));
        g_assert_false(passes(LINK_ETHERNET, ethernet(types[i], packet)));
        packet = tagged(VLAN, packet); /* more than anybody stacks */
        g_assert_true(passes(LINK_ETHERNET, ethernet(types[i], packet)));
        g_assert_true(passes(LINK_ETHERNET, ethernet(types[i], tagged(MPLS, ipv4(TCP, web())))));
        g_assert_true(passes(LINK_ETHERNET, ethernet(types[i], tagged(IPV4, ipv4(TCP, sip())))));
    }
}

static void test_loopback(void)
{
    static const uint8_t families[] = {2, 10, 24, 28, 30};

    for (unsigned family = 0; family < 256; family++) {
        const bool known = memchr(families, (int)family, sizeof families) != NULL;
        for (int order = 0; order < 2; order++) {
            g_assert_true(passes(LINK_LOOPBACK, loopback(family, order, ipv4(TCP, web()))) != known);
            g_assert_true(passes(LINK_LOOPBACK, loopback(family, order, ipv6(TCP, web()))) != known);
            g_assert_true(passes(LINK_LOOPBACK, loopback(family, order, ipv4(TCP, sip()))));
            g_assert_true(passes(LINK_LOOPBACK, loopback(family, order, (struct packet){0})));
        }
    }
    for (int at = 1; at < 4; at++) {
        struct packet packet = loopback(2, false, ipv4(TCP, web()));
        packet.octets[at] = 2;
        g_assert_true(passes(LINK_LOOPBACK, packet));
    }
}

/* ---- IP ----------------------------------------------------------------------------------------- */

static void test_protocols(void)
{
    for (unsigned protocol = 0; protocol < 256; protocol++) {
        g_assert_true(ip_passes(ipv4(protocol, web())) == (protocol != TCP));
        if (protocol != 0 && protocol != 44) /* extension headers */
            g_assert_true(ip_passes(ipv6(protocol, web())) == (protocol != TCP));
    }
}

static void test_ipv4_header(void)
{
    struct packet packet = ipv4(TCP, web());

    packet.octets[0] = 0x75;
    g_assert_true(ip_passes(packet));
    g_assert_true(passes(LINK_ETHERNET, ethernet(IPV4, packet)));
    g_assert_true(passes(LINK_ETHERNET, ethernet(IPV4, ipv6(TCP, web()))));
    packet.octets[0] = 0x44; /* a header of 16 octets */
    g_assert_true(ip_passes(packet));
    packet.octets[0] = 0x4f; /* longer than what was captured */
    packet.length = 40;
    g_assert_true(ip_passes(packet));
}

/* A source route changes where Wireshark says a packet goes to. */
static void test_ipv4_options(void)
{
    struct packet packet = ipv4(TCP, web());

    prepend(&packet, 8);
    memmove(packet.octets, packet.octets + 8, 20);
    packet.octets[0] = 0x47;
    put16(packet.octets + 2, packet.length);
    g_assert_true(ip_passes(packet));
}

static void test_ipv4_fragments(void)
{
    static const struct {
        uint16_t field;
        bool is_fragment;
    } cases[] = {{0x0000, false}, {0x4000, false}, {0x8000, false}, {0x2000, true},
                 {0x0001, true},  {0x1fff, true},  {0x2001, true},  {0x6000, true}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct packet packet = ipv4(TCP, web());
        put16(packet.octets + 6, cases[i].field);
        g_assert_true(ip_passes(packet) == cases[i].is_fragment);
    }
}

/* 0: a network card that divides segments was captured before it did. */
static void test_ipv4_total_length(void)
{
    for (unsigned total = 0; total < 20; total++) {
        struct packet packet = ipv4(TCP, web());
        put16(packet.octets + 2, total);
        g_assert_true(ip_passes(packet));
    }
    for (unsigned total = 20; total < 40; total++) { /* no whole TCP header */
        struct packet packet = ipv4(TCP, web());
        put16(packet.octets + 2, total);
        g_assert_true(ip_passes(packet));
    }
}

static void test_ipv6_extensions(void)
{
    enum { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60 };
    static const uint8_t others[] = {ROUTING, AUTHENTICATION, DESTINATION, 59, 135, 139, 140};
    struct packet packet;

    g_assert_false(ip_passes(ipv6(HOP_BY_HOP, extended(TCP, 0, web()))));
    g_assert_false(ip_passes(ipv6(HOP_BY_HOP, extended(TCP, 3, web()))));
    g_assert_true(ip_passes(ipv6(HOP_BY_HOP, extended(TCP, 0, sip()))));
    packet = ipv6(HOP_BY_HOP, extended(TCP, 0, web()));
    packet.octets[41] = 200; /* beyond the end */
    g_assert_true(ip_passes(packet));
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_assert_true(ip_passes(ipv6(others[i], extended(TCP, 0, web()))));
        g_assert_true(ip_passes(ipv6(HOP_BY_HOP, extended(others[i], 0, extended(TCP, 0, web())))));
    }
    for (unsigned field = 0; field < 0x10000; field += 1)
        g_assert_true(ip_passes(ipv6(FRAGMENT, fragment_header(field, web()))));
    packet = web();
    for (int i = 0; i < 9; i++)
        packet = extended(i ? HOP_BY_HOP : TCP, 0, packet);
    g_assert_true(ip_passes(ipv6(HOP_BY_HOP, packet))); /* one more than are looked through */
    packet = ipv6(HOP_BY_HOP, extended(TCP, 0, web()));
    for (unsigned payload = 0; payload < 8 + 20; payload++) { /* 0: a jumbogram, RFC 2675 */
        put16(packet.octets + 4, payload);
        g_assert_true(ip_passes(packet));
    }
}

/* What passes because of its header tells of its flow all the same. */
static void test_headers_that_pass_are_looked_into(void)
{
    struct packet packets[4] = {0};
    struct packet hello = tcp(CLIENT, ODD, client_hello("http/1.1"));

    hello.length -= 10; /* goes on in another segment */
    packets[0] = ipv4(TCP, hello);
    put16(packets[0].octets + 2, 0);
    packets[1] = ipv4(TCP, hello);
    put16(packets[1].octets + 6, 0x2000);
    packets[2] = ipv6(TCP, hello);
    put16(packets[2].octets + 4, 0);
    packets[3] = ipv6(44, fragment_header(1, hello));
    for (size_t i = 0; i < G_N_ELEMENTS(packets); i++) {
        struct sieve *sieve = sieve_new(is_sip_port);
        g_assert_true(passes_cut(sieve, LINK_IP, &packets[i], packets[i].length));
        g_assert_true(sieve_needs_any(sieve));
        sieve_free(sieve);
    }
}

/* What Ethernet fills a short frame with is no payload. */
static void test_padding(void)
{
    static const uint8_t trailer[] = "\x16\x03\x01\x02\x00\x01sip/2";

    for (int version = 4; version <= 6; version += 2) {
        const struct packet empty = tcp(CLIENT, WEB, (struct packet){0});
        struct packet packet = version == 4 ? ethernet(IPV4, ipv4(TCP, empty)) : ethernet(IPV6, ipv6(TCP, empty));
        memcpy(packet.octets + packet.length, trailer, sizeof trailer);
        packet.length += (uint32_t)sizeof trailer;
        g_assert_false(passes(LINK_ETHERNET, packet));
    }
}

/* ---- TCP ---------------------------------------------------------------------------------------- */

static void test_ports(void)
{
    static const uint16_t carriers[] = {2002, 10000, 6633, 6634, 6653, 2123, 2152, 3386, 4739, 1998, 14001};

    g_assert_true(tcp_passes(tcp(SIP, CLIENT, holding("x", 1))));
    g_assert_true(tcp_passes(tcp(CLIENT, SIP, holding("x", 1))));
    g_assert_true(tcp_passes(tcp(SIP, WEB, holding("x", 1))));
    g_assert_false(tcp_passes(tcp(WEB, CLIENT, holding("x", 1))));
    g_assert_false(tcp_passes(tcp(CLIENT, WEB, holding("x", 1))));
    g_assert_false(tcp_passes(tcp(5060, CLIENT, holding("x", 1))));
    g_assert_false(tcp_passes(tcp(CLIENT, WEB, (struct packet){0})));
    for (size_t i = 0; i < G_N_ELEMENTS(carriers); i++) {
        g_assert_true(tcp_passes(tcp(carriers[i], CLIENT, holding("x", 1))));
        g_assert_true(tcp_passes(tcp(CLIENT, carriers[i], holding("x", 1))));
    }
}

static void test_tcp_header(void)
{
    struct packet segment = web();

    for (unsigned words = 0; words < 16; words++) {
        segment.octets[12] = (uint8_t)(words << 4);
        g_assert_true(tcp_passes(segment) == (words < 5 || words * 4 > segment.length));
    }
}

static void test_remote_capture(void)
{
    static const uint8_t packet[] = "\0\7\0\0\0\0\0\x54";

    g_assert_true(tcp_passes(tcp(ODD, CLIENT, holding(packet, sizeof packet))));
    g_assert_false(tcp_passes(tcp(ODD, CLIENT, holding(packet, 3))));
}

/* ---- handshakes on any port --------------------------------------------------------------------- */

static void test_alpn(void)
{
    static const struct {
        const char *payload;
        bool passes;
    } cases[] = {
        {"sip/2", true},   {"x sip/2 y", true}, {"xsip/2", true}, {"sip/2y", true},
        {"ip/2 y", true},  {"p/2 y", true},     {"x sip/", true}, {"x sip", true},
        {"sip/", true},    {"sip", true},       {"ip/2", true},   {"p/2", true},
        {"ip/", true},     {"ip", true},        {"p/", true},     {"/2", true},
        {"si", true},      {"s", true},         {"2", true},      {"/2 y", false},
        {"x si", false},   {"sip/1.1", false},  {"sipp", false},  {"SIP/2.0 200", false},
        {"x ip/2", false}, {"GET /sip", true},  {"h2", false},    {"x", false},
        {"22", false},     {"http/1.1", false}, {"xsi", false},   {"sips:a@b", false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct packet payload = holding(cases[i].payload, strlen(cases[i].payload));
        g_assert_true(tcp_passes(tcp(CLIENT, ODD, payload)) == cases[i].passes);
    }
}

static void test_whole_hello(void)
{
    g_assert_true(tcp_passes(tcp(CLIENT, WEB, client_hello("sip/2"))));
    g_assert_false(tcp_passes(tcp(CLIENT, WEB, client_hello("http/1.1"))));
    g_assert_false(tcp_passes(tcp(WEB, CLIENT, server_hello(0xc02f, 32))));
}

/* Whatever is captured of a ClientHello, its rest can offer anything. */
static void test_begun_hello(void)
{
    const struct packet hello = client_hello("http/1.1");
    struct packet part = hello;

    for (part.length = 1; part.length < hello.length; part.length++)
        g_assert_true(tcp_passes(tcp(CLIENT, WEB, part)));
    part = hello;
    put16(part.octets + 3, 40); /* goes on in another record */
    g_assert_true(tcp_passes(tcp(CLIENT, WEB, part)));
    part.octets[1] = 4; /* no TLS */
    g_assert_false(tcp_passes(tcp(CLIENT, WEB, part)));
    part.octets[1] = 3;
    part.octets[0] = 23;
    g_assert_false(tcp_passes(tcp(CLIENT, WEB, part)));
    part.octets[0] = 22;
    part.octets[5] = 11; /* a Certificate */
    g_assert_false(tcp_passes(tcp(CLIENT, WEB, part)));
}

/* A flow whose octets come in the pieces is needed: all of it passes, both directions, and no other. */
static void assert_pieces_show_it(const struct packet *stream, const uint32_t *ends, size_t count)
{
    struct sieve *sieve = sieve_new(is_sip_port);
    uint32_t start = 0;

    for (size_t i = 0; i < count; start = ends[i++]) {
        const struct packet piece = ipv4(TCP, tcp(CLIENT, ODD, holding(stream->octets + start, ends[i] - start)));
        passes_cut(sieve, LINK_IP, &piece, piece.length);
    }
    g_assert_true(sieve_needs_any(sieve));
    sieve_kept_back_too_much(sieve);
    const struct packet same = ipv4(TCP, tcp(CLIENT, ODD, holding("x", 1)));
    const struct packet answer = ipv4(TCP, tcp(ODD, CLIENT, holding("x", 1)));
    const struct packet other = ipv4(TCP, tcp(CLIENT + 1, ODD, holding("x", 1)));
    g_assert_true(passes_cut(sieve, LINK_IP, &same, same.length));
    g_assert_true(passes_cut(sieve, LINK_IP, &answer, answer.length));
    g_assert_false(passes_cut(sieve, LINK_IP, &other, other.length));
    g_assert_false(sieve_kept_back_too_much(sieve));
    sieve_free(sieve);
}

/* Also behind something else in the segment, as a PROXY header is, and in a ServerHello. */
static void test_divided_hello(void)
{
    struct packet streams[3] = {client_hello("sip/2"), client_hello("sip/2"), client_hello("sip/2")};

    memcpy(prepend(&streams[1], 6), "PROXY\n", 6);
    streams[2].octets[5] = 8; /* EncryptedExtensions: looked at as any payload */
    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        const uint32_t length = streams[i].length;
        for (uint32_t first = 1; first < length; first++) {
            assert_pieces_show_it(&streams[i], (uint32_t[]){first, length}, 2);
            for (uint32_t second = first + 1; second < length; second++)
                assert_pieces_show_it(&streams[i], (uint32_t[]){first, second, length}, 3);
        }
        for (uint32_t size = 1; size < length; size++) {
            uint32_t ends[sizeof streams[i].octets], count = 0;
            for (uint32_t end = size; end < length; end += size)
                ends[count++] = end;
            ends[count++] = length;
            assert_pieces_show_it(&streams[i], ends, count);
        }
    }
}

/* Wireshark reads what is not encrypted: SIP may be in it. */
static void test_plain_suites(void)
{
    static const uint16_t plain[] = {0x0000, 0x0001, 0x0002, 0x003b, 0x002c, 0x00b0, 0xc006, 0xc010, 0xc015, 0xc0b4};
    static const uint16_t others[] = {0x0003, 0x002f, 0x009c, 0x1301, 0x1303, 0xc02b, 0xc02f, 0xc030, 0xcca8};
    static const uint8_t session_ids[] = {0, 1, 32};

    for (size_t i = 0; i < G_N_ELEMENTS(session_ids); i++) {
        const struct packet hello = server_hello(0xc02f, session_ids[i]);
        const uint32_t behind_suite = 44 + session_ids[i] + 2u;
        for (size_t j = 0; j < G_N_ELEMENTS(plain); j++)
            g_assert_true(tcp_passes(tcp(WEB, CLIENT, server_hello(plain[j], session_ids[i]))));
        for (size_t j = 0; j < G_N_ELEMENTS(others); j++)
            g_assert_false(tcp_passes(tcp(WEB, CLIENT, server_hello(others[j], session_ids[i]))));
        for (struct packet part = hello; part.length > 0; part.length--)
            g_assert_true(tcp_passes(tcp(WEB, CLIENT, part)) == (part.length < behind_suite));
    }
}

/* ---- UDP ---------------------------------------------------------------------------------------- */

static void test_udp(void)
{
    for (unsigned first = 0; first < 256; first++) {
        const bool is_rtp = first >> 6 == 2, is_quic = first >> 6 != 0;
        g_assert_true(udp_passes(16384, 30002, (uint8_t)first) != is_rtp);
        g_assert_true(udp_passes(1023, 16384, (uint8_t)first));
        g_assert_true(udp_passes(16384, 500, (uint8_t)first));
        g_assert_false(udp_passes(53, 16384, (uint8_t)first));
        g_assert_false(udp_passes(16384, 53, (uint8_t)first));
        g_assert_true(udp_passes(443, 16384, (uint8_t)first) != is_quic);
        g_assert_true(udp_passes(16384, 443, (uint8_t)first) != is_quic);
    }
    g_assert_true(ip_passes(ipv4(UDP, udp(16384, 53, (struct packet){0}))));
    g_assert_true(ip_passes(ipv4(UDP, holding("\x40\0\0\x35", 4))));
}

/* Whatever the packets in them begin with, also where they look like RTP, DNS or QUIC. */
static void test_tunnels_over_udp(void)
{
    static const uint16_t tunnels[] = {1194, 1701, 2055, 2152,  3386,  3544,  4305,  4341,  4500,  4729,  4739, 4754,
                                       4789, 4790, 4791, 5000,  5072,  5247,  5555,  6080,  6081,  6343,  6635, 7932,
                                       8472, 9996, 9899, 12000, 12004, 12222, 13910, 24577, 30030, 37008, 48879};

    for (size_t i = 0; i < G_N_ELEMENTS(tunnels); i++)
        for (unsigned first = 0; first < 256; first++) {
            g_assert_true(udp_passes(tunnels[i], 16384, (uint8_t)first));
            g_assert_true(udp_passes(53, tunnels[i], (uint8_t)first));
            g_assert_true(udp_passes(443, tunnels[i], (uint8_t)first));
        }
}

/* ---- segments ----------------------------------------------------------------------------------- */

/* Where the sieve says that IP begins is where it was put. */
static void assert_segment(enum sieve_link link, struct packet packet, uint32_t link_octets)
{
    struct sieve *sieve = sieve_new(is_sip_port);

    g_assert_true(sieve_passes(sieve, link, packet.octets, packet.length));
    const struct segment *segment = sieve_segment(sieve);
    g_assert_nonnull(segment);
    g_assert_cmpuint(segment->link_octets, ==, link_octets);
    g_assert_cmpuint(packet.octets[link_octets] >> 4, ==, segment->flow.end[0].version);
    sieve_free(sieve);
}

static void test_segments(void)
{
    static const struct {
        unsigned type;
        struct packet (*ip)(unsigned, struct packet);
    } versions[] = {{IPV4, ipv4}, {IPV6, ipv6}};
    enum { AF_INET_ANYWHERE = 2 };

    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        const struct packet packet = versions[i].ip(TCP, sip());
        assert_segment(LINK_ETHERNET, ethernet(versions[i].type, packet), 14);
        assert_segment(LINK_SLL, cooked(versions[i].type, packet), 16);
        assert_segment(LINK_SLL2, cooked_2(versions[i].type, packet), 20);
        assert_segment(LINK_LOOPBACK, loopback(AF_INET_ANYWHERE, true, packet), 4);
        assert_segment(LINK_IP, packet, 0);
    }
}

/* What is unusual is Wireshark's to read, with all that is in front of it. */
static void assert_no_segment(enum sieve_link link, struct packet packet, uint32_t captured)
{
    struct sieve *sieve = sieve_new(is_sip_port);

    sieve_passes(sieve, link, packet.octets, captured);
    g_assert_null(sieve_segment(sieve));
    sieve_free(sieve);
}

static void test_no_segments(void)
{
    const struct packet frame = ethernet(IPV4, ipv4(TCP, sip()));

    for (uint32_t captured = 0; captured < frame.length; captured++)
        assert_no_segment(LINK_ETHERNET, frame, captured);
    assert_no_segment(LINK_UNKNOWN, frame, frame.length);
    const struct packet tag = ethernet(VLAN, tagged(IPV4, ipv4(TCP, sip())));
    assert_no_segment(LINK_ETHERNET, tag, tag.length);
    const struct packet extension = ethernet(IPV6, ipv6(0, extended(TCP, 1, sip())));
    assert_no_segment(LINK_ETHERNET, extension, extension.length);
    const struct packet other = ethernet(IPV4, ipv4(TCP, web()));
    assert_no_segment(LINK_ETHERNET, other, other.length);
    const struct packet mpls = ethernet(MPLS, ipv4(TCP, sip()));
    assert_no_segment(LINK_ETHERNET, mpls, mpls.length);
}

/* ---- what is learnt ----------------------------------------------------------------------------- */

static bool segment_passes(struct sieve *sieve, unsigned from, unsigned to)
{
    const struct packet packet = ipv4(TCP, tcp(from, to, holding("x", 1)));

    return passes_cut(sieve, LINK_IP, &packet, packet.length);
}

static void test_need(void)
{
    struct sieve *sieve = sieve_new(is_sip_port);

    g_assert_false(sieve_needs_any(sieve));
    sieve_need(sieve, "192.0.2.1", CLIENT + 1, "198.51.100.2", ODD, false);
    g_assert_true(sieve_needs_any(sieve));
    g_assert_false(sieve_kept_back_too_much(sieve)); /* nothing was kept back so far */
    g_assert_true(segment_passes(sieve, CLIENT + 1, ODD));
    g_assert_false(segment_passes(sieve, CLIENT, ODD));
    sieve_need(sieve, "192.0.2.1", CLIENT, "198.51.100.2", ODD, false);
    g_assert_true(sieve_kept_back_too_much(sieve));
    g_assert_true(segment_passes(sieve, CLIENT, ODD));
    g_assert_true(segment_passes(sieve, ODD, CLIENT));
    g_assert_false(segment_passes(sieve, CLIENT, WEB));
    sieve_need(sieve, "198.51.100.2", ODD, "192.0.2.1", CLIENT, false);
    g_assert_false(sieve_kept_back_too_much(sieve)); /* known already: the next pass would tell nothing new */
    sieve_free(sieve);
}

static void test_need_ipv6(void)
{
    struct sieve *sieve = sieve_new(is_sip_port);
    const struct packet packet = ipv6(TCP, tcp(CLIENT, ODD, holding("x", 1)));

    g_assert_false(passes_cut(sieve, LINK_IP, &packet, packet.length));
    sieve_need(sieve, "2001:db8::1", CLIENT, "2001:db8::2", ODD, false);
    g_assert_true(sieve_kept_back_too_much(sieve));
    g_assert_true(passes_cut(sieve, LINK_IP, &packet, packet.length));
    g_assert_false(segment_passes(sieve, CLIENT, ODD));
    sieve_free(sieve);
}

/* A resumed session was made in another connection; addresses of another kind are not told apart. */
static void test_need_of_unknown_flows(void)
{
    static const struct {
        const char *client, *server;
        bool resumed;
    } cases[] = {{"192.0.2.1", "198.51.100.2", true},
                 {"02:00:00:00:00:01", "198.51.100.2", false},
                 {"192.0.2.1", "host", false},
                 {"", "", false}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sieve *sieve = sieve_new(is_sip_port);
        g_assert_false(segment_passes(sieve, CLIENT, ODD));
        sieve_need(sieve, cases[i].client, CLIENT, cases[i].server, ODD, cases[i].resumed);
        g_assert_true(sieve_kept_back_too_much(sieve));
        g_assert_true(segment_passes(sieve, CLIENT, WEB));
        sieve_free(sieve);
    }
}

static void test_need_all_tcp(void)
{
    struct sieve *sieve = sieve_new(is_sip_port);

    sieve_need_all_tcp(sieve);
    g_assert_false(sieve_kept_back_too_much(sieve));
    g_assert_true(segment_passes(sieve, CLIENT, WEB));
    sieve_free(sieve);

    sieve = sieve_new(is_sip_port);
    g_assert_false(segment_passes(sieve, CLIENT, WEB));
    sieve_need_all_tcp(sieve);
    sieve_need_all_tcp(sieve);
    g_assert_true(sieve_kept_back_too_much(sieve));
    g_assert_false(sieve_kept_back_too_much(sieve));
    g_assert_true(segment_passes(sieve, CLIENT, WEB));
    sieve_need_all_tcp(sieve);
    g_assert_false(sieve_kept_back_too_much(sieve));
    const struct packet rtp = ipv4(UDP, udp(16384, 30002, holding("\x80\0\0\0", 4)));
    g_assert_false(passes_cut(sieve, LINK_IP, &rtp, rtp.length));
    sieve_free(sieve);
}

/* Of the parts of a file each flow is in one, with both directions, and what is no TCP is in all. */
static void test_parts(void)
{
    enum { PARTS = 5 };
    const struct packet rtcp = ipv4(UDP, udp(500, 500, holding("x", 1)));
    struct sieve *sieve = sieve_new(is_sip_port);
    unsigned in_part[PARTS] = {0};

    for (uint16_t client = CLIENT; client < CLIENT + 1000; client++) {
        unsigned passes = 0;
        for (unsigned part = 0; part < PARTS; part++) {
            sieve_set_part(sieve, part, PARTS);
            const bool there = segment_passes(sieve, client, SIP);
            g_assert_cmpint(segment_passes(sieve, SIP, client), ==, there);
            passes += there;
            in_part[part] += there;
            g_assert_true(passes_cut(sieve, LINK_IP, &rtcp, rtcp.length));
        }
        g_assert_cmpuint(passes, ==, 1);
    }
    for (unsigned part = 0; part < PARTS; part++)
        g_assert_cmpuint(in_part[part], >, 100);
    sieve_free(sieve);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sieve/links", test_links);
    g_test_add_func("/sieve/tags", test_tags);
    g_test_add_func("/sieve/loopback", test_loopback);
    g_test_add_func("/sieve/protocols", test_protocols);
    g_test_add_func("/sieve/ipv4-header", test_ipv4_header);
    g_test_add_func("/sieve/ipv4-options", test_ipv4_options);
    g_test_add_func("/sieve/ipv4-fragments", test_ipv4_fragments);
    g_test_add_func("/sieve/ipv4-total-length", test_ipv4_total_length);
    g_test_add_func("/sieve/ipv6-extensions", test_ipv6_extensions);
    g_test_add_func("/sieve/headers-that-pass-are-looked-into", test_headers_that_pass_are_looked_into);
    g_test_add_func("/sieve/padding", test_padding);
    g_test_add_func("/sieve/ports", test_ports);
    g_test_add_func("/sieve/tcp-header", test_tcp_header);
    g_test_add_func("/sieve/remote-capture", test_remote_capture);
    g_test_add_func("/sieve/alpn", test_alpn);
    g_test_add_func("/sieve/whole-hello", test_whole_hello);
    g_test_add_func("/sieve/begun-hello", test_begun_hello);
    g_test_add_func("/sieve/divided-hello", test_divided_hello);
    g_test_add_func("/sieve/plain-suites", test_plain_suites);
    g_test_add_func("/sieve/udp", test_udp);
    g_test_add_func("/sieve/tunnels-over-udp", test_tunnels_over_udp);
    g_test_add_func("/sieve/segments", test_segments);
    g_test_add_func("/sieve/no-segments", test_no_segments);
    g_test_add_func("/sieve/need", test_need);
    g_test_add_func("/sieve/need-ipv6", test_need_ipv6);
    g_test_add_func("/sieve/need-of-unknown-flows", test_need_of_unknown_flows);
    g_test_add_func("/sieve/parts", test_parts);
    g_test_add_func("/sieve/need-all-tcp", test_need_all_tcp);
    return g_test_run();
}
