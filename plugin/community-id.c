/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "community-id.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#define TCP 6

struct flow_end {
    uint8_t address[16]; /* network byte order */
    size_t size;         /* of the address in octets; 0: none */
    uint8_t port[2];
};

static int compare(const struct flow_end *a, const struct flow_end *b)
{
    int order = memcmp(a->address, b->address, MIN(a->size, b->size));

    return order ? order : memcmp(a->port, b->port, sizeof a->port);
}

static struct flow_end flow_end(const char *address, uint16_t port)
{
    struct flow_end end = {.port = {(uint8_t)(port >> 8), (uint8_t)port}};

    if (inet_pton(AF_INET, address, end.address) == 1)
        end.size = 4;
    else if (inet_pton(AF_INET6, address, end.address) == 1)
        end.size = 16;
    return end;
}

void community_id(const char *address1, uint16_t port1, const char *address2, uint16_t port2, char *text, size_t size)
{
    struct flow_end ends[2] = {flow_end(address1, port1), flow_end(address2, port2)};

    text[0] = '\0';
    if (ends[0].size && ends[1].size) {
        const int first = compare(&ends[0], &ends[1]) <= 0 ? 0 : 1;
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
        uint8_t digest[20];
        gsize digest_size = sizeof digest;

        g_checksum_update(sum, (const uint8_t[]){0, 0}, 2); /* seed */
        for (int i = 0; i < 2; i++)
            g_checksum_update(sum, ends[first ^ i].address, (gssize)ends[first ^ i].size);
        g_checksum_update(sum, (const uint8_t[]){TCP, 0}, 2);
        for (int i = 0; i < 2; i++)
            g_checksum_update(sum, ends[first ^ i].port, 2);
        g_checksum_get_digest(sum, digest, &digest_size);
        g_autofree char *base64 = g_base64_encode(digest, digest_size);
        snprintf(text, size, "1:%s", base64);
    }
}
