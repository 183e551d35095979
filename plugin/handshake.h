/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handshake.h - the messages of a handshake -> the state of their connection; connection.c's
 *
 * Plain C on GLib.
 */
#ifndef SIPTLS_HANDSHAKE_H
#define SIPTLS_HANDSHAKE_H

#include "connection-state.h"

/* Takes in the next message of the record. Returns its events (enum connection_event). */
unsigned handshake_message(struct connection *connection, const struct observation *observation,
                           const struct tls_record *record, const struct message *message);

/* The sender's Finished, read or known by its place. */
void handshake_finished(struct connection *connection, const struct observation *observation);

/* The sender's hello was seen, and the message that ends its flight was not. */
bool handshake_flight_is_open(const struct connection *connection, unsigned from);

/* Frees what they hold. */
void handshake_reset(struct handshake *handshake);
void chain_clear(struct chain *chain);

/* A letter of facts.history; data that follows data adds nothing. */
void connection_add_history(struct connection *connection, unsigned from, char letter);

#endif
