/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any packets. The first one alone: a cut packet is not kept back where the whole one passes, unless its later octets
 * show that the flow is needed. All of them, as the packets of a file: the passes over it come to an end, and
 * what once passed passes in all later ones. What is told of a segment lies within the packet. Each packet is in memory
 * of its own size.
 *
 * Input: the link type, where to cut, and packets with two octets of length in front.
 */
#include "fuzz.h"
#include "sieve.h"

#include <string.h>

enum { MOST_PACKETS = 64 };

static bool is_sip_port(uint16_t port) { return port == 5061; }

/* What is dissected instead of the packet is an IP packet. */
static void check_segment(const struct segment *segment, const uint8_t *octets, size_t captured)
{
    REQUIRE(segment->link_octets < captured);
    REQUIRE(octets[segment->link_octets] >> 4 == segment->flow.end[0].version);
    REQUIRE(segment->payload > octets + segment->link_octets);
    REQUIRE(segment->payload + segment->length <= octets + captured);
}

static bool passes(struct sieve *sieve, enum sieve_link link, struct input packet, size_t captured)
{
    uint8_t *octets = malloc(captured);

    REQUIRE(octets);
    if (captured)
        memcpy(octets, packet.at, captured);
    const bool result = sieve_passes(sieve, link, octets, (uint32_t)captured);
    if (sieve_segment(sieve))
        check_segment(sieve_segment(sieve), octets, captured);
    free(octets);
    return result;
}

static void check_cut(enum sieve_link link, struct input packet, size_t captured)
{
    struct sieve *sieve = sieve_new(is_sip_port);
    const bool whole_passes = passes(sieve, link, packet, packet.left);
    const bool shows_need = sieve_needs_any(sieve);

    sieve_free(sieve);
    sieve = sieve_new(is_sip_port);
    REQUIRE(passes(sieve, link, packet, captured) || !whole_passes || shows_need);
    sieve_free(sieve);
}

static void check_passes(enum sieve_link link, const struct input *packets, unsigned count)
{
    struct sieve *sieve = sieve_new(is_sip_port);
    bool passed[MOST_PACKETS] = {false};
    unsigned pass = 0;

    do {
        REQUIRE(pass++ <= count + 1);
        for (unsigned i = 0; i < count; i++) {
            const bool now = passes(sieve, link, packets[i], packets[i].left);
            REQUIRE(now || !passed[i]);
            passed[i] = now;
        }
    } while (sieve_kept_back_too_much(sieve));
    sieve_need_all_tcp(sieve);
    for (unsigned i = 0; i < count; i++)
        REQUIRE(passes(sieve, link, packets[i], packets[i].left) || !passed[i]);
    sieve_free(sieve);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size}, packets[MOST_PACKETS];
    const enum sieve_link link = take_of(&in, LINK_LOOPBACK + 1);
    const uint16_t cut = take16(&in);
    unsigned count = 0;

    while (in.left > 0 && count < MOST_PACKETS) {
        const uint16_t length = take16(&in);
        packets[count++] = take_octets(&in, length);
    }
    if (count == 0)
        return 0;
    check_cut(link, packets[0], cut % (packets[0].left + 1));
    check_passes(link, packets, count);
    return 0;
}
