/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handshake.h"

#include "verdict.h"

#include <string.h>

#define LONGEST_HIDDEN_ALERT 39 /* octets of an encrypted alert's record: 2, type, tag, up to 20 of padding */

/* ---- making and freeing ------------------------------------------------------------------------ */

struct connection *connection_new(uint32_t stream, const char *const address[2], const uint16_t port[2])
{
    struct connection *c = g_new0(struct connection, 1);

    c->stream_number = stream;
    for (int side = 0; side < 2; side++) {
        c->address[side] = g_strdup(address[side]);
        c->port[side] = port[side];
    }
    c->syn_from = c->server = c->closed_first = NOBODY;
    c->infers = true;
    c->history = g_string_new(NULL);
    handshake_reset(&c->handshake);
    return c;
}

void connection_free(struct connection *c)
{
    if (!c)
        return;
    for (int side = 0; side < 2; side++) {
        g_free(c->address[side]);
        chain_clear(&c->chain[side]);
    }
    handshake_reset(&c->handshake);
    g_free(c->sni);
    g_free(c->alpn);
    g_clear_pointer(&c->alpn_offered, g_ptr_array_unref);
    g_clear_pointer(&c->authorities, g_ptr_array_unref);
    g_string_free(c->history, TRUE);
    g_free(c);
}

void connection_set_infers(struct connection *c, bool infers) { c->infers = infers; }

void connection_set_sessions(struct connection *c, struct sessions *sessions) { c->sessions = sessions; }

static void message_clear(struct message *message)
{
    g_clear_pointer(&message->session_id, g_bytes_unref);
    g_clear_pointer(&message->ticket, g_bytes_unref);
    g_clear_pointer(&message->sni, g_free);
    g_clear_pointer(&message->alpn, g_ptr_array_unref);
    g_clear_pointer(&message->certificates, g_ptr_array_unref);
    g_clear_pointer(&message->authorities, g_bytes_unref);
}

void observation_init(struct observation *observation)
{
    memset(observation, 0, sizeof *observation);
    observation->records = g_array_new(FALSE, TRUE, sizeof(struct tls_record));
    observation->messages = g_array_new(FALSE, TRUE, sizeof(struct message));
    g_array_set_clear_func(observation->messages, (GDestroyNotify)message_clear);
}

void observation_reset(struct observation *observation)
{
    GArray *records = observation->records, *messages = observation->messages;

    g_array_set_size(records, 0);
    g_array_set_size(messages, 0);
    memset(observation, 0, sizeof *observation);
    observation->records = records;
    observation->messages = messages;
}

void observation_clear(struct observation *observation)
{
    g_array_unref(observation->records);
    g_array_unref(observation->messages);
    memset(observation, 0, sizeof *observation);
}

/* ---- records ----------------------------------------------------------------------------------- */

static unsigned reject(struct connection *c, unsigned by, int code, uint32_t frame)
{
    c->handshake.rejected_by = by;
    c->alert.from = side_of(c, by);
    c->alert.code = code;
    c->alert.frame = frame;
    return EVENT_REJECTED;
}

/* Everything both sides sent before this segment was captured and dissected. The server is known. */
static bool nothing_missed(const struct connection *c, const struct observation *o)
{
    const struct stream *server = &c->stream[c->server];

    if ((o->flags & TCP_ACK) && stream_acked_beyond(&c->stream[1 - o->from], o->acknowledgement))
        return false;
    if (!server->synced && server->base != c->handshake.hello_ack)
        return false; /* what it began with is not in the capture */
    for (unsigned side = 0; side < 2; side++)
        if (!stream_contiguous(&c->stream[side]) || c->stream[side].record_octets != stream_end(&c->stream[side]))
            return false;
    return true;
}

/* Then a hello was seen, and it is known who the server is. */
static bool handshake_is_open(const struct connection *c)
{
    const struct handshake *h = &c->handshake;

    return (h->client_hello || h->server_hello) && !h->completed && h->rejected_by == NOBODY;
}

/* RFC 8446 6.2: every alert but close_notify and user_canceled is fatal, whatever its level says. */
static bool alert_is_fatal(const struct connection *c, const struct tls_record *record)
{
    if (record->alert_code == 0 || record->alert_code == 90)
        return false;
    return is_tls13(c) || record->alert_level == 2;
}

/*
 * TLS 1.3: the client's Finished may be what was not decrypted or not captured. The server went on as it
 * does behind it, or the alert is the client's own and not its first hidden record.
 */
static bool may_have_completed_unseen(const struct connection *c, unsigned from)
{
    const struct handshake *h = &c->handshake;
    const unsigned client = 1 - c->server;

    if (!is_tls13(c) || h->finished[client])
        return false;
    return from == client ? h->hidden[client] || !stream_contiguous(&c->stream[client]) : h->server_went_on;
}

static unsigned on_alert(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    const bool readable = record->alert_readable && (!c->encrypted[o->from] || record->decrypted || is_tls13(c));

    connection_add_history(c, o->from, 'L');
    if (readable && record->alert_code == 41 && c->server != NOBODY && !from_server(c, o->from)) {
        c->handshake.client_certificate = true; /* RFC 6101 5.4.2: "no certificate" */
        c->answer = CLIENT_CERT_EMPTY;
        return 0;
    }
    if (!handshake_is_open(c))
        return 0;
    /* a late close_notify behind a Finished that was missed looks the same */
    if (!readable || (record->decrypted && !is_tls13(c)))
        return nothing_missed(c, o) ? reject(c, o->from, -1, o->frame) : 0;
    if (may_have_completed_unseen(c, o->from))
        return 0;
    return alert_is_fatal(c, record) ? reject(c, o->from, record->alert_code, o->frame) : 0;
}

static unsigned on_handshake_record(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    struct handshake *h = &c->handshake;
    struct stream *stream = &c->stream[o->from];
    unsigned events = 0;

    if (c->encrypted[o->from] && !record->decrypted && !is_tls13(c)) {
        /* TLS <= 1.2: the first encrypted handshake record is Finished, a later one renegotiates */
        if (h->change_cipher_spec[o->from] && !h->finished[o->from])
            handshake_finished(c, o);
        else
            c->renegotiated = true;
        return 0;
    }
    stream->handshake_octets += record->content;
    for (unsigned i = 0; i < record->messages; i++) {
        const struct message *m = &g_array_index(o->messages, struct message, record->first_message + i);
        stream->message_octets += 4 + m->length;
        events |= handshake_message(c, o, record, m);
    }
    return events;
}

/* TLS 1.3: what the server sends from here on, it sends knowing the client's Finished (RFC 8446 4.4.4). */
static bool has_client_finished(const struct connection *c, const struct observation *o)
{
    return c->handshake.finished[1 - c->server] && reaches(o->acknowledgement, c->handshake.finished_ack);
}

static void on_application_data(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    const unsigned from = o->from;
    struct handshake *h = &c->handshake;

    connection_add_history(c, from, 'D');
    c->encrypted[from] = c->encrypted[from] || !is_tls13(c); /* its ChangeCipherSpec may have been missed */
    c->sip_payload = c->sip_payload || record->sip;
    if (h->completed || (h->finished[from] && (!is_tls13(c) || !from_server(c, from) || has_client_finished(c, o))))
        c->data[from] = true;
}

static void keep_hidden_record(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    struct handshake *h = &c->handshake;
    const struct stream *stream = &c->stream[o->from];

    if (!h->flights)
        h->flights = g_new0(struct hidden_flights, 1);
    /* one that was dissected before what the sender sent first would stand in the wrong place */
    h->flights->disordered[o->from] = h->flights->disordered[o->from] || !stream_contiguous(stream);
    unsigned *count = &h->flights->count[o->from];
    if (*count == INFERENCE_RECORDS)
        return;
    h->flights->record[o->from][(*count)++] = (struct hidden_record){
        o->frame, stream->base + stream->record_octets, o->acknowledgement, (uint16_t)MIN(record->length, UINT16_MAX)};
}

/* The records so far fill the octets so far: none was missed. */
static void prove_hidden_records(struct connection *c, unsigned from)
{
    struct hidden_flights *flights = c->handshake.flights;
    const struct stream *stream = &c->stream[from];

    if (flights && !flights->disordered[from] && stream_covered(stream))
        flights->proven[from] = flights->count[from];
}

/* TLS 1.3 without keys: what is inside is not known. */
static void on_hidden_record(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    struct handshake *h = &c->handshake;

    if (c->server == NOBODY)
        return;
    keep_hidden_record(c, o, record);
    if (h->finished[c->server] && from_server(c, o->from)) {
        c->hidden_after = true;
        return;
    }
    if (!from_server(c, o->from) && !h->hidden[o->from])
        h->hidden_ack = o->sequence + o->length;
    if (from_server(c, o->from) && h->hidden[1 - o->from] && reaches(o->acknowledgement, h->hidden_ack))
        h->answered_hidden = h->server_went_on = true;
    h->hidden[o->from] = true;
}

/* RFC 5246 7.3, figure 2: in an abbreviated handshake the server sends it without ServerHelloDone. */
static void on_change_cipher_spec(struct connection *c, unsigned from)
{
    struct handshake *h = &c->handshake;

    h->change_cipher_spec[from] = true;
    c->encrypted[from] = true;
    if (from_server(c, from) && h->server_hello && !is_tls13(c) && !h->flight_end[from] && !h->client_key_exchange)
        h->resumed = true;
}

static unsigned on_record(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    c->stream[o->from].record_octets += 5 + record->length;
    c->stream[o->from].records_started = true;
    if (!record->hidden && handshake_flight_is_open(c, o->from))
        order_record(&c->handshake.order[o->from], record);
    if (record->hidden) {
        connection_add_history(c, o->from, 'D');
        on_hidden_record(c, o, record);
        return 0;
    }
    if (is_tls13(c) && c->handshake.finished[c->server] && record->type != CT_ALERT)
        c->handshake.server_went_on = c->handshake.server_went_on || from_server(c, o->from); /* a ticket, or data */
    switch (record->type) {
    case CT_CHANGE_CIPHER_SPEC:
        connection_add_history(c, o->from, 'I');
        on_change_cipher_spec(c, o->from);
        return 0;
    case CT_ALERT:
        return on_alert(c, o, record);
    case CT_HANDSHAKE:
        return on_handshake_record(c, o, record);
    case CT_APPLICATION_DATA:
        on_application_data(c, o, record);
        return 0;
    default:
        return 0;
    }
}

/* ---- segments ---------------------------------------------------------------------------------- */

/*
 * TLS <= 1.2: both Finished, RFC 5246 7.4.9; in a full handshake the server's is the last one.
 * TLS 1.3: the server sends something else than an alert once it has the client's Finished.
 */
static void check_completed(struct connection *c, const struct observation *o, const struct tls_record *record)
{
    struct handshake *h = &c->handshake;

    if (!handshake_is_open(c))
        return;
    const unsigned client = 1 - c->server;
    if (!is_tls13(c)) {
        h->completed = h->finished[c->server] && (h->finished[client] || (h->flight_end[c->server] && !h->resumed));
        return;
    }
    if (from_server(c, o->from) && has_client_finished(c, o))
        h->completed = record->hidden ? record->length > LONGEST_HIDDEN_ALERT
                                      : record->type != CT_ALERT && record->type != CT_CHANGE_CIPHER_SPEC;
}

static void check_covered(struct connection *c, unsigned from)
{
    struct handshake *h = &c->handshake;

    if (h->flight_end[from] && !h->covered[from] && stream_covered(&c->stream[from]))
        h->covered[from] = true;
}

static unsigned on_close(struct connection *c, const struct observation *o)
{
    struct handshake *h = &c->handshake;
    const int64_t beyond = stream_beyond(&c->stream[o->from], o->sequence + o->length);

    if ((o->flags & TCP_FIN) && beyond < 0)
        return 0; /* nothing follows a FIN: one of an earlier connection between the same ports, late */
    if (o->flags & TCP_FIN)
        stream_fin(&c->stream[o->from], o->sequence + o->length + 1);
    if (c->closed_first == NOBODY)
        c->closed_first = o->from;
    if (c->closed_frame[o->from] == 0) {
        c->closed_frame[o->from] = o->frame;
        c->closed_whole[o->from] = c->server != NOBODY && beyond <= 0 && nothing_missed(c, o);
    }
    if (!handshake_is_open(c) || !nothing_missed(c, o) || beyond > 0)
        return 0;
    if (is_tls13(c) && (h->hidden[0] || h->hidden[1]))
        return 0; /* whether the handshake had ended cannot be seen */
    const unsigned client = 1 - c->server;
    if (h->finished[client] && (o->from == client || c->closed_first == client))
        return 0; /* the client had done its part and left */
    h->rejected_by = o->from;
    return EVENT_REJECTED;
}

static void note_syn(struct connection *c, const struct observation *o)
{
    if (!stream_syn(&c->stream[o->from], o->sequence) && handshake_is_open(c))
        c->conflict = true;
    unsigned opener = o->flags & TCP_ACK ? 1 - o->from : o->from;
    c->syn_from = opener;
    if (c->server == NOBODY) {
        c->server = 1 - opener;
        c->role_from = ROLE_FROM_SYN;
    }
}

/* Of another TCP connection on these addresses and ports: in another VLAN, or a later one whose SYN is missing. */
static bool is_foreign(const struct connection *c, const struct observation *o, uint32_t sequence)
{
    const struct stream *stream = &c->stream[o->from];
    const bool is_open = handshake_is_open(c);

    if (o->length == 0)
        return false;
    if (o->begins_hello && o->records->len == 0 && !is_open && stream_beyond(stream, sequence) > 0)
        return true; /* Wireshark waits for what is missing before it */
    return stream_is_foreign(stream, sequence, !is_open && c->closed_first == NOBODY);
}

static uint32_t octets_of_records(const struct observation *o)
{
    uint32_t octets = 0;

    for (unsigned i = 0; i < o->records->len; i++)
        octets += 5 + g_array_index(o->records, struct tls_record, i).length;
    return octets;
}

unsigned connection_observe(struct connection *c, const struct observation *o)
{
    struct stream *stream = &c->stream[o->from];
    uint32_t sequence = o->sequence;
    unsigned events = 0;

    if (c->first_frame == 0) {
        c->first_frame = o->frame;
        c->start = o->time;
    }
    c->last_frame = o->frame;
    c->end = o->time;
    if (o->flags & TCP_SYN) {
        note_syn(c, o);
        sequence++;
    }
    c->tls = c->tls || o->tls;
    if (!c->conflict && is_foreign(c, o, sequence))
        c->conflict = c->changed = true; /* what was said of it before is said anew */
    bool fresh = stream_segment(stream, sequence, o->length, o->truncated);
    if (fresh && o->records->len && !stream->records_started && octets_of_records(o) == o->length)
        stream_restart(stream, sequence);
    const bool had_data[2] = {c->data[0], c->data[1]};
    for (unsigned i = 0; fresh && i < o->records->len; i++) {
        const struct tls_record *record = &g_array_index(o->records, struct tls_record, i);
        events |= on_record(c, o, record);
        check_completed(c, o, record); /* an alert behind a Finished in the same segment rejects nothing */
        c->changed = c->changed || record->hidden || record->type != CT_APPLICATION_DATA;
    }
    c->changed = c->changed || c->data[0] != had_data[0] || c->data[1] != had_data[1] ||
                 (o->flags & (TCP_SYN | TCP_FIN | TCP_RST)) || !c->handshake.completed;

    if (c->handshake.client_hello && !from_server(c, o->from) && (o->flags & TCP_ACK) &&
        reaches(o->acknowledgement, c->handshake.last_ack))
        c->handshake.last_ack = o->acknowledgement;
    if (fresh) {
        check_covered(c, o->from);
        prove_hidden_records(c, o->from);
    }
    if (o->flags & (TCP_FIN | TCP_RST))
        events |= on_close(c, o);
    return events;
}

/* ---- what others ask --------------------------------------------------------------------------- */

unsigned connection_verdict_event(struct connection *c, uint32_t frame)
{
    struct facts facts;

    if (c->sip == SIP_NO || !c->tls || !c->changed)
        return 0;
    c->changed = false;
    connection_facts(c, &facts);
    if (c->published && facts.impact == c->published_impact && facts.reason == c->published_reason)
        return 0;
    bool settled = c->closed_first != NOBODY || c->handshake.answered_hidden;
    if (!c->published && !verdict_is_final(&facts, settled))
        return 0;
    unsigned events = EVENT_VERDICT | (c->published ? EVENT_REVISED : 0);
    c->published = true;
    c->published_impact = facts.impact;
    c->published_reason = facts.reason;
    c->verdict_frame = frame;
    return events;
}

bool connection_has_tls(const struct connection *c) { return c->tls; }

bool connection_is_over(const struct connection *c, const struct observation *o)
{
    const struct stream *stream = &c->stream[o->from];

    if (c->closed_first == NOBODY || o->messages->len == 0 ||
        g_array_index(o->messages, struct message, 0).type != HS_CLIENT_HELLO)
        return false;
    return !stream->based || !stream_has(stream, o->sequence);
}

bool connection_needs_headers_only(const struct connection *c, uint32_t next[2])
{
    const struct handshake *h = &c->handshake;
    const bool is_over = is_tls13(c) ? h->answered_hidden && !h->finished[0] && !h->finished[1]
                                     : h->completed && c->encrypted[0] && c->encrypted[1];

    if (!is_over || c->sip == SIP_NO || c->closed_first != NOBODY || c->conflict || c->request_decrypted ||
        c->answer_decrypted || h->hello_request || !c->cipher || strstr(c->cipher, "_NULL_"))
        return false;
    for (unsigned side = 0; side < 2; side++) {
        const struct stream *stream = &c->stream[side];
        if (!stream_contiguous(stream) || stream->record_octets != stream_end(stream))
            return false;
        next[side] = stream->base + stream_end(stream);
    }
    return true;
}

bool connection_hides_records(const struct connection *c) { return is_tls13(c); }
bool connection_changed(const struct connection *c) { return c->changed; }
enum sip_by connection_sip(const struct connection *c) { return c->sip; }
bool connection_has_sip_payload(const struct connection *c) { return c->sip_payload; }
uint16_t connection_port(const struct connection *c, unsigned side) { return c->port[side & 1]; }
const char *connection_address(const struct connection *c, unsigned side) { return c->address[side & 1]; }

enum role_from connection_server_port(const struct connection *c, uint16_t *port)
{
    if (c->server != NOBODY)
        *port = c->port[c->server];
    return c->server == NOBODY ? ROLE_FROM_NOTHING : c->role_from;
}

void connection_guess_server(struct connection *c, const bool is_sip_port[2])
{
    if (c->server != NOBODY)
        return;
    if (is_sip_port[0] != is_sip_port[1]) {
        c->server = is_sip_port[0] ? 0 : 1;
        c->role_from = ROLE_FROM_PORT;
    } else {
        c->server = c->port[0] < c->port[1] ? 0 : 1;
        c->role_from = ROLE_FROM_LOWER_PORT;
    }
}

void connection_set_sip(struct connection *c, enum sip_by by)
{
    if (c->sip == SIP_NO && by != SIP_NO) {
        c->sip = by;
        c->changed = true;
    }
}

bool connection_offers_alpn(const struct connection *c, const char *protocol)
{
    if (c->alpn && strcmp(c->alpn, protocol) == 0)
        return true;
    for (unsigned i = 0; c->alpn_offered && i < c->alpn_offered->len; i++)
        if (strcmp(g_ptr_array_index(c->alpn_offered, i), protocol) == 0)
            return true;
    return false;
}
