/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names.h - the spelling of every word the project says
 *
 * In:  the enumerations of facts.h, TLS code points. Out: static strings, never freed.
 * A value outside its enumeration gives NULL. No Wireshark header.
 */
#ifndef SIPTLS_NAMES_H
#define SIPTLS_NAMES_H

#include "facts.h"

const char *client_auth_name(enum client_auth value);
const char *client_cert_name(enum client_cert value);
const char *client_auth_eku_name(enum client_auth_eku value);
const char *outcome_name(enum outcome value);
const char *side_name(enum side value); /* SIDE_NONE: NULL */
const char *yes_no_unknown(enum tristate value);
const char *evidence_name(enum evidence value);
const char *impact_name(enum impact value);
const char *reason_name(enum reason value); /* REASON_NONE: NULL */
const char *sip_by_name(enum sip_by value); /* SIP_NO: NULL */
const char *role_from_name(enum role_from value);
const char *caveat_name(enum caveat value);

/* "1.2" for 0x0303, "ssl3" for 0x0300; NULL for anything else. */
const char *tls_version_name(uint16_t version);

/* AlertDescription in the RFCs' snake case ("unknown_ca"); NULL when unassigned. */
const char *alert_name(int code);

/* The letter of a handshake message in Zeek's ssl_history (upper case: sent by the client). */
char history_letter(unsigned handshake_type);

/*
 * The other way round, for reading records back: the value of a word, or -1.
 */
int client_auth_value(const char *word);
int client_cert_value(const char *word);
int client_auth_eku_value(const char *word);
int outcome_value(const char *word);
int side_value(const char *word);
int yes_no_unknown_value(const char *word);
int evidence_value(const char *word);
int impact_value(const char *word);
int reason_value(const char *word);
int sip_by_value(const char *word);

/*
 * Cipher suites that let no server ask for a client certificate (anonymous, PSK, SRP, Kerberos,
 * passwords: RFC 5246 7.4.4 "a non-anonymous server can", RFC 4279 2, RFC 5054 2, RFC 2712 3),
 * by the IANA name. NULL and unknown names: true, because nothing can be promised of them.
 */
bool suite_cannot_ask(const char *iana_name);

#endif
