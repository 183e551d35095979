/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flight-oracle.h"

static bool signature(unsigned octets)
{
    return octets == 72 || (octets >= 76 && octets <= 80) || (octets >= 108 && octets <= 112) || octets == 122 ||
           (octets >= 141 && octets <= 147) || (octets >= 136 && (octets - 8) % 64 == 0 && octets <= 1032);
}

/* Can a record of z octets carry exactly `content`? */
static bool carries(unsigned z, unsigned content, unsigned constant, unsigned block)
{
    return block ? z >= content && z - content < block && (z + 1) % block == 0 : z == content + constant;
}

/* Can it carry a CertificateVerify and `more` octets? */
static bool carries_verify(unsigned z, unsigned more, unsigned constant, unsigned block)
{
    const unsigned padding = block ? block : constant + 1; /* more than there can be */

    for (unsigned content = z >= padding + more ? z - padding : more; content <= z; content++)
        if (carries(z, content, constant, block) && signature(content - more))
            return true;
    return false;
}

/* Can the records be the flight of a client that was not asked, or was (asked), and what it sends behind it? */
static bool producible(const unsigned *z, unsigned count, unsigned finished, bool asked, unsigned constant,
                       unsigned block)
{
    const unsigned pad = block ? 0 : constant;

    for (unsigned i = 0; block && i < count; i++)
        if ((z[i] + 1) % block)
            return false;
    if (!asked)
        return carries(z[0], finished, constant, block);
    if (carries(z[0], 8 + finished, constant, block))
        return true;
    if (carries(z[0], 8, constant, block) && count > 1 && carries(z[1], finished, constant, block))
        return true;
    if (z[0] < 57 + pad)
        return false;
    if (z[0] >= 57 + 72 + finished + pad) /* all in one */
        return true;
    if (count > 1 && carries(z[1], finished, constant, block) && z[0] >= 57 + 72 + pad)
        return true;
    if (count > 1 && carries_verify(z[1], finished, constant, block))
        return true;
    return count > 2 && carries_verify(z[1], 0, constant, block) && carries(z[2], finished, constant, block);
}

bool flight_producible_by_client(const unsigned *z, unsigned count, unsigned finished, bool asked)
{
    if (producible(z, count, finished, asked, 0, 0) || producible(z, count, finished, asked, 16, 0))
        return true;
    for (unsigned block = 16; block <= z[0] + 1; block++)
        if ((z[0] + 1) % block == 0 && producible(z, count, finished, asked, 0, block))
            return true;
    return false;
}

bool flight_producible_by_server(const unsigned *z, unsigned count, unsigned finished, bool asks, unsigned constant,
                                 unsigned block)
{
    const unsigned pad = block ? 0 : constant, apart = asks ? 5 : 4;

    if (count >= 4 && asks && z[0] >= 6 + 15 + pad && z[0] <= 131 + 400 + pad && z[1] >= 132 + pad &&
        carries_verify(z[2], 0, constant, block) && carries(z[3], finished, constant, block))
        return true;
    if (count < apart || z[0] < 6 + pad || z[apart - 3] < 132 + pad || (asks && z[1] < 15 + pad))
        return false;
    return carries_verify(z[apart - 2], 0, constant, block) && carries(z[apart - 1], finished, constant, block);
}
