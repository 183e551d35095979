/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flight-oracle.h - which flights can lengths of encrypted TLS 1.3 records come from?
 *
 * In:  octets of content and padding, record for record. Out: whether a peer that asked, or was asked, can have
 * sent them, or one that did not. It knows the messages and the paddings only, not the rules of inference.c.
 */
#ifndef SIPTLS_FLIGHT_ORACLE_H
#define SIPTLS_FLIGHT_ORACLE_H

#include <stdbool.h>

/*
 * A client that was asked, or was not, and what it sends behind its flight: unpadded, with 16 octets on each record, or
 * with each record a multiple of some block. `count` > 0; `finished`: octets of a Finished.
 */
bool flight_producible_by_client(const unsigned *z, unsigned count, unsigned finished, bool asked);

/*
 * A server that asks (each message apart, or the first two together), or does not, with `constant` octets on each
 * record or, `block` not 0, each a multiple of it.
 */
bool flight_producible_by_server(const unsigned *z, unsigned count, unsigned finished, bool asks, unsigned constant,
                                 unsigned block);

#endif
