/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packets.h - packets for the tests of the sieve: payload first, then header before header; and what the sieve says
 */
#ifndef SIPTLS_TESTS_PACKETS_H
#define SIPTLS_TESTS_PACKETS_H

#include "sieve.h"

enum { SIP = 5061, WEB = 443, CLIENT = 40000, ODD = 10443 };
enum { TCP = 6, UDP = 17 };
enum { IPV4 = 0x0800, IPV6 = 0x86dd, VLAN = 0x8100, QINQ = 0x88a8, OLD_QINQ = 0x9100, MPLS = 0x8847 };

struct packet {
    uint8_t octets[4096];
    uint32_t length;
};

bool is_sip_port(uint16_t port); /* of SIP */

/* Big-endian; room for `length` octets in front of a packet, all 0. */
void put16(uint8_t *at, unsigned value);
uint8_t *prepend(struct packet *packet, uint32_t length);

struct packet holding(const void *octets, size_t length);
struct packet tcp(unsigned from, unsigned to, struct packet payload);
struct packet udp(unsigned from, unsigned to, struct packet payload);
struct packet ipv4(unsigned protocol, struct packet payload);
struct packet ipv6(unsigned protocol, struct packet payload);
struct packet fragment_header(unsigned field, struct packet payload);
struct packet extended(unsigned next, unsigned more, struct packet payload);
struct packet ethernet(unsigned type, struct packet payload);
struct packet tagged(unsigned type, struct packet payload);
struct packet cooked(unsigned type, struct packet payload);
struct packet cooked_2(unsigned type, struct packet payload);
struct packet loopback(unsigned family, bool in_network_order, struct packet payload);
struct packet web(void);
struct packet sip(void);
struct packet client_hello(const char *name);
struct packet server_hello(uint16_t suite, uint8_t session_id);

/* Of the first octets, in memory of their own: a sanitizer sees whatever is read behind them. */
bool passes_cut(struct sieve *sieve, enum sieve_link link, const struct packet *packet, uint32_t captured);
bool passes(enum sieve_link link, struct packet packet);
bool ip_passes(struct packet packet);
/* As one of two IP versions: both alike. */
bool tcp_passes(struct packet segment);
bool udp_passes(unsigned from, unsigned to, uint8_t first);

#endif
