/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * listing.h - the connections of the open capture, in the order in which TLS was first seen on them
 *
 * In:  the connections that packet-siptls.c queues on its tap. Out: those that carry SIP, once each.
 * Shared by tshark -z siptls,json and siptls-scan, which therefore list the same.
 */
#ifndef SIPTLS_LISTING_H
#define SIPTLS_LISTING_H

#include "facts.h"

struct listing;

/*
 * Starts listening; `filter` (NULL: none) is a display filter. `draw` (NULL: never) is called with
 * the listing when Wireshark wants it shown. NULL: not possible, `error` says why, to be freed.
 */
struct listing *listing_new(const char *filter, void (*draw)(struct listing *), char **error);

/* Calls `each` for every connection with SIP. The facts are only good during the call. */
unsigned listing_each(struct listing *listing, void (*each)(void *data, const struct facts *facts), void *data);

#endif
