/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connection-state.h"

#include "certificate.h"
#include "names.h"
#include "verdict.h"

#include <string.h>

#define LONGEST_HISTORY      100 /* letters, as Zeek's SSL::max_ssl_history_length */
#define LONGEST_HIDDEN_ALERT 39  /* octets of an encrypted alert's record: 2, type, tag, up to 20 of padding */

/* ---- making and freeing ------------------------------------------------------------------------ */

static void handshake_reset(struct handshake *handshake)
{
    if (handshake->session_id)
        g_bytes_unref(handshake->session_id);
    if (handshake->ticket)
        g_bytes_unref(handshake->ticket);
    g_free(handshake->flights);
    memset(handshake, 0, sizeof *handshake);
    handshake->rejected_by = NOBODY;
}

static void chain_clear(struct chain *chain)
{
    g_clear_pointer(&chain->der, g_ptr_array_unref);
    g_clear_pointer(&chain->parsed, g_ptr_array_unref);
    chain->seen = false;
}

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

/* ---- small questions --------------------------------------------------------------------------- */

static bool from_server(const struct connection *c, unsigned from) { return c->server == from; }

static void set_server(struct connection *c, unsigned side, enum role_from by)
{
    if (c->server != NOBODY && c->server != side && c->role_from == ROLE_FROM_HELLO)
        c->conflict = true; /* two sides that both answer a ClientHello */
    c->server = side;
    c->role_from = by;
}

static void add_history(struct connection *c, unsigned from, char letter)
{
    if (c->history->len >= LONGEST_HISTORY)
        return;
    letter = from_server(c, from) ? g_ascii_tolower(letter) : letter;
    if (g_ascii_toupper(letter) == 'D' && c->history->len && c->history->str[c->history->len - 1] == letter)
        return;
    g_string_append_c(c->history, letter);
}

/* ---- handshakes -------------------------------------------------------------------------------- */

/* The current handshake, of which a hello was seen, is over; what it left unproven stays unproven. */
static void fold_handshake(struct connection *c)
{
    if (!c->requested && !conclusion_is_proven(c)) {
        c->earlier_not_proven = true;
        c->earlier_reason = conclusion_why_not_proven(c);
    }
    c->data[0] = c->data[1] = false;
    memset(&c->alert, 0, sizeof c->alert);
}

static void begin_handshake(struct connection *c)
{
    fold_handshake(c);
    handshake_reset(&c->handshake);
    c->handshakes++;
}

/* RFC 8446 4.6.2: the server asks again behind the handshake; hello and server flight stay as they are. */
static void begin_post_handshake_auth(struct connection *c)
{
    const unsigned client = 1 - c->server;
    struct handshake *h = &c->handshake;

    fold_handshake(c);
    c->handshakes++;
    h->finished[client] = h->flight_end[client] = h->covered[client] = false;
    h->client_certificate = h->completed = false;
    h->rejected_by = NOBODY;
}

static void on_client_hello(struct connection *c, const struct observation *o, const struct message *m)
{
    struct handshake *h = &c->handshake;

    if (h->client_hello && h->retry_request && !h->server_hello) {
        h->retry_request = false; /* the second ClientHello of the same handshake, RFC 8446 4.1.2 */
    } else if (h->client_hello || h->server_hello) {
        if (!h->completed && h->rejected_by == NOBODY && !h->finished[0] && !h->finished[1])
            c->conflict = true; /* two handshakes at once on one pair of addresses */
        begin_handshake(c);
    } else {
        c->conflict = c->conflict || h->flight_end[0] || h->flight_end[1]; /* the end of another handshake */
        c->handshakes++;
    }
    h->client_hello = true;
    memset(&h->order[o->from], 0, sizeof h->order[o->from]);
    set_server(c, 1 - o->from, ROLE_FROM_HELLO);
    h->offers_suite_that_cannot_ask = m->offers_suite_that_cannot_ask;
    h->offers_post_handshake_auth = m->post_handshake_auth;
    h->external_identities = m->external_identities;
    h->offers_early_data = m->early_data; /* not offered again behind a HelloRetryRequest, RFC 8446 4.1.2 */
    g_clear_pointer(&h->flights, g_free);
    if (m->session_id && !h->session_id)
        h->session_id = g_bytes_ref(m->session_id);
    if (m->ticket && !h->ticket)
        h->ticket = g_bytes_ref(m->ticket);
    h->hello_ack = h->last_ack = o->acknowledgement;
    if (m->sni && !c->sni)
        c->sni = g_strdup(m->sni);
    if (m->alpn && !c->alpn_offered)
        c->alpn_offered = g_ptr_array_ref(m->alpn);
}

/* ---- sessions ---------------------------------------------------------------------------------- */

/* RFC 5077 3.4: a client that offers a ticket sends a session id of its own making along. */
struct connection *connection_original(const struct connection *c)
{
    const struct handshake *h = &c->handshake;
    struct connection *found = NULL;

    if (!c->sessions || !h->resumed || is_tls13(c))
        return NULL;
    const char *server = c->address[c->server];
    const uint16_t port = c->port[c->server];
    if (h->ticket)
        found = sessions_find(c->sessions, SESSION_BY_TICKET, server, port, h->ticket);
    if (!found && h->session_id)
        found = sessions_find(c->sessions, SESSION_BY_ID, server, port, h->session_id);
    return found == c ? NULL : found;
}

/* The server gave a name to the session: a resumed one keeps its original. */
static void remember_session(struct connection *c, enum session_by by, GBytes *name)
{
    if (!c->sessions || !name || is_tls13(c) || c->handshakes > 1)
        return;
    struct connection *original = c->handshake.resumed ? connection_original(c) : c;
    if (original)
        sessions_add(c->sessions, by, c->address[c->server], c->port[c->server], name, original);
}

static void on_server_hello(struct connection *c, const struct observation *o, const struct message *m)
{
    struct handshake *h = &c->handshake;

    if (h->server_hello) {
        c->conflict = true;
        return;
    }
    if (!h->client_hello)
        c->handshakes++;
    if (h->client_hello && c->server != o->from)
        c->conflict = true;
    set_server(c, o->from, ROLE_FROM_HELLO);
    if (m->retry_request) {
        h->retry_request = true;
        c->version =
            TLS13; /* there is none in earlier versions: the ChangeCipherSpec that may follow encrypts nothing */
        return;
    }
    c->conflict = c->conflict || h->flight_end[o->from]; /* the end of another handshake, its hello not seen */
    h->server_hello = true;
    c->version = m->selected_version ? m->selected_version : m->version;
    c->cipher = m->cipher;
    c->suite_cannot_ask = suite_cannot_ask(m->cipher);
    if (m->alpn && m->alpn->len && !c->alpn)
        c->alpn = g_strdup(g_ptr_array_index(m->alpn, 0));
    if (is_tls13(c))
        h->resumed = m->pre_shared_key; /* RFC 8446 2.2 */
    else
        h->resumed = h->session_id && m->session_id && g_bytes_get_size(m->session_id) > 0 &&
                     g_bytes_equal(h->session_id, m->session_id); /* RFC 5246 7.3, RFC 5077 3.4 */
    h->external_key = m->pre_shared_key && m->selected_identity < MOST_IDENTITIES &&
                      (h->external_identities & 1u << m->selected_identity);
    remember_session(c, SESSION_BY_ID, m->session_id);
}

static void keep_chain(struct connection *c, unsigned side, const struct message *m)
{
    struct chain *chain = &c->chain[side];

    chain_clear(chain);
    chain->seen = true;
    if (m->certificates && m->certificates->len)
        chain->der = g_ptr_array_ref(m->certificates);
    c->caveats |= m->certificates_cut ? CAVEAT_CHAIN_CUT : 0;
    c->caveats |= m->certificate_not_inflated ? CAVEAT_CERTIFICATE_NOT_INFLATED : 0;
}

static unsigned on_certificate(struct connection *c, unsigned from, const struct message *m, bool decrypted)
{
    if (from_server(c, from)) {
        c->handshake.server_certificate = true;
        if (m->empty_certificate)
            return 0;
        keep_chain(c, from, m);
        return EVENT_SERVER_CERTIFICATE;
    }
    c->handshake.client_certificate = true;
    c->answer = m->empty_certificate ? CLIENT_CERT_EMPTY : CLIENT_CERT_PRESENT;
    c->answer_decrypted = decrypted;
    chain_clear(&c->chain[from]);
    if (m->empty_certificate)
        return 0;
    keep_chain(c, from, m);
    return EVENT_CLIENT_CERTIFICATE;
}

static void on_certificate_request(struct connection *c, const struct observation *o, const struct message *m,
                                   bool decrypted)
{
    struct handshake *h = &c->handshake;
    size_t size = 0;

    if (is_tls13(c) && h->finished[c->server])
        begin_post_handshake_auth(c);
    h->requested = c->requested = true;
    c->request_decrypted = decrypted;
    c->request_frame = o->frame;
    c->answer = CLIENT_CERT_UNKNOWN;
    g_clear_pointer(&c->authorities, g_ptr_array_unref);
    const uint8_t *names = m->authorities ? g_bytes_get_data(m->authorities, &size) : NULL;
    c->authorities = authority_names(names, size, MOST_AUTHORITIES);
}

static void on_finished(struct connection *c, const struct observation *o)
{
    struct handshake *h = &c->handshake;

    if (h->finished[o->from])
        return;
    h->finished[o->from] = true;
    if (is_tls13(c))
        h->flight_end[o->from] = true;
    if (!from_server(c, o->from))
        h->finished_ack = o->sequence + o->length;
}

static void on_flight_end(struct connection *c, unsigned from) { c->handshake.flight_end[from] = true; }

/* Its hello was seen, and the message that ends its flight was not. */
static bool flight_is_open(const struct connection *c, unsigned from)
{
    const struct handshake *h = &c->handshake;

    return c->server != NOBODY && (from_server(c, from) ? h->server_hello : h->client_hello) && !h->flight_end[from];
}

static void check_order(struct connection *c, unsigned from, const struct message *m)
{
    const enum order_flight server_flight = is_tls13(c) ? SERVER_FLIGHT_13 : SERVER_FLIGHT;

    if (flight_is_open(c, from) && !m->retry_request)
        order_message(&c->handshake.order[from], from_server(c, from) ? server_flight : CLIENT_FLIGHT, m);
}

/* Only one side says this: where no hello was seen, it tells who is who. */
static void learn_role(struct connection *c, unsigned from, uint8_t type)
{
    static const uint8_t server_only[] = {HS_SERVER_KEY_EXCHANGE, HS_CERTIFICATE_REQUEST, HS_SERVER_HELLO_DONE};
    static const uint8_t client_only[] = {HS_CLIENT_KEY_EXCHANGE, HS_CERTIFICATE_VERIFY};

    if (c->role_from == ROLE_FROM_HELLO)
        return;
    if (memchr(server_only, type, sizeof server_only))
        set_server(c, from, ROLE_FROM_HELLO);
    else if (memchr(client_only, type, sizeof client_only))
        set_server(c, 1 - from, ROLE_FROM_HELLO);
}

static unsigned on_message(struct connection *c, const struct observation *o, const struct tls_record *record,
                           const struct message *m)
{
    struct handshake *h = &c->handshake;
    unsigned events = 0;

    if (m->type == HS_CLIENT_HELLO)
        on_client_hello(c, o, m), events = EVENT_HELLO;
    else if (m->type == HS_SERVER_HELLO || m->type == HS_HELLO_RETRY_REQUEST)
        on_server_hello(c, o, m), events = EVENT_HELLO;
    learn_role(c, o->from, m->type);
    check_order(c, o->from, m);
    add_history(c, o->from, m->type == HS_SERVER_HELLO && m->retry_request ? 'J' : history_letter(m->type));
    if (c->server == NOBODY)
        return events;

    switch (m->type) {
    case HS_HELLO_REQUEST:
        h->hello_request = h->hello_request || from_server(c, o->from);
        break;
    case HS_NEW_SESSION_TICKET:
        if (from_server(c, o->from))
            remember_session(c, SESSION_BY_TICKET, m->ticket);
        break;
    case HS_CERTIFICATE:
    case HS_COMPRESSED_CERTIFICATE: /* RFC 8879 4 */
        return on_certificate(c, o->from, m, record->decrypted);
    case HS_CERTIFICATE_REQUEST:
        if (!from_server(c, o->from)) {
            c->conflict = true;
            break;
        }
        on_certificate_request(c, o, m, record->decrypted);
        return EVENT_CERTIFICATE_REQUEST;
    case HS_SERVER_HELLO_DONE:
        if (from_server(c, o->from)) {
            on_flight_end(c, o->from);
            h->resumed = false; /* an abbreviated handshake has none, RFC 5246 7.3 */
        }
        break;
    case HS_CLIENT_KEY_EXCHANGE:
        if (!from_server(c, o->from)) {
            h->client_key_exchange = true;
            h->resumed = false;
            h->client_key_exchange_tls = record->version >= 0x0301 && record->version <= 0x0303;
            on_flight_end(c, o->from);
        }
        break;
    case HS_CERTIFICATE_URL: /* RFC 6066 5: a certificate by reference */
        if (!from_server(c, o->from)) {
            h->client_certificate = true;
            c->answer = CLIENT_CERT_PRESENT;
            c->chain[o->from].seen = true;
        }
        break;
    case HS_ENCRYPTED_EXTENSIONS:
        if (from_server(c, o->from) && m->alpn && m->alpn->len && !c->alpn)
            c->alpn = g_strdup(g_ptr_array_index(m->alpn, 0));
        break;
    case HS_FINISHED:
        on_finished(c, o);
        break;
    default:
        break;
    }
    return events;
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

    add_history(c, o->from, 'L');
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
            on_finished(c, o);
        else
            c->renegotiated = true;
        return 0;
    }
    stream->handshake_octets += record->content;
    for (unsigned i = 0; i < record->messages; i++) {
        const struct message *m = &g_array_index(o->messages, struct message, record->first_message + i);
        stream->message_octets += 4 + m->length;
        events |= on_message(c, o, record, m);
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

    add_history(c, from, 'D');
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
    if (!record->hidden && flight_is_open(c, o->from))
        order_record(&c->handshake.order[o->from], record);
    if (record->hidden) {
        add_history(c, o->from, 'D');
        on_hidden_record(c, o, record);
        return 0;
    }
    if (is_tls13(c) && c->handshake.finished[c->server] && record->type != CT_ALERT)
        c->handshake.server_went_on = c->handshake.server_went_on || from_server(c, o->from); /* a ticket, or data */
    switch (record->type) {
    case CT_CHANGE_CIPHER_SPEC:
        add_history(c, o->from, 'I');
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
    if (o->length && handshake_is_open(c) && stream_is_foreign(stream, sequence))
        c->conflict = true; /* two TCP connections on one pair of addresses, in different VLANs say */

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
