/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain-capture.h - the packets of an uncompressed pcap or pcapng file
 *
 * For the common case only, and so that looking at a packet costs little: pcap in either byte order, in micro-
 * or nanoseconds, pcapng with one section whose interfaces stand at its beginning and options that say nothing of the
 * packets; and links of which Wireshark needs to know nothing more than the octets. Anything else, and any damage, is
 * for libwiretap to read from the beginning, and to name. draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */
#ifndef SIPTLS_PLAIN_CAPTURE_H
#define SIPTLS_PLAIN_CAPTURE_H

#include "sieve.h"
#include "ws-compat.h"

struct plain_packet {
    const uint8_t *octets; /* good until the next one */
    uint32_t captured, length;
    uint32_t interface; /* pcapng */
    int encapsulation;  /* WTAP_ENCAP_... */
    nstime_t time;
    int64_t offset; /* of its record in the file */
};

enum sieve_link plain_packet_link(const struct plain_packet *packet);

struct plain_capture;

/* Whether the file is of a type that is read here, as libwiretap sees it. */
bool plain_capture_is_of(wtap *file);

/* NULL: not one of these. */
struct plain_capture *plain_capture_open(const char *path);
void plain_capture_close(struct plain_capture *capture);

enum plain_next { PLAIN_PACKET, PLAIN_END, PLAIN_ODD /* libwiretap must read it, from the beginning */ };

enum plain_next plain_capture_next(struct plain_capture *capture, struct plain_packet *packet);

/* Octets of the file. */
int64_t plain_capture_size(const struct plain_capture *capture);

/* Makes of a packet what libwiretap would have made of it. */
void plain_capture_record(const struct plain_capture *capture, const struct plain_packet *packet,
                          struct ws_record *record);

#endif
