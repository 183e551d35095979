/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cut and damaged packets: none is kept back that would pass whole, and nothing is read behind what was captured.
 */
#include "packets.h"

#include <string.h>

/* ---- whatever comes ----------------------------------------------------------------------------- */

/*
 * A cut packet is not kept back where the whole one passes. Only the contents of a segment that is no begun
 * ClientHello can show in its later octets that the flow is needed, and then the whole one says so: those
 * octets are not there for Wireshark either.
 */
static void assert_cut_is_no_worse(enum sieve_link link, const struct packet *packet)
{
    struct sieve *sieve = sieve_new(is_sip_port);
    const bool whole_passes = passes_cut(sieve, link, packet, packet->length);
    const bool shows_need = sieve_needs_any(sieve);

    sieve_free(sieve);
    sieve = sieve_new(is_sip_port);
    for (uint32_t captured = 0; captured < packet->length; captured++) {
        g_assert_true(passes_cut(sieve, link, packet, captured) || !whole_passes || shows_need);
        if (!sieve_needs_any(sieve))
            continue;
        sieve_free(sieve); /* what it has learnt must not help the next one */
        sieve = sieve_new(is_sip_port);
    }
    sieve_free(sieve);
}

static size_t samples(struct packet *out)
{
    const struct packet segments[] = {web(),
                                      sip(),
                                      tcp(CLIENT, ODD, client_hello("sip/2")),
                                      tcp(CLIENT, ODD, client_hello("h2")),
                                      tcp(ODD, CLIENT, server_hello(0x003b, 32)),
                                      tcp(ODD, CLIENT, server_hello(0x1301, 32)),
                                      tcp(CLIENT, 6653, holding("x", 1)),
                                      tcp(CLIENT, ODD, holding("... sip/2 ...", 13))};
    const struct packet datagrams[] = {
        udp(16384, 30002, holding("\x80\0\0\0", 4)), udp(53, 30002, holding("\0\1\1\0", 4)),
        udp(443, 30002, holding("\xc0\0\0\1", 4)), udp(4789, 30002, holding("\x88\0\0\0", 4)),
        udp(5060, 5060, holding("INVITE", 6))};
    size_t count = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(segments); i++) {
        out[count++] = ipv4(TCP, segments[i]);
        out[count++] = ipv6(TCP, segments[i]);
        out[count++] = ipv6(0, extended(TCP, 1, segments[i]));
        out[count++] = ipv6(60, extended(TCP, 1, segments[i]));
        out[count++] = ipv6(44, fragment_header(1, segments[i]));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(datagrams); i++) {
        out[count++] = ipv4(UDP, datagrams[i]);
        out[count++] = ipv6(UDP, datagrams[i]);
    }
    return count;
}

enum { MOST_SAMPLES = 64 };

static void test_cut_packets(void)
{
    g_autofree struct packet *packets = g_new(struct packet, MOST_SAMPLES);
    const size_t count = samples(packets);

    g_assert_cmpuint(count, <=, MOST_SAMPLES);
    for (size_t i = 0; i < count; i++) {
        const unsigned type = packets[i].octets[0] == 0x45 ? IPV4 : IPV6;
        const struct packet framings[] = {ethernet(type, packets[i]), ethernet(VLAN, tagged(type, packets[i])),
                                          ethernet(QINQ, tagged(VLAN, tagged(type, packets[i])))};
        for (size_t j = 0; j < G_N_ELEMENTS(framings); j++)
            assert_cut_is_no_worse(LINK_ETHERNET, &framings[j]);
        const struct packet sll = cooked(type, packets[i]), sll2 = cooked_2(type, packets[i]),
                            null = loopback(2, false, packets[i]);
        assert_cut_is_no_worse(LINK_SLL, &sll);
        assert_cut_is_no_worse(LINK_SLL2, &sll2);
        assert_cut_is_no_worse(LINK_LOOPBACK, &null);
        assert_cut_is_no_worse(LINK_IP, &packets[i]);
        assert_cut_is_no_worse(LINK_UNKNOWN, &packets[i]);
    }
}

/* Where a header, or a ClientHello, is not there as a whole, nothing is kept back. */
static void test_cut_headers(void)
{
    const struct packet segment = ethernet(VLAN, tagged(IPV4, ipv4(TCP, web())));
    const struct packet datagram = ethernet(IPV6, ipv6(UDP, udp(53, 30002, holding("\0\1\1\0", 4))));
    const struct packet hello = ethernet(IPV4, ipv4(TCP, tcp(CLIENT, WEB, client_hello("h2"))));

    for (uint32_t captured = 0; captured <= segment.length; captured++) {
        struct sieve *sieve = sieve_new(is_sip_port);
        g_assert_true(passes_cut(sieve, LINK_ETHERNET, &segment, captured) == (captured < 14 + 4 + 20 + 20));
        if (captured <= datagram.length)
            g_assert_true(passes_cut(sieve, LINK_ETHERNET, &datagram, captured) == (captured <= 14 + 40 + 8));
        sieve_free(sieve);
    }
    for (uint32_t captured = 14 + 20 + 20 + 1; captured < hello.length; captured++) {
        struct sieve *sieve = sieve_new(is_sip_port);
        g_assert_true(passes_cut(sieve, LINK_ETHERNET, &hello, captured));
        sieve_free(sieve);
    }
}

static void test_damaged_packets(void)
{
    g_autofree struct packet *packets = g_new(struct packet, MOST_SAMPLES);
    const size_t count = samples(packets);

    for (unsigned run = 0; run < 1000; run++) {
        struct packet packet = packets[run % count];
        for (int i = g_test_rand_int_range(1, 5); i > 0; i--)
            packet.octets[g_test_rand_int_range(0, (int)packet.length)] = (uint8_t)g_test_rand_int_range(0, 256);
        const struct packet frame = ethernet(packets[run % count].octets[0] == 0x45 ? IPV4 : IPV6, packet);
        assert_cut_is_no_worse(LINK_ETHERNET, &frame);
        assert_cut_is_no_worse(LINK_IP, &packet);
        assert_cut_is_no_worse(LINK_LOOPBACK, &packet);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sieve/cut-packets", test_cut_packets);
    g_test_add_func("/sieve/cut-headers", test_cut_headers);
    g_test_add_func("/sieve/damaged-packets", test_damaged_packets);
    return g_test_run();
}
