/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * order.h - the messages that a flight may hold, and the order they may come in
 *
 * Damage can make a CertificateRequest look like another message, or like a part of the one before it. A flight
 * proves that there was none only where each of its messages is one that belongs there, stands in its place
 * (RFC 5246 7.3, RFC 8446 2), comes once and ends where its own contents end.
 *
 * In:  the messages of one side, from its hello on, and the other records between them. Out: in order, or not.
 * No Wireshark header.
 */
#ifndef SIPTLS_ORDER_H
#define SIPTLS_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct message;
struct tls_record;

enum order_flight { SERVER_FLIGHT, SERVER_FLIGHT_13, CLIENT_FLIGHT };

/* One flight; all zero before its hello. */
struct order {
    uint8_t place; /* of the last message */
    bool broken;
};

/* The next message of the flight. */
void order_message(struct order *order, enum order_flight flight, const struct message *message);

/* The next record of the flight: one that holds no handshake messages must be too short to be one of their own. */
void order_record(struct order *order, const struct tls_record *record);

#endif
