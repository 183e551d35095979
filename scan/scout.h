/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scout.h - reads a plain capture ahead of the dissector, in a thread of its own, and hands over what the sieve lets
 * pass
 *
 * In:  a plain capture and a sieve, which are the scout's until its end. Out: the packets that passed, in order.
 *
 * Most of a large capture is only looked at, and what is looked at is not dissected: the two go on at the same time. A
 * sieve learns nothing from what was dissected before the end of a pass, so it makes no difference how far ahead it is.
 */
#ifndef SIPTLS_SCOUT_H
#define SIPTLS_SCOUT_H

#include "plain-capture.h"
#include "sieve.h"

struct scout;

/* A packet that passed. */
struct scouted {
    struct plain_packet packet;
    struct segment segment;
    bool has_segment; /* see sieve_segment() */
    uint32_t frame;
};

/* `first`: the number of the capture's first packet. NULL: no thread could be made. */
struct scout *scout_begin(struct plain_capture *capture, struct sieve *sieve, uint32_t first);

/* The next one, good until the next call; NULL: there is none. */
const struct scouted *scout_next(struct scout *scout);

/*
 * Ends the reading, at the end of the capture or before. Returns how it went, and in `*frames` the number of the last
 * packet that was looked at, which at the end of the capture is all of them.
 */
enum plain_next scout_end(struct scout *scout, uint32_t *frames);

#endif
