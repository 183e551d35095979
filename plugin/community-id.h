/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * community-id.h - Community ID flow hash, version 1, seed 0, of a TCP connection
 *
 * The string by which Zeek, Suricata and others name the same flow. No Wireshark header.
 */
#ifndef SIPTLS_COMMUNITY_ID_H
#define SIPTLS_COMMUNITY_ID_H

#include <stddef.h>
#include <stdint.h>

/*
 * Writes "1:<base64 of SHA-1>" (31 characters) to `text`, of `size` octets; an empty string when an
 * address is not one.
 */
void community_id(const char *address1, uint16_t port1, const char *address2, uint16_t port2, char *text, size_t size);

#endif
