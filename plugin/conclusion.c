/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "certificate.h"
#include "connection-state.h"
#include "inference.h"
#include "names.h"
#include "verdict.h"

#include <string.h>

/* ---- proofs ------------------------------------------------------------------------------------ */

/* A suite whose name is not known can ask if its server has a certificate. */
static bool suite_can_ask(const struct connection *c)
{
    return c->cipher ? !c->suite_cannot_ask : c->handshake.server_certificate;
}

/* The server's flight was seen whole and held no CertificateRequest (RFC 5246 7.4.4, RFC 8446 4.3.2). */
static bool server_flight_proves(const struct connection *c)
{
    const struct handshake *h = &c->handshake;

    return h->server_hello && !h->resumed && suite_can_ask(c) && h->flight_end[c->server] && h->covered[c->server] &&
           !h->order[c->server].broken && !h->hidden[c->server];
}

/*
 * RFC 5246 7.4.6 (RFC 2246 7.4.6): a client that was asked sends a Certificate, empty if need be,
 * before ClientKeyExchange. SSL 3.0 lets it answer by an alert: no proof there.
 */
static bool client_flight_proves(const struct connection *c)
{
    const struct handshake *h = &c->handshake;
    const unsigned client = 1 - c->server;

    if (!h->client_hello || !h->client_key_exchange_tls || h->client_certificate || !h->covered[client] ||
        h->order[client].broken)
        return false;
    return h->server_hello ? !h->resumed && suite_can_ask(c) : !h->offers_suite_that_cannot_ask;
}

/* Did the server say anything behind the ClientHello that is not in the capture? */
static bool server_spoke_unseen(const struct connection *c)
{
    const struct handshake *h = &c->handshake;
    const struct stream *server = &c->stream[c->server];

    if (h->client_key_exchange || h->change_cipher_spec[1 - c->server] || h->hidden[1 - c->server])
        return true;
    if (server->based)
        return stream_acked_beyond(server, h->last_ack);
    return !reaches(h->hello_ack + 1, h->last_ack); /* one more may be a FIN */
}

bool conclusion_is_proven(const struct connection *c) { return server_flight_proves(c) || client_flight_proves(c); }

enum reason conclusion_why_not_proven(const struct connection *c)
{
    const struct handshake *h = &c->handshake;

    if (!h->client_hello && !h->server_hello)
        return REASON_HANDSHAKE_NOT_CAPTURED;
    if (!h->server_hello) {
        if (h->client_key_exchange_tls && h->offers_suite_that_cannot_ask && !h->client_certificate)
            return REASON_SUITE_WITHOUT_CERTIFICATES;
        const struct stream *server = &c->stream[c->server];
        const bool nothing_hides = server->count || server->truncated ? stream_covered(server) : true;
        if (nothing_hides && !server_spoke_unseen(c))
            return REASON_ABORTED_EARLY;
        return nothing_hides ? REASON_CAPTURE_GAP : stream_why_uncovered(server);
    }
    if (h->external_key) /* RFC 8446 4.3.2: who is authenticated by it is asked for no certificate */
        return REASON_SUITE_WITHOUT_CERTIFICATES;
    if (h->resumed)
        return REASON_RESUMED;
    if (!suite_can_ask(c))
        return REASON_SUITE_WITHOUT_CERTIFICATES;
    if (is_tls13(c) && h->hidden[c->server])
        return REASON_ENCRYPTED;
    enum reason reason = stream_why_uncovered(&c->stream[c->server]);
    if (reason == REASON_NOT_DISSECTED && !h->flight_end[c->server] && !h->order[c->server].broken &&
        stream_covered(&c->stream[c->server]))
        return h->rejected_by != NOBODY ? REASON_ABORTED_EARLY : REASON_CAPTURE_GAP;
    return reason;
}

/* ---- what it all means ------------------------------------------------------------------------- */

static bool client_answered_nothing(const struct connection *c)
{
    const struct handshake *h = &c->handshake;
    const unsigned client = 1 - c->server;

    if (!h->client_hello || h->client_certificate || !h->covered[client] || h->resumed ||
        (!is_tls13(c) && h->order[client].broken))
        return false; /* without the hello it is not known where the client's bytes begin */
    if (c->requested && !h->requested)
        return false; /* asked in an earlier handshake */
    return is_tls13(c) ? h->finished[client] && !h->hidden[client] : h->client_key_exchange;
}

static enum client_auth kind_of_request(const struct connection *c, enum client_cert answer)
{
    if (answer == CLIENT_CERT_EMPTY && c->handshake.completed)
        return CLIENT_AUTH_OPTIONAL;
    if (answer == CLIENT_CERT_EMPTY && c->handshake.rejected_by == c->server)
        return CLIENT_AUTH_REQUIRED;
    return CLIENT_AUTH_REQUESTED;
}

static void conclude_unknown(struct facts *facts, enum reason because)
{
    facts->client_auth = CLIENT_AUTH_UNKNOWN;
    facts->evidence = EVIDENCE_NONE;
    facts->unknown_because = because;
}

/* Octets of the server, behind its flight or before, that were not captured. */
static bool lost_from_server(const struct connection *c)
{
    const struct stream *server = &c->stream[c->server];

    return !stream_contiguous(server) || stream_acked_beyond(server, c->handshake.last_ack);
}

static void conclude_not_requested(const struct connection *c, struct facts *facts)
{
    const bool server = server_flight_proves(c);

    if (!server && !client_flight_proves(c)) {
        conclude_unknown(facts, conclusion_why_not_proven(c));
        return;
    }
    if (c->earlier_not_proven) {
        conclude_unknown(facts, c->earlier_reason);
        return;
    }
    /* what the server said next was captured, and Wireshark lost its way in it: another handshake can hide there */
    if (!c->handshake.completed && c->handshake.rejected_by == NOBODY && stream_is_undissected(&c->stream[c->server])) {
        conclude_unknown(facts, REASON_NOT_DISSECTED);
        return;
    }
    if (c->renegotiated || c->handshake.hello_request) { /* and what followed was not seen */
        conclude_unknown(facts, REASON_RENEGOTIATED);
        return;
    }
    const bool may_ask_later = c->handshake.offers_post_handshake_auth || !c->handshake.client_hello;
    if (is_tls13(c) && may_ask_later && (c->hidden_after || lost_from_server(c))) {
        conclude_unknown(facts, REASON_POST_HANDSHAKE_AUTH_POSSIBLE);
        return;
    }
    facts->client_auth = CLIENT_AUTH_NOT_REQUESTED;
    facts->evidence = !server                            ? EVIDENCE_CLIENT_FLIGHT
                      : is_tls13(c) || c->handshakes > 1 ? EVIDENCE_DECRYPTED
                                                         : EVIDENCE_CLEARTEXT;
}

static void conclude_client_auth(const struct connection *c, struct facts *facts)
{
    const bool answered = c->answer == CLIENT_CERT_EMPTY || c->answer == CLIENT_CERT_PRESENT;

    facts->client_cert = answered ? c->answer : client_answered_nothing(c) ? CLIENT_CERT_NONE : CLIENT_CERT_UNKNOWN;
    if (c->conflict) {
        conclude_unknown(facts, REASON_CONFLICTING_EVIDENCE);
    } else if (c->requested) {
        facts->client_auth = kind_of_request(c, facts->client_cert);
        facts->evidence = c->request_decrypted ? EVIDENCE_DECRYPTED : EVIDENCE_CLEARTEXT;
    } else if (answered && server_flight_proves(c)) {
        conclude_unknown(facts, REASON_CONFLICTING_EVIDENCE);
        facts->caveats |= CAVEAT_UNSOLICITED_CERTIFICATE;
    } else if (answered) { /* nobody sends a Certificate unasked: RFC 5246 7.4.6, RFC 8446 4.4.2 */
        facts->client_auth = kind_of_request(c, facts->client_cert);
        facts->evidence = c->answer_decrypted ? EVIDENCE_DECRYPTED : EVIDENCE_CLIENT_FLIGHT;
    } else {
        conclude_not_requested(c, facts);
    }
}

/* Octets that nobody looked into: not captured, or captured and not dissected. */
static bool has_gap(const struct stream *stream) { return !stream_contiguous(stream) || stream_is_undissected(stream); }

static void conclude_outcome(const struct connection *c, struct facts *facts)
{
    const struct handshake *h = &c->handshake;
    const struct stream *server = &c->stream[c->server];

    if (h->rejected_by != NOBODY) {
        facts->outcome = OUTCOME_REJECTED;
        facts->rejected_by = side_of(c, h->rejected_by);
        facts->server_data = TRI_FALSE;
    } else if (h->completed) {
        facts->outcome = OUTCOME_COMPLETED;
        if (!stream_contiguous(server) || (is_tls13(c) && (h->hidden[c->server] || c->hidden_after)))
            facts->server_data = TRI_UNKNOWN;
        else
            facts->server_data = TRI_FALSE;
        if (has_gap(&c->stream[0]) || has_gap(&c->stream[1]))
            facts->caveats |= CAVEAT_GAP_AFTER_HANDSHAKE;
    }
    if (c->data[c->server])
        facts->server_data = TRI_TRUE;
    facts->client_data = c->data[1 - c->server];
}

/* ---- resumption -------------------------------------------------------------------------------- */

/* A session keeps what was established when it was created, RFC 5246 F.1.4: the request, or none, of that handshake. */
static void conclude_from_original(struct connection *c, struct facts *facts)
{
    struct connection *original = connection_original(c);
    struct facts created;

    if (!original || c->conflict || c->requested || c->handshakes > 1)
        return;
    facts->resumed_from = original->first_frame;
    if (facts->client_auth != CLIENT_AUTH_UNKNOWN || facts->unknown_because != REASON_RESUMED ||
        original->handshake.resumed || original->handshakes > 1)
        return;
    connection_facts(original, &created);
    if (created.client_auth == CLIENT_AUTH_UNKNOWN || created.evidence == EVIDENCE_NONE)
        return;
    facts->client_auth = created.client_auth;
    facts->evidence = EVIDENCE_ORIGINAL_HANDSHAKE;
}

/* ---- TLS 1.3 without keys ----------------------------------------------------------------------- */

/* Only where all of the handshake is hidden; what was decrypted is known better. */
static bool lengths_apply(const struct connection *c)
{
    const struct handshake *h = &c->handshake;

    return c->infers && is_tls13(c) && h->flights && h->server_hello && !c->conflict && !c->earlier_not_proven &&
           !h->order[0].broken && !h->order[1].broken && c->handshakes == 1 && !h->finished[0] && !h->finished[1] &&
           c->answer == CLIENT_CERT_UNKNOWN && !c->requested && !h->server_certificate;
}

static struct record_lengths lengths_of(const struct hidden_flights *flights, unsigned side)
{
    struct record_lengths lengths = {.count = flights->proven[side]};

    for (unsigned i = 0; i < lengths.count; i++)
        lengths.length[i] = flights->record[side][i].length;
    return lengths;
}

/* The server's first record that it sent having all of the client's up to `sequence`; NULL: none, or not known. */
static const struct hidden_record *server_record_behind(const struct connection *c, uint32_t sequence)
{
    const struct hidden_flights *flights = c->handshake.flights;

    for (unsigned i = 0; i < flights->proven[c->server]; i++)
        if (reaches(flights->record[c->server][i].acknowledgement, sequence))
            return &flights->record[c->server][i];
    return NULL;
}

static struct inference infer_from_lengths(const struct connection *c)
{
    const struct handshake *h = &c->handshake;
    const unsigned client = 1 - c->server;
    const struct hidden_record *of_client = h->flights->record[client];
    struct inference_input input = {
        .cipher = c->cipher,
        .client = lengths_of(h->flights, client),
        .server = lengths_of(h->flights, c->server),
        .resumed = h->resumed,
        .early_data = h->offers_early_data,
    };

    if (!h->client_hello)
        input.client.count = 0; /* where its flight begins is not known */
    if (input.client.count) {
        const struct hidden_record *answer = server_record_behind(c, of_client[0].end);
        input.client_is_whole = answer || c->closed_frame[0] || c->closed_frame[1];
        input.answered_first = answer && !inference_is_alert(c->cipher, answer->length) &&
                               (h->flights->count[client] > 1 ? !reaches(answer->acknowledgement, of_client[1].end)
                                                              : answer->acknowledgement == of_client[0].end);
    }
    return infer(&input);
}

static uint32_t client_close(const struct connection *c, const struct inference *inference)
{
    const unsigned client = 1 - c->server;
    const struct hidden_flights *flights = c->handshake.flights;
    uint32_t frame = c->closed_frame[client];

    for (unsigned i = MAX(inference->client_flight, 1); i < flights->count[client]; i++)
        if (inference_is_alert(c->cipher, flights->record[client][i].length) &&
            (frame == 0 || flights->record[client][i].frame < frame))
            frame = flights->record[client][i].frame;
    return frame;
}

static void infer_rejected(const struct connection *c, struct facts *facts, unsigned by, uint32_t alert_frame)
{
    facts->outcome = OUTCOME_REJECTED;
    facts->outcome_inferred = true;
    facts->rejected_by = side_of(c, by);
    facts->server_data = TRI_FALSE;
    if (alert_frame)
        facts->alert = (struct alert){side_of(c, by), -1, alert_frame};
}

/*
 * A server need not wait for the client's Finished to refuse its certificate (RFC 8446 4.4.2.4): having the first
 * record of the client's answer it says nothing but an alert, and closes.
 */
static bool refused_amid_flight(const struct connection *c, const struct inference *inference)
{
    const unsigned server = c->server, client = 1 - server;
    const struct hidden_flights *flights = c->handshake.flights;

    if (inference->request != INFERRED_REQUESTED || inference->answer == CLIENT_CERT_UNKNOWN ||
        c->handshake.offers_early_data || flights->proven[server] != flights->count[server])
        return false;
    const struct hidden_record *said = server_record_behind(c, flights->record[client][0].end);
    const uint32_t closed = client_close(c, inference);
    return said && said == &flights->record[server][flights->count[server] - 1] &&
           inference_is_alert(c->cipher, said->length) && c->closed_frame[server] &&
           (closed == 0 || said->frame < closed);
}

/* What the server did first once it had the client's Finished (RFC 8446 4.4.4, 6). */
static void infer_outcome(const struct connection *c, const struct inference *inference, struct facts *facts)
{
    const unsigned server = c->server, client = 1 - server;
    const struct hidden_flights *flights = c->handshake.flights;

    if (facts->outcome != OUTCOME_INCOMPLETE)
        return;
    if (inference->client_alert) {
        infer_rejected(c, facts, client, flights->record[client][0].frame);
        return;
    }
    if (inference->client_flight == 0) {
        if (refused_amid_flight(c, inference))
            infer_rejected(c, facts, server, flights->record[server][flights->count[server] - 1].frame);
        return;
    }
    const uint32_t closed = client_close(c, inference);
    const struct hidden_record *answer =
        server_record_behind(c, flights->record[client][inference->client_flight - 1].end);
    if (answer && !inference_is_alert(c->cipher, answer->length)) {
        facts->outcome = OUTCOME_COMPLETED;
        facts->outcome_inferred = true;
        facts->server_data = TRI_UNKNOWN; /* a ticket looks like data */
        for (unsigned i = inference->client_flight; i < flights->count[client]; i++)
            facts->client_data =
                facts->client_data || !inference_is_alert(c->cipher, flights->record[client][i].length);
    } else if (answer) {
        if (closed == 0 || answer->frame < closed) /* behind a close of the client it may only be its answer */
            infer_rejected(c, facts, server, answer->frame);
    } else if (c->closed_frame[server] && c->closed_whole[server] &&
               (closed == 0 || c->closed_frame[server] < closed) && flights->count[server] < INFERENCE_RECORDS &&
               flights->proven[server] == flights->count[server]) {
        infer_rejected(c, facts, server, 0);
    }
}

/* RFC 8446 4.6.2: behind the client's Finished, a request is as hidden as a ticket or data. */
static bool may_have_asked_later(const struct connection *c, const struct inference *inference)
{
    const unsigned client = 1 - c->server;
    const struct hidden_flights *flights = c->handshake.flights;

    if (!c->handshake.offers_post_handshake_auth && c->handshake.client_hello)
        return false;
    return inference->client_flight == 0 || lost_from_server(c) ||
           server_record_behind(c, flights->record[client][inference->client_flight - 1].end);
}

static void conclude_from_lengths(const struct connection *c, struct facts *facts)
{
    if (facts->client_auth != CLIENT_AUTH_UNKNOWN || !lengths_apply(c))
        return;
    const struct inference inference = infer_from_lengths(c);
    if (inference.conflict) {
        conclude_unknown(facts, REASON_CONFLICTING_EVIDENCE);
        return;
    }
    infer_outcome(c, &inference, facts);
    if (inference.request == INFERRED_NOTHING)
        return;
    if (inference.request == INFERRED_NOT_REQUESTED) {
        if (may_have_asked_later(c, &inference)) {
            conclude_unknown(facts, REASON_POST_HANDSHAKE_AUTH_POSSIBLE);
            return;
        }
        facts->client_auth = CLIENT_AUTH_NOT_REQUESTED;
        facts->client_cert = inference.client_flight ? CLIENT_CERT_NONE : CLIENT_CERT_UNKNOWN;
    } else {
        facts->client_cert = inference.answer;
        facts->client_auth = CLIENT_AUTH_REQUESTED;
        if (inference.answer == CLIENT_CERT_EMPTY && facts->outcome == OUTCOME_COMPLETED)
            facts->client_auth = CLIENT_AUTH_OPTIONAL;
        else if (inference.answer == CLIENT_CERT_EMPTY && facts->rejected_by == SIDE_SERVER)
            facts->client_auth = CLIENT_AUTH_REQUIRED;
    }
    facts->evidence = EVIDENCE_RECORD_LENGTHS;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static GPtrArray *parsed_chain(struct connection *c, unsigned side)
{
    struct chain *chain = &c->chain[side];

    if (!chain->der)
        return chain->parsed;
    chain->parsed = g_ptr_array_new_with_free_func((GDestroyNotify)certificate_unref);
    for (unsigned i = 0; i < chain->der->len; i++) {
        const struct certificate *certificate = certificate_of(g_ptr_array_index(chain->der, i));
        c->caveats |= certificate->parsed ? 0 : CAVEAT_CERTIFICATE_NOT_PARSED;
        g_ptr_array_add(chain->parsed, (void *)(uintptr_t)certificate);
    }
    g_clear_pointer(&chain->der, g_ptr_array_unref); /* the certificates have theirs, one for all connections */
    return chain->parsed;
}

static enum client_auth_eku leaf_eku(const GPtrArray *chain)
{
    return chain ? ((struct certificate *)g_ptr_array_index(chain, 0))->client_auth_eku : EKU_UNKNOWN;
}

void connection_facts(struct connection *c, struct facts *facts)
{
    memset(facts, 0, sizeof *facts);
    if (c->server == NOBODY)
        connection_guess_server(c, (const bool[2]){false, false});
    const unsigned server = c->server, client = 1 - c->server;

    facts->stream = c->stream_number;
    facts->first_frame = c->first_frame;
    facts->verdict_frame = c->verdict_frame;
    facts->last_frame = c->last_frame;
    facts->start = c->start;
    facts->end = c->end;
    facts->client_ip = c->address[client];
    facts->server_ip = c->address[server];
    facts->client_port = c->port[client];
    facts->server_port = c->port[server];
    facts->role_from = c->role_from;
    facts->sni = c->sni;
    facts->alpn = c->alpn;
    facts->alpn_offered = c->alpn_offered;
    facts->sip = c->sip;
    facts->version = c->version;
    facts->cipher = c->cipher;
    facts->resumed = c->handshake.resumed && !c->handshake.external_key;
    facts->history = c->history->str;
    facts->certificate_request_frame = c->request_frame;
    facts->authorities = c->requested ? c->authorities : NULL;
    facts->client_chain = parsed_chain(c, client);
    facts->server_chain = parsed_chain(c, server);
    facts->client_eku = leaf_eku(facts->client_chain);
    facts->server_eku = leaf_eku(facts->server_chain);
    facts->client_chain_excludes = chain_excludes_client_auth(facts->client_chain);
    facts->server_chain_excludes = chain_excludes_client_auth(facts->server_chain);
    facts->alert = c->alert;
    facts->closed_first = side_of(c, c->closed_first);
    facts->caveats = c->caveats | (c->syn_from == NOBODY ? CAVEAT_NO_SYN : 0) |
                     (c->handshake.external_key ? CAVEAT_EXTERNAL_KEY : 0);
    if (facts->closed_first == SIDE_CLIENT && c->data[client] && !c->data[server])
        facts->caveats |= CAVEAT_CLIENT_CLOSED_FIRST;
    conclude_outcome(c, facts);
    conclude_client_auth(c, facts);
    conclude_from_original(c, facts);
    conclude_from_lengths(c, facts);
    verdict_decide(facts);
}
