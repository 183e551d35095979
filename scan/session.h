/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * session.h - one capture's state in libwireshark, and the dissection of its packets one by one
 *
 * There is one session at a time in a process. As tshark does in one pass.
 */
#ifndef SIPTLS_SESSION_H
#define SIPTLS_SESSION_H

#include "ws-compat.h"

struct session;

/* Begins the next session in advance: a process that forks pays for it once. */
void session_make_ready(void);

/* Ends the one before. */
struct session *session_begin(void);

/* Gives back what the session holds, if there is one. */
void session_end(void);

/* `frame`: its number, larger than that of the packet before. */
void session_dissect(struct session *session, wtap *file, struct ws_record *record, uint32_t frame, int64_t offset);

/* How many were begun in this process. */
unsigned sessions_begun(void);

#endif
