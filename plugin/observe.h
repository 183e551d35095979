/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * observe.h - Wireshark's tree of one frame -> an observation of one TCP segment
 *
 * In:  the protocol tree after the TLS dissector has filled it, primed with the fields of
 *      observe_wanted_fields(). Out: struct observation (connection.h) and the two addresses.
 * The TLS dissector did the parsing: which octets are a record, a message, an extension, what they
 * decrypt to. Read here are only the fixed beginnings of what it found, record header and hello, for
 * every field that is wanted costs every frame of a capture, TLS or not; and the list inside a
 * CompressedCertificate that Wireshark leaves compressed.
 */
#ifndef SIPTLS_OBSERVE_H
#define SIPTLS_OBSERVE_H

#include "connection.h"
#include "ws-compat.h"

/* Looks the fields up by name; NULL, or the name of one that this Wireshark does not have. */
const char *observe_init(void);

/* The ids to want, a new array for set_postdissector_wanted_hfids(). */
GArray *observe_wanted_fields(void);

struct segment_ends {
    uint32_t stream; /* tcp.stream */
    uint16_t source_port, destination_port;
};

/*
 * Fills `observation` (initialised by the caller, reset here) from the frame's tree. Returns false
 * when the frame holds no TCP segment. `from` is left 0: who is who is the caller's to know.
 */
bool observe_frame(packet_info *pinfo, proto_tree *tree, struct observation *observation, struct segment_ends *ends);

#endif
