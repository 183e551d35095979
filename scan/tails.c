/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tails.h"

#include "stream.h"

#include <string.h>

enum {
    RECORD_HEADER = 5,
    LONGEST_RECORD = (1 << 14) + 2048, /* RFC 5246 6.2.3; RFC 8446 5.2 has less */
    PLAIN_ALERT = 2,                   /* octets */
};

/* One side of a connection. */
struct half {
    uint32_t next; /* sequence number that is expected */
    uint32_t left; /* octets of the record under way that are still to come, its header included */
    uint8_t header[RECORD_HEADER];
    unsigned has_header; /* octets of it that are there */
};

struct tail {
    struct connection *connection;
    unsigned first;      /* the end of the flow that is side 0 of the connection */
    struct half half[2]; /* by side */
};

struct tails {
    GHashTable *by_flow;       /* struct flow * -> struct tail * */
    GHashTable *by_connection; /* struct connection * -> struct flow * */
    GHashTable *dissected;     /* a set of struct flow *: lost in an earlier pass */
    struct observation observation;
    bool is_off, has_taken, has_lost;
};

struct tails *tails_new(void)
{
    struct tails *tails = g_new0(struct tails, 1);

    tails->by_flow = g_hash_table_new_full(flow_hash, flows_equal, g_free, g_free);
    tails->by_connection = g_hash_table_new(g_direct_hash, g_direct_equal);
    tails->dissected = g_hash_table_new_full(flow_hash, flows_equal, g_free, NULL);
    observation_init(&tails->observation);
    return tails;
}

void tails_free(struct tails *tails)
{
    g_hash_table_unref(tails->by_connection);
    g_hash_table_unref(tails->by_flow);
    g_hash_table_unref(tails->dissected);
    observation_clear(&tails->observation);
    g_free(tails);
}

void tails_disable(struct tails *tails)
{
    tails->has_lost = tails->has_lost || tails->has_taken;
    tails->is_off = true;
}

bool tails_lost(struct tails *tails)
{
    const bool has_lost = tails->has_lost;

    g_hash_table_remove_all(tails->by_connection);
    g_hash_table_remove_all(tails->by_flow);
    tails->has_lost = tails->has_taken = false;
    return has_lost;
}

static void lose(struct tails *tails, const struct flow *flow)
{
    g_hash_table_add(tails->dissected, g_memdup2(flow, sizeof *flow));
    tails->has_lost = true;
}

void tails_leave(struct tails *tails, const struct flow *flow)
{
    if (g_hash_table_contains(tails->by_flow, flow))
        lose(tails, flow);
}

/* ---- segments ---------------------------------------------------------------------------------- */

/* TLS <= 1.2: application data and encrypted alerts; TLS 1.3 looks like application data, whatever it is (RFC
 * 8446 5.2). */
static bool is_expected(const struct tail *tail, const uint8_t *header, uint32_t length)
{
    const bool is_data = header[0] == CT_APPLICATION_DATA;
    const bool is_alert = header[0] == CT_ALERT && length > PLAIN_ALERT && !connection_hides_records(tail->connection);

    return (is_data || is_alert) && header[1] == 3 && length > 0 && length <= LONGEST_RECORD;
}

static void add_record(struct tails *tails, const struct tail *tail, const struct half *half)
{
    const uint8_t *header = half->header;
    const uint32_t length = (uint32_t)(header[3] << 8 | header[4]);
    const struct tls_record record = {
        .type = header[0],
        .version = (uint16_t)(header[1] << 8 | header[2]),
        .hidden = header[0] == CT_APPLICATION_DATA && connection_hides_records(tail->connection),
        .length = length,
        .content = length,
    };

    g_array_append_val(tails->observation.records, record);
}

/* Adds the records that end in these octets to the observation. False: they are not what was expected. */
static bool read_records(struct tails *tails, struct tail *tail, struct half *half, const uint8_t *octets,
                         uint32_t length)
{
    while (length > 0) {
        if (half->has_header < RECORD_HEADER) {
            half->header[half->has_header++] = *octets++;
            length--;
            if (half->has_header < RECORD_HEADER)
                continue;
            half->left = (uint32_t)(half->header[3] << 8 | half->header[4]);
            if (!is_expected(tail, half->header, half->left))
                return false;
            continue;
        }
        const uint32_t taken = MIN(length, half->left);
        octets += taken;
        length -= taken;
        half->left -= taken;
        if (half->left > 0)
            continue;
        add_record(tails, tail, half);
        half->has_header = 0;
    }
    return true;
}

/* False: not in order, or opens another connection. */
static bool is_in_order(const struct half *half, const struct segment *segment)
{
    const int64_t ahead = (int32_t)(segment->sequence - half->next);

    if (segment->flags & TCP_SYN)
        return false;
    if ((segment->flags & TCP_RST) && segment->length == 0)
        return true;
    if (ahead == 0) /* a probe of a closed window is one octet */
        return segment->length != 1;
    /* all of it came before; or a keep-alive, RFC 9293 3.8.4. Far off it is another connection's, or much is missing */
    return ahead < 0 && ahead > -STREAM_FAR && ahead + segment->length <= 0;
}

static bool observe(struct tails *tails, struct tail *tail, const struct segment *segment, uint32_t frame,
                    struct timestamp time)
{
    const unsigned side = segment->from == tail->first ? 0 : 1;
    struct half *half = &tail->half[side];
    struct observation *o = &tails->observation;
    const bool is_new = segment->sequence == half->next;

    observation_reset(o);
    if (!is_in_order(half, segment) || (is_new && !read_records(tails, tail, half, segment->payload, segment->length)))
        return false;
    if (is_new) /* FIN has a number of its own, RFC 9293 3.4 */
        half->next += segment->length + (segment->flags & TCP_FIN ? 1 : 0);
    o->frame = frame;
    o->time = time;
    o->from = side;
    o->sequence = segment->sequence;
    o->acknowledgement = segment->acknowledgement;
    o->length = segment->length;
    o->flags = segment->flags;
    connection_observe(tail->connection, o);
    connection_verdict_event(tail->connection, frame);
    return true;
}

bool tails_take(struct tails *tails, const struct segment *segment, uint32_t frame, struct timestamp time)
{
    struct tail *tail = segment && !tails->is_off ? g_hash_table_lookup(tails->by_flow, &segment->flow) : NULL;

    if (!tail)
        return false;
    tails->has_taken = true;
    if (!observe(tails, tail, segment, frame, time)) {
        lose(tails, &segment->flow);
        g_hash_table_remove(tails->by_connection, tail->connection);
        g_hash_table_remove(tails->by_flow, &segment->flow);
        return false;
    }
    return true;
}

static void begin(struct tails *tails, struct connection *connection, const struct segment *segment)
{
    struct tail tail = {.connection = connection};
    struct flow flow;
    uint32_t next[2];

    if (!connection_needs_headers_only(connection, next) || g_hash_table_contains(tails->dissected, &segment->flow) ||
        !flow_between(&flow, connection_address(connection, 0), connection_port(connection, 0),
                      connection_address(connection, 1), connection_port(connection, 1), &tail.first) ||
        !flows_equal(&flow, &segment->flow))
        return;
    for (unsigned side = 0; side < 2; side++)
        tail.half[side].next = next[side];
    struct flow *key = g_memdup2(&flow, sizeof flow);
    g_hash_table_insert(tails->by_flow, key, g_memdup2(&tail, sizeof tail));
    g_hash_table_insert(tails->by_connection, connection, key);
}

void tails_dissected(struct tails *tails, struct connection *connection, const struct segment *segment)
{
    if (tails->is_off || !connection)
        return;
    const struct flow *flow = g_hash_table_lookup(tails->by_connection, connection);
    if (flow) { /* by a packet that was not recognised as its own */
        lose(tails, flow);
        return;
    }
    if (segment)
        begin(tails, connection, segment);
}
