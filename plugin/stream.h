/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream.h - what of one direction of a TCP connection was captured, and what of it was dissected
 *
 * The proof behind `not_requested`. Two equalities must hold over the place where a
 * CertificateRequest could stand:
 *   1. the TLS records dissected so far fill exactly the TCP bytes captured so far, without a hole
 *      (5 octets of header and the length of each record: RFC 8446 5.1);
 *   2. the handshake messages dissected so far fill exactly the handshake records
 *      (4 octets of header and the length of each message: RFC 8446 4).
 * Wireshark's own analysis flags are never asked: they depend on preferences.
 *
 * In:  TCP sequence numbers and lengths from the headers, record and message lengths.
 * Out: covered or not, and why not. No Wireshark header.
 */
#ifndef SIPTLS_STREAM_H
#define SIPTLS_STREAM_H

#include "facts.h"

#define STREAM_RANGES 32        /* holes remembered; a stream with more counts as having lost bytes */
#define STREAM_FAR    (1 << 20) /* octets; no handshake is this long, and nothing is repeated that late */

struct stream {
    bool based;     /* `base` is known */
    bool synced;    /* and it comes from the SYN */
    bool truncated; /* a segment was cut by the snapshot length */
    bool lost;      /* bytes lie outside what can be remembered */
    uint32_t base;  /* sequence number of the first payload octet */
    unsigned count; /* of ranges, ascending, disjoint, relative to base */
    struct {
        uint32_t start, end;
    } range[STREAM_RANGES];

    uint32_t record_octets;    /* dissected records with their headers */
    uint32_t handshake_octets; /* content of readable handshake records */
    uint32_t message_octets;   /* dissected handshake messages with their headers */
    bool records_started;

    bool has_fin;
    uint32_t fin; /* sequence number behind it */
};

/* The SYN was seen: its payload starts at `sequence` + 1. A second, different one gives false. */
bool stream_syn(struct stream *stream, uint32_t sequence);

/*
 * A data segment was seen. Returns true when any of its octets is new (false: a retransmission or
 * a mirror's copy). `truncated`: not all of it is in the file; then nothing of it counts as captured.
 */
bool stream_segment(struct stream *stream, uint32_t sequence, uint32_t length, bool truncated);

/*
 * The records that a segment completed begin right at this segment, though undissected octets
 * precede it (a PROXY header, say): the stream is counted from here. Only before the first record.
 */
void stream_restart(struct stream *stream, uint32_t sequence);

/* A FIN was seen; `sequence`: behind it, RFC 9293 3.4. Only the first one counts. */
void stream_fin(struct stream *stream, uint32_t sequence);

/*
 * Is a data segment of another TCP connection: far from everything that this stream has sent, or behind its FIN?
 * `may_miss`: much of this one's may be missing in the capture, so that it goes on far ahead.
 */
bool stream_is_foreign(const struct stream *stream, uint32_t sequence, bool may_miss);

/* No hole from the base to the last octet captured, and all of it in the file. */
bool stream_contiguous(const struct stream *stream);

/* Without a hole, and yet there are octets that are in no dissected record, or not yet. */
bool stream_is_undissected(const struct stream *stream);

/* Both equalities hold right now. */
bool stream_covered(const struct stream *stream);

/* Was the octet at `sequence` captured? */
bool stream_has(const struct stream *stream, uint32_t sequence);

/* Number of octets up to the last one captured, holes included. */
uint32_t stream_end(const struct stream *stream);

/* Octets from the end of what was captured to `sequence`; negative before it. 0 when nothing is known yet. */
int64_t stream_beyond(const struct stream *stream, uint32_t sequence);

/* Has the peer acknowledged octets that were not captured? */
bool stream_acked_beyond(const struct stream *stream, uint32_t acknowledgement);

/* Why this stream is not covered: truncated_packets, capture_gap or not_dissected. */
enum reason stream_why_uncovered(const struct stream *stream);

#endif
