/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tails.h - what follows a TLS handshake without keys: only the headers of records matter
 *
 * In:  the segments of connections whose handshake is over (connection.h: connection_needs_headers_only).
 * Out: the observations that the TLS dissector would have led to, given to the connection at once.
 *
 * A SIP trunk lives for days, and a handshake for milliseconds: so most packets are never dissected. What the
 * dissector was not shown it cannot put in order later. Whenever something is not as expected, a gap, a
 * retransmission that is not a mere repetition, a record of another kind, the connection is lost here, and the
 * file is read once more with all of it dissected. So the result is that of dissecting everything.
 */
#ifndef SIPTLS_TAILS_H
#define SIPTLS_TAILS_H

#include "connection.h"
#include "sieve.h"

struct tails;

struct tails *tails_new(void);
void tails_free(struct tails *tails);

/* Keys came up, or the packets cannot be read again: everything is dissected from now on. */
void tails_disable(struct tails *tails);

/*
 * Takes in a segment in place of the dissector; false: it is to be dissected. `segment` NULL: of the packet
 * too little is known.
 */
bool tails_take(struct tails *tails, const struct segment *segment, uint32_t frame, struct timestamp time);

/* To be called after a packet was dissected: of this connection (NULL: none), with this segment (NULL: unknown). */
void tails_dissected(struct tails *tails, struct connection *connection, const struct segment *segment);

/* Whether a connection was lost in this pass over the file: it must be read again. Forgets this pass. */
bool tails_lost(struct tails *tails);

#endif
