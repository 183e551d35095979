/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verdict.h - what losing the clientAuth EKU does to a connection
 *
 * The one table that decides. In: the facts of a connection. Out: impact and reason.
 * No Wireshark header.
 */
#ifndef SIPTLS_VERDICT_H
#define SIPTLS_VERDICT_H

#include "facts.h"

/*
 * Judges `facts` and sets its impact and reason: the first row of the table that fits. When
 * client_auth is unknown the reason is facts->unknown_because; "not requested" without evidence
 * counts as unknown (conflicting_evidence). Reads client_auth, evidence, client_cert,
 * client_eku, client_chain_excludes, outcome, rejected_by, alert, client_data, server_data,
 * closed_first and unknown_because; touches nothing else and cannot fail.
 */
void verdict_decide(struct facts *facts);

/*
 * True when no later packet of an undisturbed connection would change the verdict: the handshake
 * has ended and, where the verdict hangs on it, the server has answered or closed.
 * `closed`: the TCP connection has ended.
 */
bool verdict_is_final(const struct facts *facts, bool closed);

#endif
