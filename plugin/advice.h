/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advice.h - what to do about a verdict, in words
 *
 * In:  impact and reason of a connection or endpoint, whose box the server is. Out: a sentence.
 * No Wireshark header.
 */
#ifndef SIPTLS_ADVICE_H
#define SIPTLS_ADVICE_H

#include "facts.h"

/* Whose box the TLS server is: decides what can be done about its request. */
enum owner { OWNER_UNKNOWN, OWNER_OWN, OWNER_THEIRS };

/* What was found, as a clause without a full stop: "the server did not ask for a client certificate". */
const char *reason_text(enum reason reason);

/*
 * What to do, one sentence; `server` ("192.0.2.1:5061") is named in it. Never NULL; an empty string
 * for an unaffected one. The caller frees it.
 */
char *advice_text(enum impact impact, enum reason reason, enum owner owner, const char *server);

#endif
