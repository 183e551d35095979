/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * play.h - connections as scripts, for the tests of connection.c and conclusion.c
 *
 * A connection is written as a script, one line a TCP segment. `>` is from the client, `<` from
 * the server, and then words, one a TLS record; `+` joins handshake messages in one record:
 *
 *     ch[:...] sh[:...] cert cert:empty cr shd cke fin nst  handshake messages (hello options: see hello_option)
 *     cr:names (with a name), cke:VERSION (of its record), type:N (any other one), cert! (one that does not fill its
 *     length)
 *     ccs, efin (an encrypted handshake record), data, sip, hidden:N (octets), alert:N, warning:N, ealert,
 *     record:N (of a content type); with `/` behind it, a record that was encrypted and is decrypted
 *     SYN FIN RST  flags, NOACK: without that one; junk:N  octets that are no record, in front of those that are
 *
 * In front of it, `-` loses the segment, `~` cuts it (snapshot length), `?` leaves it undissected.
 *
 * In:  a script. Out: a connection that observed it.
 */
#ifndef SIPTLS_PLAY_H
#define SIPTLS_PLAY_H

#include "connection.h"

#define MOST_SEGMENTS 24

struct play {
    struct connection *connection;
    uint32_t sequence[2]; /* by side: client, server */
    uint32_t frame;
    uint32_t unacknowledged; /* octets that the other side sent and the next segment does not acknowledge */
    GBytes *leaf;            /* DER: what the next Certificate holds; NULL: no certificate at all */
    bool tls13;
    unsigned events;
};

enum fate { SEEN, LOST, CUT, UNDISSECTED };

/* A new connection, or the end of one. */
void play_begin(struct play *play);
void play_end(struct play *play);

/* Plays one segment; `worse` is what happens to it beyond what the script says. */
void play_segment(struct play *play, const char *line, enum fate worse);

/* Begins, and plays all of it. */
void play_script(struct play *play, const char *script);

/* The same, with sessions that it remembers and finds; NULL: none. */
void play_script_with(struct play *play, struct sessions *sessions, const char *script);

/* The segments of a script and their number, to be freed by g_strfreev(). */
unsigned play_lines(const char *script, char ***lines);

#endif
