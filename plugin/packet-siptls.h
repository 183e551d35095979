/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet-siptls.h - the post-dissector: what plugin.c registers and what the statistics read
 */
#ifndef SIPTLS_PACKET_SIPTLS_H
#define SIPTLS_PACKET_SIPTLS_H

#include "advice.h"
#include "connection.h"

void proto_register_siptls(void);
void proto_reg_handoff_siptls(void);

/* The tap's name; its packets carry a struct connection *, to be read on the spot or at draw time. */
#define SIPTLS_TAP "siptls"

/* For a host that looks at the tap and at no frame: nothing is kept for showing. */
void siptls_show_nothing(void);

/* Frames of the open capture seen so far. */
uint64_t siptls_frames(void);

/* The connection of the frame that was dissected last; NULL: it was of none. */
struct connection *siptls_latest_connection(void);

/* Whether the connections to this server port are SIP, by siptls.ports, sip.tls.port or Decode As. */
bool siptls_is_sip_port(uint16_t port);

/* Whose box a server is, by the preference siptls.own_networks. */
enum owner siptls_owner(const char *server_ip);

/*
 * A number that changes whenever the state of the last capture is freed: pointers to connections
 * kept under another number are dead.
 */
unsigned siptls_generation(void);

/* "192.0.2.1:5061", "[2001:db8::1]:5061"; the caller frees it. */
char *siptls_socket_text(const char *ip, uint16_t port);

#endif
