/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packets.h"

#include <string.h>

bool is_sip_port(uint16_t port) { return port == SIP; }

/* ---- packets: payload first, then header before header ------------------------------------------ */

struct packet holding(const void *octets, size_t length)
{
    struct packet packet = {.length = (uint32_t)length};

    g_assert_cmpuint(length, <=, sizeof packet.octets);
    memcpy(packet.octets, octets, length);
    return packet;
}

void put16(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Room in front, all zero. */
uint8_t *prepend(struct packet *packet, uint32_t length)
{
    g_assert_cmpuint(packet->length + length, <=, sizeof packet->octets);
    memmove(packet->octets + length, packet->octets, packet->length);
    memset(packet->octets, 0, length);
    packet->length += length;
    return packet->octets;
}

struct packet tcp(unsigned from, unsigned to, struct packet payload)
{
    uint8_t *header = prepend(&payload, 20);

    put16(header, from);
    put16(header + 2, to);
    header[12] = 5 << 4;
    header[13] = 0x18;
    return payload;
}

struct packet udp(unsigned from, unsigned to, struct packet payload)
{
    const uint32_t length = payload.length + 8;
    uint8_t *header = prepend(&payload, 8);

    put16(header, from);
    put16(header + 2, to);
    put16(header + 4, length);
    return payload;
}

/* Between 192.0.2.1, which has the ports from CLIENT on, and 198.51.100.2. */
struct packet ipv4(unsigned protocol, struct packet payload)
{
    static const uint8_t addresses[] = {192, 0, 2, 1, 198, 51, 100, 2};
    const bool is_answer = (payload.octets[0] << 8 | payload.octets[1]) < CLIENT;
    uint8_t *header = prepend(&payload, 20);

    header[0] = 0x45;
    put16(header + 2, payload.length);
    header[8] = 64;
    header[9] = (uint8_t)protocol;
    memcpy(header + 12, addresses + (is_answer ? 4 : 0), 4);
    memcpy(header + 16, addresses + (is_answer ? 0 : 4), 4);
    return payload;
}

struct packet ipv6(unsigned protocol, struct packet payload)
{
    const uint32_t length = payload.length;
    uint8_t *header = prepend(&payload, 40);

    header[0] = 0x60;
    put16(header + 4, length);
    header[6] = (uint8_t)protocol;
    header[7] = 64;
    memcpy(header + 8, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    memcpy(header + 24, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2", 16);
    return payload;
}

/* An extension header of 8 + 8 * more octets. */
struct packet extended(unsigned next, unsigned more, struct packet payload)
{
    uint8_t *header = prepend(&payload, 8 + 8 * more);

    header[0] = (uint8_t)next;
    header[1] = (uint8_t)more;
    return payload;
}

/* A header with the EtherType at `type_at`. */
static struct packet framed(unsigned type, uint32_t type_at, uint32_t length, struct packet payload)
{
    put16(prepend(&payload, length) + type_at, type);
    return payload;
}

struct packet ethernet(unsigned type, struct packet payload) { return framed(type, 12, 14, payload); }
struct packet tagged(unsigned type, struct packet payload) { return framed(type, 2, 4, payload); }
struct packet cooked(unsigned type, struct packet payload) { return framed(type, 14, 16, payload); }
struct packet cooked_2(unsigned type, struct packet payload) { return framed(type, 0, 20, payload); }

struct packet loopback(unsigned family, bool in_network_order, struct packet payload)
{
    prepend(&payload, 4)[in_network_order ? 3 : 0] = (uint8_t)family;
    return payload;
}

static const uint8_t page[] = "\x17\x03\x03\x00\x0f<html></html>\r\n";

struct packet web(void) { return tcp(WEB, CLIENT, holding(page, sizeof page - 1)); }
struct packet sip(void) { return tcp(SIP, CLIENT, holding(page, sizeof page - 1)); }

/* ---- handshake messages ------------------------------------------------------------------------- */

static struct packet in_record(unsigned type, struct packet message)
{
    const uint32_t length = message.length;

    put16(prepend(&message, 4) + 2, length);
    message.octets[0] = (uint8_t)type;
    put16(prepend(&message, 5) + 3, length + 4);
    memcpy(message.octets, "\x16\x03\x01", 3);
    return message;
}

/* `name`: the protocol offered. */
struct packet client_hello(const char *name)
{
    const size_t length = strlen(name);
    struct packet body = {.length = 2 + 32 + 1 + 4 + 2};
    uint8_t *at = body.octets;

    put16(at, 0x0303);
    memset(at + 2, 0xaa, 32);
    put16(at + 35, 2);
    put16(at + 37, 0xc02f);
    at[39] = 1;
    at += body.length;
    put16(at, (unsigned)length + 7 + 4);
    put16(at + 2, 16); /* RFC 7301 3.1 */
    put16(at + 4, (unsigned)length + 3);
    put16(at + 6, (unsigned)length + 1);
    at[8] = (uint8_t)length;
    memcpy(at + 9, name, length);
    memcpy(at + 9 + length, "\xff\x01\x00\x01", 4); /* something behind it */
    body.length += 9 + (uint32_t)length + 4;
    return in_record(1, body);
}

struct packet server_hello(uint16_t suite, uint8_t session_id)
{
    struct packet body = {.length = 2u + 32 + 1 + session_id + 2 + 1};

    put16(body.octets, 0x0303);
    body.octets[34] = session_id;
    put16(body.octets + 35 + session_id, suite);
    return in_record(2, body);
}

/* ---- asking ------------------------------------------------------------------------------------- */

/* Of the first octets, in memory of their own: a sanitizer sees whatever is read behind them. */
bool passes_cut(struct sieve *sieve, enum sieve_link link, const struct packet *packet, uint32_t captured)
{
    g_autofree uint8_t *octets = g_memdup2(packet->octets, MAX(captured, 1));

    return sieve_passes(sieve, link, octets, captured);
}

bool passes(enum sieve_link link, struct packet packet)
{
    struct sieve *sieve = sieve_new(is_sip_port);
    const bool result = passes_cut(sieve, link, &packet, packet.length);

    sieve_free(sieve);
    return result;
}

bool ip_passes(struct packet packet) { return passes(LINK_IP, packet); }

/* As one of two IP versions: both alike. */
bool tcp_passes(struct packet segment)
{
    const bool result = ip_passes(ipv4(TCP, segment));

    g_assert_true(ip_passes(ipv6(TCP, segment)) == result);
    return result;
}

bool udp_passes(unsigned from, unsigned to, uint8_t first)
{
    const uint8_t octets[] = {first, 0x60, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    const struct packet datagram = udp(from, to, holding(octets, sizeof octets));
    const bool result = ip_passes(ipv4(UDP, datagram));

    g_assert_true(ip_passes(ipv6(UDP, datagram)) == result);
    return result;
}

struct packet fragment_header(unsigned field, struct packet payload)
{
    struct packet packet = extended(TCP, 0, payload);

    put16(packet.octets + 2, field);
    return packet;
}
