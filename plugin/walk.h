/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * walk.h - the walk through the items that the TLS dissector made of one frame; observe.c's and messages.c's
 *
 * A field of Wireshark's that is wanted has a visitor, which takes what the item says into the observation.
 */
#ifndef SIPTLS_WALK_H
#define SIPTLS_WALK_H

#include "connection.h"
#include "ws-compat.h"

/* Where we are in the walk through the items of one TLS layer. */
struct walk {
    struct observation *observation;
    struct tls_record *record; /* the current one: NULL before the first */
    struct message *message;   /* the current one: NULL outside */
    tvbuff_t *record_tvb;      /* where the record's header was read from */
    tvbuff_t *message_tvb;     /* where the message's body is, and its end there */
    int message_end;
    field_info *handshake_item; /* the last one of the current record */
    bool has_opaque_type, has_content_type, has_handshake_item;
};

struct wanted {
    const char *name;                                    /* of Wireshark's field */
    void (*visit)(struct walk *walk, field_info *field); /* NULL: it is asked for elsewhere */
};

/* The fields of handshake messages, which are inside a record. They end with a name that is NULL. */
extern const struct wanted wanted_in_messages[];

/* Octets of an item, or NULL when they are not all there. */
const uint8_t *walk_octets(const field_info *field, unsigned length);

/* A big-endian number of 1 to 3 octets at `*at`, which moves on; false at the end of the tvb. */
bool walk_take(tvbuff_t *tvb, int *at, int size, uint32_t *value);

#endif
