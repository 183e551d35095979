/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "handshake.h"

#include "certificate.h"
#include "names.h"

#include <string.h>

#define LONGEST_HISTORY 100 /* letters, as Zeek's SSL::max_ssl_history_length */

void handshake_reset(struct handshake *handshake)
{
    if (handshake->session_id)
        g_bytes_unref(handshake->session_id);
    if (handshake->ticket)
        g_bytes_unref(handshake->ticket);
    g_free(handshake->flights);
    memset(handshake, 0, sizeof *handshake);
    handshake->rejected_by = NOBODY;
}

void chain_clear(struct chain *chain)
{
    g_clear_pointer(&chain->der, g_ptr_array_unref);
    g_clear_pointer(&chain->parsed, g_ptr_array_unref);
    chain->seen = false;
}

void connection_add_history(struct connection *c, unsigned from, char letter)
{
    if (c->history->len >= LONGEST_HISTORY)
        return;
    letter = from_server(c, from) ? g_ascii_tolower(letter) : letter;
    if (g_ascii_toupper(letter) == 'D' && c->history->len && c->history->str[c->history->len - 1] == letter)
        return;
    g_string_append_c(c->history, letter);
}

static void set_server(struct connection *c, unsigned side, enum role_from by)
{
    if (c->server != NOBODY && c->server != side && c->role_from == ROLE_FROM_HELLO)
        c->conflict = true; /* two sides that both answer a ClientHello */
    c->server = side;
    c->role_from = by;
}

/* ---- one handshake after the other -------------------------------------------------------------- */

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

/* ---- sessions ----------------------------------------------------------------------------------- */

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

void handshake_finished(struct connection *c, const struct observation *o)
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
bool handshake_flight_is_open(const struct connection *c, unsigned from)
{
    const struct handshake *h = &c->handshake;

    return c->server != NOBODY && (from_server(c, from) ? h->server_hello : h->client_hello) && !h->flight_end[from];
}

static void check_order(struct connection *c, unsigned from, const struct message *m)
{
    const enum order_flight server_flight = is_tls13(c) ? SERVER_FLIGHT_13 : SERVER_FLIGHT;

    if (handshake_flight_is_open(c, from) && !m->retry_request)
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

unsigned handshake_message(struct connection *c, const struct observation *o, const struct tls_record *record,
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
    connection_add_history(c, o->from, m->type == HS_SERVER_HELLO && m->retry_request ? 'J' : history_letter(m->type));
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
        handshake_finished(c, o);
        break;
    default:
        break;
    }
    return events;
}
