/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sessions.h - which handshake of the capture created a TLS session that is resumed later
 *
 * TLS <= 1.2 shows in the clear what a session is resumed by: the session id (RFC 5246 7.4.1.2), or the
 * ticket (RFC 5077 3.2, 3.3). What a server gave is remembered by that server's address and port.
 * Plain C on GLib, no Wireshark header.
 */
#ifndef SIPTLS_SESSIONS_H
#define SIPTLS_SESSIONS_H

#include <glib.h>
#include <stdint.h>

enum session_by { SESSION_BY_ID, SESSION_BY_TICKET };

struct connection;
struct sessions;

struct sessions *sessions_new(void);
void sessions_free(struct sessions *sessions);

/* The server gave this id or ticket in a full handshake of `original`, which must outlive the sessions. */
void sessions_add(struct sessions *sessions, enum session_by by, const char *server_ip, uint16_t server_port,
                  GBytes *name, struct connection *original);

/* The connection that this server gave it to; NULL: not in the capture. */
struct connection *sessions_find(const struct sessions *sessions, enum session_by by, const char *server_ip,
                                 uint16_t server_port, GBytes *name);

#endif
