/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listing.h"

#include "packet-siptls.h"
#include "ws-compat.h"

#include <epan/tap.h>

struct listing {
    GHashTable *seen; /* a set of struct connection * */
    GPtrArray *in_order;
    unsigned generation;
    void (*draw)(struct listing *);
};

static void listing_reset(void *data)
{
    struct listing *listing = data;

    g_hash_table_remove_all(listing->seen);
    g_ptr_array_set_size(listing->in_order, 0);
}

static tap_packet_status listing_packet(void *data, packet_info *pinfo _U_, epan_dissect_t *edt _U_, const void *tapped,
                                        tap_flags_t flags _U_)
{
    struct listing *listing = data;

    if (listing->generation != siptls_generation())
        listing_reset(listing);
    listing->generation = siptls_generation();
    if (g_hash_table_add(listing->seen, (void *)(uintptr_t)tapped))
        g_ptr_array_add(listing->in_order, (void *)(uintptr_t)tapped);
    return TAP_PACKET_DONT_REDRAW;
}

static void listing_draw(void *data)
{
    struct listing *listing = data;

    if (listing->draw)
        listing->draw(listing);
}

static void listing_finish(void *data)
{
    struct listing *listing = data;

    g_hash_table_unref(listing->seen);
    g_ptr_array_unref(listing->in_order);
    g_free(listing);
}

struct listing *listing_new(const char *filter, void (*draw)(struct listing *), char **error)
{
    struct listing *listing = g_new0(struct listing, 1);

    listing->seen = g_hash_table_new(g_direct_hash, g_direct_equal);
    listing->in_order = g_ptr_array_new();
    listing->draw = draw;
    GString *why = register_tap_listener(SIPTLS_TAP, listing, filter, 0, listing_reset, listing_packet, listing_draw,
                                         listing_finish);
    if (!why)
        return listing;
    *error = g_string_free(why, FALSE);
    return NULL;
}

unsigned listing_each(struct listing *listing, void (*each)(void *data, const struct facts *facts), void *data)
{
    unsigned count = 0;

    for (unsigned i = 0; listing->generation == siptls_generation() && i < listing->in_order->len; i++) {
        struct connection *connection = g_ptr_array_index(listing->in_order, i);
        struct facts facts;
        if (connection_sip(connection) == SIP_NO)
            continue;
        connection_facts(connection, &facts);
        each(data, &facts);
        count++;
    }
    return count;
}
