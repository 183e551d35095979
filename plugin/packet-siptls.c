/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet-siptls.c - SIP over TLS, client authentication: a post-dissector
 *
 * For every TLS connection that carries SIP: does the server ask the client for a certificate
 * (RFC 5246 7.4.4, RFC 8446 4.3.2), and would the connection survive if the client's certificate
 * lost the clientAuth key purpose (RFC 5280 4.2.1.12)?
 *
 * The first visit of a frame observes it (observe.h), moves its connection on (connection.h) and
 * keeps what there is to show; later visits only show it again. No value in a packet is a bug of ours.
 */
#include "packet-siptls.h"

#include "certificate.h"
#include "names.h"
#include "networks.h"
#include "observe.h"
#include "tap-siptls.h"
#include "ws-compat.h"

#include <epan/expert.h>
#include <epan/prefs.h>
#include <epan/proto_data.h>
#include <epan/tap.h>
#include <epan/to_str.h>

static int proto_siptls = -1;
static int siptls_tap = -1;
static dissector_handle_t siptls_handle;

static int ett_siptls = -1;
static int ett_siptls_certificate = -1;

static int hf_siptls_stream = -1;
static int hf_siptls_client = -1;
static int hf_siptls_server = -1;
static int hf_siptls_sni = -1;
static int hf_siptls_alpn = -1;
static int hf_siptls_version = -1;
static int hf_siptls_cipher = -1;
static int hf_siptls_client_auth = -1;
static int hf_siptls_client_cert = -1;
static int hf_siptls_outcome = -1;
static int hf_siptls_server_data = -1;
static int hf_siptls_evidence = -1;
static int hf_siptls_impact = -1;
static int hf_siptls_reason = -1;
static int hf_siptls_alert = -1;
static int hf_siptls_alert_from = -1;
static int hf_siptls_alert_code = -1;
static int hf_siptls_resumed = -1;
static int hf_siptls_inferred = -1;
static int hf_siptls_revised = -1;
static int hf_siptls_certificate_request = -1;
static int hf_siptls_certificate_request_frame = -1;
static int hf_siptls_certificate_request_authority = -1;
static int hf_siptls_resumed_from = -1;
static int hf_siptls_cert_side = -1;
static int hf_siptls_cert_position = -1;
static int hf_siptls_cert_subject = -1;
static int hf_siptls_cert_issuer = -1;
static int hf_siptls_cert_san = -1;
static int hf_siptls_cert_sha256 = -1;
static int hf_siptls_cert_not_before = -1;
static int hf_siptls_cert_not_after = -1;
static int hf_siptls_cert_eku = -1;
static int hf_siptls_cert_client_auth_eku = -1;

static expert_field ei_siptls_certificate_request_seen = EI_INIT;
static expert_field ei_siptls_cert_client_auth_present = EI_INIT;
static expert_field ei_siptls_cert_client_auth_absent = EI_INIT;
static expert_field ei_siptls_rejected = EI_INIT;
static expert_field ei_siptls_undetermined = EI_INIT;
static expert_field ei_siptls_concluded_from_lengths = EI_INIT;

static range_t *preference_ports;
static ws_bool_preference preference_any_port;
static const char *preference_own_networks = "";
static ws_bool_preference preference_infer = 1;

static struct networks *own_networks;
static dissector_table_t tls_ports;
static int proto_sip = -1;

/* ---- what is kept of the open capture ---------------------------------------------------------- */

static GHashTable *by_stream;  /* tcp.stream -> the newest struct connection * on it */
static GPtrArray *connections; /* of struct connection *, all of them */
static struct sessions *sessions;
static struct observation observation;
static uint64_t frames_seen;
static struct connection *latest; /* of the frame dissected last */
static bool shows_nothing;
static unsigned generation;

static void siptls_init(void)
{
    by_stream = g_hash_table_new(g_direct_hash, g_direct_equal);
    connections = g_ptr_array_new_with_free_func((GDestroyNotify)connection_free);
    sessions = sessions_new();
    observation_init(&observation);
    frames_seen = 0;
    latest = NULL;
    generation++;
}

static void siptls_cleanup(void)
{
    g_clear_pointer(&by_stream, g_hash_table_unref);
    g_clear_pointer(&connections, g_ptr_array_unref);
    g_clear_pointer(&sessions, sessions_free);
    observation_clear(&observation);
    generation++;
}

uint64_t siptls_frames(void) { return frames_seen; }
void siptls_show_nothing(void) { shows_nothing = true; }
struct connection *siptls_latest_connection(void) { return latest; }
unsigned siptls_generation(void) { return generation; }

enum owner siptls_owner(const char *server_ip)
{
    if (networks_is_empty(own_networks))
        return OWNER_UNKNOWN;
    return networks_contain(own_networks, server_ip) ? OWNER_OWN : OWNER_THEIRS;
}

char *siptls_socket_text(const char *ip, uint16_t port)
{
    return g_strdup_printf(strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, port);
}

/* ---- what is shown on a frame ------------------------------------------------------------------ */

enum shown_kind { SHOWN_TEXT, SHOWN_NUMBER, SHOWN_BOOLEAN, SHOWN_TIME, SHOWN_GROUP, SHOWN_GROUP_END, SHOWN_EXPERT };

/* One tree item or expert info, computed on the first visit and replayed on every later one. */
struct shown {
    enum shown_kind kind;
    const int *hf;
    expert_field *expert;
    const char *text;
    uint32_t number;
    int64_t seconds;
};

struct frame_result {
    struct connection *connection;
    unsigned count, room;
    struct shown *shown;
};

static struct shown *show(struct frame_result *result, enum shown_kind kind, const int *hf)
{
    if (result->count == result->room) {
        result->room = result->room ? 2 * result->room : 16;
        result->shown = wmem_realloc(wmem_file_scope(), result->shown, result->room * sizeof *result->shown);
    }
    struct shown *shown = &result->shown[result->count++];
    *shown = (struct shown){.kind = kind, .hf = hf};
    return shown;
}

static void show_text(struct frame_result *result, const int *hf, const char *text)
{
    if (text)
        show(result, SHOWN_TEXT, hf)->text = wmem_strdup(wmem_file_scope(), text);
}

static void show_number(struct frame_result *result, const int *hf, uint32_t number)
{
    show(result, SHOWN_NUMBER, hf)->number = number;
}

static void show_frame(struct frame_result *result, const int *hf, uint32_t frame)
{
    if (frame)
        show_number(result, hf, frame);
}

static void show_boolean(struct frame_result *result, const int *hf, bool value)
{
    show(result, SHOWN_BOOLEAN, hf)->number = value;
}

static void show_time(struct frame_result *result, const int *hf, int64_t seconds)
{
    if (seconds != -1)
        show(result, SHOWN_TIME, hf)->seconds = seconds;
}

static void show_texts(struct frame_result *result, const int *hf, const GPtrArray *texts)
{
    for (unsigned i = 0; texts && i < texts->len; i++)
        show_text(result, hf, g_ptr_array_index(texts, i));
}

G_GNUC_PRINTF(3, 4)
static void show_expert(struct frame_result *result, expert_field *expert, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct shown *shown = show(result, SHOWN_EXPERT, NULL);
    shown->expert = expert;
    char *text = wmem_strdup_vprintf(wmem_file_scope(), format, arguments);
    const char *end;
    if (strlen(text) >= ITEM_LABEL_LENGTH && !g_utf8_validate_len(text, ITEM_LABEL_LENGTH - 1, &end))
        text[end - text] = '\0';
    shown->text = text;
    va_end(arguments);
}

/* Adds everything kept for this frame. A NULL tree still gets the expert infos. */
static void replay(const struct frame_result *result, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    proto_item *item = NULL;
    proto_tree *top = NULL, *at;

    if (result->count == 0)
        return;
    if (tree) {
        item = proto_tree_add_item(tree, proto_siptls, tvb, 0, 0, ENC_NA);
        proto_item_set_generated(item);
        top = proto_item_add_subtree(item, ett_siptls);
    }
    at = top;
    for (unsigned i = 0; i < result->count; i++) {
        const struct shown *shown = &result->shown[i];
        proto_item *added = NULL;
        nstime_t time = {.secs = (time_t)shown->seconds};

        switch (shown->kind) {
        case SHOWN_TEXT:
            added = proto_tree_add_string(at, *shown->hf, tvb, 0, 0, shown->text);
            break;
        case SHOWN_NUMBER:
            added = proto_tree_add_uint(at, *shown->hf, tvb, 0, 0, shown->number);
            break;
        case SHOWN_BOOLEAN:
            added = proto_tree_add_boolean(at, *shown->hf, tvb, 0, 0, shown->number);
            break;
        case SHOWN_TIME:
            added = proto_tree_add_time(at, *shown->hf, tvb, 0, 0, &time);
            break;
        case SHOWN_GROUP:
            at = proto_tree_add_subtree(top, tvb, 0, 0, ett_siptls_certificate, &added, shown->text);
            break;
        case SHOWN_GROUP_END:
            at = top;
            break;
        case SHOWN_EXPERT:
            expert_add_info_format(pinfo, item, shown->expert, "%s", shown->text);
            break;
        }
        if (added)
            proto_item_set_generated(added);
    }
}

/* ---- what a frame has to say ------------------------------------------------------------------- */

static void publish_identity(struct frame_result *result, const struct facts *facts)
{
    g_autofree char *client = siptls_socket_text(facts->client_ip, facts->client_port);
    g_autofree char *server = siptls_socket_text(facts->server_ip, facts->server_port);

    show_number(result, &hf_siptls_stream, facts->stream);
    show_text(result, &hf_siptls_client, client);
    show_text(result, &hf_siptls_server, server);
    show_text(result, &hf_siptls_sni, facts->sni);
}

static void publish_request(struct frame_result *result, const struct facts *facts, uint32_t frame)
{
    g_autofree char *server = siptls_socket_text(facts->server_ip, facts->server_port);
    g_autofree char *advice =
        advice_text(IMPACT_AT_RISK, REASON_ANSWER_NOT_SEEN, siptls_owner(facts->server_ip), server);

    show_boolean(result, &hf_siptls_certificate_request, true);
    show_texts(result, &hf_siptls_certificate_request_authority, facts->authorities);
    show_expert(result, &ei_siptls_certificate_request_seen, "Server %s asks for a client certificate (%sframe %u): %s",
                server, facts->evidence == EVIDENCE_RECORD_LENGTHS ? "by the record lengths, " : "", frame, advice);
}

static void publish_certificate(struct frame_result *result, const struct certificate *certificate, enum side side,
                                unsigned position)
{
    show(result, SHOWN_GROUP, NULL)->text =
        wmem_strdup_printf(wmem_file_scope(), "Certificate of the %s, %s", side_name(side),
                           position == 0 ? "leaf" : "issuer in the chain");
    show_text(result, &hf_siptls_cert_side, side_name(side));
    show_number(result, &hf_siptls_cert_position, position);
    show_text(result, &hf_siptls_cert_subject, certificate->subject);
    show_text(result, &hf_siptls_cert_issuer, certificate->issuer);
    show_texts(result, &hf_siptls_cert_san, certificate->san);
    show_text(result, &hf_siptls_cert_sha256, certificate->sha256);
    show_time(result, &hf_siptls_cert_not_before, certificate->not_before);
    show_time(result, &hf_siptls_cert_not_after, certificate->not_after);
    show_texts(result, &hf_siptls_cert_eku, certificate->eku);
    show_text(result, &hf_siptls_cert_client_auth_eku, client_auth_eku_name(certificate->client_auth_eku));
    show(result, SHOWN_GROUP_END, NULL);
}

static void publish_chain(struct frame_result *result, const struct facts *facts, enum side side, uint32_t frame)
{
    const GPtrArray *chain = side == SIDE_CLIENT ? facts->client_chain : facts->server_chain;

    for (unsigned i = 0; chain && i < chain->len; i++)
        publish_certificate(result, g_ptr_array_index(chain, i), side, i);
    if (!chain || chain->len == 0)
        return;
    const struct certificate *leaf = g_ptr_array_index(chain, 0);
    if (leaf->client_auth_eku == EKU_YES)
        show_expert(result, &ei_siptls_cert_client_auth_present,
                    "The %s's certificate (frame %u) still carries clientAuth; its renewal by a public CA will not",
                    side_name(side), frame);
    else if (side == SIDE_CLIENT && (leaf->client_auth_eku == EKU_NO || facts->client_chain_excludes == TRI_TRUE))
        show_expert(
            result, &ei_siptls_cert_client_auth_absent,
            "The client's certificate%s (frame %u) does not allow clientAuth: this server asked for one that does",
            leaf->client_auth_eku == EKU_NO ? "" : " chain", frame);
}

static void publish_rejection(struct frame_result *result, const struct facts *facts, uint32_t frame)
{
    const bool readable = facts->alert.from != SIDE_NONE && facts->alert.code >= 0;
    const char *name = readable ? alert_name(facts->alert.code) : NULL;
    g_autofree char *how = readable
                               ? g_strdup_printf("with alert %s (%d)", name ? name : "unassigned", facts->alert.code)
                           : facts->alert.from != SIDE_NONE ? g_strdup("with an encrypted alert")
                                                            : g_strdup("by closing the connection");

    show_expert(result, &ei_siptls_rejected, "The %s ended the handshake %s (frame %u)", side_name(facts->rejected_by),
                how, frame);
}

static void publish_alert(struct frame_result *result, const struct alert *alert)
{
    if (alert->from == SIDE_NONE)
        return;
    show_text(result, &hf_siptls_alert_from, side_name(alert->from));
    if (alert->code < 0)
        return;
    show_text(result, &hf_siptls_alert, alert_name(alert->code));
    show_number(result, &hf_siptls_alert_code, (uint32_t)alert->code);
}

static void publish_verdict(struct frame_result *result, const struct facts *facts, bool revised)
{
    const bool inferred = facts->evidence == EVIDENCE_CLIENT_FLIGHT || facts->evidence == EVIDENCE_RECORD_LENGTHS ||
                          facts->evidence == EVIDENCE_ORIGINAL_HANDSHAKE;
    /* more may come on a connection that is still open */
    const enum tristate server_data =
        facts->server_data == TRI_FALSE && facts->closed_first == SIDE_NONE ? TRI_UNKNOWN : facts->server_data;

    show_text(result, &hf_siptls_alpn, facts->alpn);
    show_text(result, &hf_siptls_version, tls_version_name(facts->version));
    show_text(result, &hf_siptls_cipher, facts->cipher);
    show_boolean(result, &hf_siptls_resumed, facts->resumed);
    show_frame(result, &hf_siptls_resumed_from, facts->resumed_from);
    show_frame(result, &hf_siptls_certificate_request_frame, facts->certificate_request_frame);
    show_text(result, &hf_siptls_client_auth, client_auth_name(facts->client_auth));
    show_text(result, &hf_siptls_client_cert, client_cert_name(facts->client_cert));
    show_text(result, &hf_siptls_outcome, outcome_name(facts->outcome));
    show_text(result, &hf_siptls_server_data, yes_no_unknown(server_data));
    publish_alert(result, &facts->alert);
    show_text(result, &hf_siptls_evidence, evidence_name(facts->evidence));
    show_boolean(result, &hf_siptls_inferred, inferred);
    show_text(result, &hf_siptls_impact, impact_name(facts->impact));
    show_text(result, &hf_siptls_reason, reason_name(facts->reason));
    if (revised)
        show_boolean(result, &hf_siptls_revised, true);
    if (facts->impact == IMPACT_UNDETERMINED) {
        g_autofree char *server = siptls_socket_text(facts->server_ip, facts->server_port);
        g_autofree char *advice = advice_text(facts->impact, facts->reason, OWNER_UNKNOWN, server);
        show_expert(result, &ei_siptls_undetermined, "Undetermined (%s): %s; %s", reason_name(facts->reason),
                    reason_text(facts->reason), advice);
    }
    if (facts->evidence == EVIDENCE_RECORD_LENGTHS)
        show_expert(result, &ei_siptls_concluded_from_lengths, "Concluded from the lengths of encrypted records");
}

static void publish(struct frame_result *result, struct connection *connection, unsigned events, uint32_t frame)
{
    struct facts facts;

    connection_facts(connection, &facts);
    publish_identity(result, &facts);
    if (events & EVENT_CERTIFICATE_REQUEST)
        publish_request(result, &facts, frame);
    if (events & EVENT_SERVER_CERTIFICATE)
        publish_chain(result, &facts, SIDE_SERVER, frame);
    if (events & EVENT_CLIENT_CERTIFICATE)
        publish_chain(result, &facts, SIDE_CLIENT, frame);
    const bool inferred_rejection = facts.outcome_inferred && facts.outcome == OUTCOME_REJECTED;
    if ((events & EVENT_REJECTED) || ((events & EVENT_VERDICT) && inferred_rejection))
        publish_rejection(result, &facts, frame);
    if (events & EVENT_VERDICT)
        publish_verdict(result, &facts, events & EVENT_REVISED);
    if ((events & EVENT_VERDICT) && facts.evidence == EVIDENCE_RECORD_LENGTHS &&
        facts.client_auth != CLIENT_AUTH_NOT_REQUESTED)
        publish_request(result, &facts, frame);
}

/* ---- is it SIP --------------------------------------------------------------------------------- */

static bool is_sip_handle(dissector_handle_t handle)
{
    return handle && dissector_handle_get_protocol_index(handle) == proto_sip;
}

static enum sip_by look_up_port(uint16_t port)
{
    if (value_is_in_range(preference_ports, port) || is_sip_handle(dissector_get_default_uint_handle("tls.port", port)))
        return SIP_BY_PORT;
    if (tls_ports && is_sip_handle(dissector_get_uint_handle(tls_ports, port)))
        return SIP_BY_DECODE_AS;
    return SIP_NO;
}

bool siptls_is_sip_port(uint16_t port) { return look_up_port(port) != SIP_NO; }

/* Asked for every frame of TLS connections that are not SIP: looked up once a port and capture. */
static enum sip_by sip_by_port(uint16_t port)
{
    static uint8_t known[65536]; /* enum sip_by + 1 */
    static unsigned known_for;

    if (known_for != generation) {
        memset(known, 0, sizeof known);
        known_for = generation;
    }
    if (!known[port])
        known[port] = (uint8_t)(1 + look_up_port(port));
    return (enum sip_by)(known[port] - 1);
}

static void recognise_sip(struct connection *connection)
{
    uint16_t port = 0;

    if (connection_sip(connection) != SIP_NO)
        return;
    if (connection_server_port(connection, &port) == ROLE_FROM_NOTHING) {
        const bool is_sip_port[2] = {sip_by_port(connection_port(connection, 0)) != SIP_NO,
                                     sip_by_port(connection_port(connection, 1)) != SIP_NO};
        connection_guess_server(connection, is_sip_port);
        connection_server_port(connection, &port);
    }
    enum sip_by by = sip_by_port(port);
    if (by == SIP_NO && connection_offers_alpn(connection, "sip/2"))
        by = SIP_BY_ALPN;
    if (by == SIP_NO && connection_has_sip_payload(connection))
        by = SIP_BY_PAYLOAD;
    if (by == SIP_NO && preference_any_port)
        by = SIP_BY_ANY_PORT;
    connection_set_sip(connection, by);
}

/* ---- frames ------------------------------------------------------------------------------------ */

static bool is_same_end(packet_info *pinfo, const struct connection *connection, const struct segment_ends *ends)
{
    if (connection_port(connection, 0) != connection_port(connection, 1))
        return ends->source_port == connection_port(connection, 0);
    char *source = address_to_str(pinfo->pool, &pinfo->src);
    return strcmp(source, connection_address(connection, 0)) == 0;
}

static struct connection *connection_of(packet_info *pinfo, const struct segment_ends *ends)
{
    struct connection *connection = g_hash_table_lookup(by_stream, GUINT_TO_POINTER(ends->stream));

    if (connection) {
        observation.from = is_same_end(pinfo, connection, ends) ? 0 : 1;
        if (!connection_is_over(connection, &observation))
            return connection;
    }
    const char *const address[2] = {address_to_str(pinfo->pool, &pinfo->src), address_to_str(pinfo->pool, &pinfo->dst)};
    const uint16_t port[2] = {ends->source_port, ends->destination_port};
    connection = connection_new(ends->stream, address, port);
    connection_set_infers(connection, preference_infer);
    connection_set_sessions(connection, sessions);
    g_ptr_array_add(connections, connection);
    g_hash_table_insert(by_stream, GUINT_TO_POINTER(ends->stream), connection);
    observation.from = 0;
    return connection;
}

/* The first visit: everything is learnt here. NULL when there is nothing to keep. */
static struct frame_result *learn(packet_info *pinfo, proto_tree *tree, struct connection **touched)
{
    struct segment_ends ends;

    frames_seen++;
    latest = NULL;
    if (!tree || !observe_frame(pinfo, tree, &observation, &ends))
        return NULL;
    struct connection *connection = latest = connection_of(pinfo, &ends);
    const bool had_tls = connection_has_tls(connection);
    unsigned events = connection_observe(connection, &observation);
    if (!connection_has_tls(connection))
        return NULL;
    if (observation.tls)
        recognise_sip(connection);
    if (connection_changed(connection))
        *touched = connection;
    events |= connection_verdict_event(connection, pinfo->num);
    if (connection_sip(connection) == SIP_NO)
        events = 0;
    if (shows_nothing || (had_tls && !events))
        return NULL;
    struct frame_result *result = wmem_new0(wmem_file_scope(), struct frame_result);
    result->connection = connection;
    if (events)
        publish(result, connection, events, pinfo->num);
    return result;
}

static int dissect_siptls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    struct frame_result *result = NULL;
    struct connection *touched = NULL;

    if (!by_stream)
        return 0;
    if (!PINFO_FD_VISITED(pinfo)) {
        result = learn(pinfo, tree, &touched);
        if (result)
            p_add_proto_data(wmem_file_scope(), pinfo, proto_siptls, 0, result);
    } else {
        result = p_get_proto_data(wmem_file_scope(), pinfo, proto_siptls, 0);
    }
    if (result) {
        replay(result, tvb, pinfo, tree);
        touched = result->connection;
    }
    if (touched && have_tap_listener(siptls_tap))
        tap_queue_packet(siptls_tap, pinfo, touched);
    return 0; /* nothing of the frame is ours: it stays out of frame.protocols */
}

/* ---- registration ------------------------------------------------------------------------------ */

static void preferences_changed(void)
{
    char *bad = NULL;
    struct networks *networks = networks_parse(preference_own_networks, &bad);

    if (!networks)
        ws_warning("siptls.own_networks: \"%s\" is not a network in CIDR notation", bad);
    g_free(bad);
    networks_free(own_networks);
    own_networks = networks;
}

static void register_fields(void)
{
    static hf_register_info hf[] = {
        {&hf_siptls_stream,
         {"Stream", "siptls.stream", FT_UINT32, BASE_DEC, NULL, 0, "tcp.stream of the connection", HFILL}},
        {&hf_siptls_client, {"TLS client", "siptls.client", FT_STRING, BASE_NONE, NULL, 0, "Address and port", HFILL}},
        {&hf_siptls_server, {"TLS server", "siptls.server", FT_STRING, BASE_NONE, NULL, 0, "Address and port", HFILL}},
        {&hf_siptls_sni,
         {"Server name", "siptls.sni", FT_STRING, BASE_NONE, NULL, 0, "Asked for by the client (SNI)", HFILL}},
        {&hf_siptls_alpn, {"ALPN", "siptls.alpn", FT_STRING, BASE_NONE, NULL, 0, "Chosen application protocol", HFILL}},
        {&hf_siptls_version, {"TLS version", "siptls.version", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL}},
        {&hf_siptls_cipher, {"Cipher suite", "siptls.cipher", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL}},
        {&hf_siptls_client_auth,
         {"Server asks for a client certificate", "siptls.client_auth", FT_STRING, BASE_NONE, NULL, 0,
          "not_requested, optional, required, requested or unknown", HFILL}},
        {&hf_siptls_client_cert,
         {"Client answers", "siptls.client_cert", FT_STRING, BASE_NONE, NULL, 0, "none, empty, present or unknown",
          HFILL}},
        {&hf_siptls_outcome,
         {"Handshake outcome", "siptls.outcome", FT_STRING, BASE_NONE, NULL, 0, "completed, rejected or incomplete",
          HFILL}},
        {&hf_siptls_server_data,
         {"Server sent application data", "siptls.server_data", FT_STRING, BASE_NONE, NULL, 0, "yes, no or unknown",
          HFILL}},
        {&hf_siptls_evidence,
         {"Evidence", "siptls.evidence", FT_STRING, BASE_NONE, NULL, 0, "What client_auth was concluded from", HFILL}},
        {&hf_siptls_impact,
         {"Impact of losing the clientAuth EKU", "siptls.impact", FT_STRING, BASE_NONE, NULL, 0,
          "unaffected, tolerant, at_risk, failing or undetermined", HFILL}},
        {&hf_siptls_reason,
         {"Reason", "siptls.reason", FT_STRING, BASE_NONE, NULL, 0, "Why the impact is what it is", HFILL}},
        {&hf_siptls_alert,
         {"Alert", "siptls.alert", FT_STRING, BASE_NONE, NULL, 0, "Alert that ended the handshake", HFILL}},
        {&hf_siptls_alert_from,
         {"Alert from", "siptls.alert.from", FT_STRING, BASE_NONE, NULL, 0, "client or server", HFILL}},
        {&hf_siptls_alert_code, {"Alert code", "siptls.alert.code", FT_UINT32, BASE_DEC, NULL, 0, NULL, HFILL}},
        {&hf_siptls_resumed, {"Resumed session", "siptls.resumed", FT_BOOLEAN, BASE_NONE, NULL, 0, NULL, HFILL}},
        {&hf_siptls_inferred,
         {"Inferred", "siptls.inferred", FT_BOOLEAN, BASE_NONE, NULL, 0,
          "client_auth was concluded without seeing the server's flight", HFILL}},
        {&hf_siptls_revised,
         {"Revised verdict", "siptls.revised", FT_BOOLEAN, BASE_NONE, NULL, 0,
          "An earlier frame carries another verdict on this connection", HFILL}},
        {&hf_siptls_certificate_request,
         {"CertificateRequest", "siptls.certificate_request", FT_BOOLEAN, BASE_NONE, NULL, 0,
          "The server asks for a client certificate in this frame", HFILL}},
        {&hf_siptls_certificate_request_frame,
         {"CertificateRequest in", "siptls.certificate_request.frame", FT_FRAMENUM, BASE_NONE, NULL, 0, NULL, HFILL}},
        {&hf_siptls_certificate_request_authority,
         {"Accepted authority", "siptls.certificate_request.authority", FT_STRING, BASE_NONE, NULL, 0,
          "A name of the CertificateRequest's certificate_authorities", HFILL}},
        {&hf_siptls_resumed_from,
         {"Resumed from", "siptls.resumed_from", FT_FRAMENUM, BASE_NONE, NULL, 0, "The original handshake", HFILL}},
        {&hf_siptls_cert_side,
         {"Presented by", "siptls.cert.side", FT_STRING, BASE_NONE, NULL, 0, "client or server", HFILL}},
        {&hf_siptls_cert_position,
         {"Position", "siptls.cert.position", FT_UINT32, BASE_DEC, NULL, 0, "In the chain; 0 is the leaf", HFILL}},
        {&hf_siptls_cert_subject, {"Subject", "siptls.cert.subject", FT_STRING, BASE_NONE, NULL, 0, "RFC 4514", HFILL}},
        {&hf_siptls_cert_issuer, {"Issuer", "siptls.cert.issuer", FT_STRING, BASE_NONE, NULL, 0, "RFC 4514", HFILL}},
        {&hf_siptls_cert_san,
         {"Subject alternative name", "siptls.cert.san", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL}},
        {&hf_siptls_cert_sha256,
         {"SHA-256 fingerprint", "siptls.cert.sha256", FT_STRING, BASE_NONE, NULL, 0, NULL, HFILL}},
        {&hf_siptls_cert_not_before,
         {"Not before", "siptls.cert.not_before", FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC, NULL, 0, NULL, HFILL}},
        {&hf_siptls_cert_not_after,
         {"Not after", "siptls.cert.not_after", FT_ABSOLUTE_TIME, ABSOLUTE_TIME_UTC, NULL, 0, NULL, HFILL}},
        {&hf_siptls_cert_eku,
         {"Extended key usage", "siptls.cert.eku", FT_STRING, BASE_NONE, NULL, 0, "A key purpose, RFC 5280 4.2.1.12",
          HFILL}},
        {&hf_siptls_cert_client_auth_eku,
         {"clientAuth in the EKU", "siptls.cert.client_auth_eku", FT_STRING, BASE_NONE, NULL, 0,
          "yes, no, any, no_eku or unknown", HFILL}},
    };
    static int *ett[] = {&ett_siptls, &ett_siptls_certificate};

    proto_register_field_array(proto_siptls, hf, array_length(hf));
    proto_register_subtree_array(ett, array_length(ett));
}

static void register_experts(void)
{
    static ei_register_info ei[] = {
        {&ei_siptls_certificate_request_seen,
         {"siptls.certificate_request.seen", PI_SECURITY, PI_WARN, "The server asks for a client certificate",
          EXPFILL}},
        {&ei_siptls_cert_client_auth_present,
         {"siptls.cert.client_auth_present", PI_SECURITY, PI_NOTE, "A presented certificate still carries clientAuth",
          EXPFILL}},
        {&ei_siptls_cert_client_auth_absent,
         {"siptls.cert.client_auth_absent", PI_SECURITY, PI_WARN, "The client's certificate lacks clientAuth",
          EXPFILL}},
        {&ei_siptls_rejected, {"siptls.rejected", PI_SECURITY, PI_WARN, "The TLS handshake was rejected", EXPFILL}},
        {&ei_siptls_undetermined,
         {"siptls.undetermined", PI_ASSUMPTION, PI_NOTE, "Whether the server asks cannot be told from this capture",
          EXPFILL}},
        {&ei_siptls_concluded_from_lengths,
         {"siptls.concluded_from_lengths", PI_ASSUMPTION, PI_NOTE, "Concluded from the lengths of encrypted records",
          EXPFILL}},
    };

    expert_register_field_array(expert_register_protocol(proto_siptls), ei, array_length(ei));
}

static void register_preferences(void)
{
    module_t *module = prefs_register_protocol(proto_siptls, preferences_changed);

    range_convert_str(wmem_epan_scope(), &preference_ports, "5061", 65535);
    prefs_register_range_preference(
        module, "ports", "SIP over TLS ports",
        "Server ports whose TLS connections are SIP, besides those of sip.tls.port and Decode As", &preference_ports,
        65535);
    prefs_register_bool_preference(module, "any_port", "Look at TLS on every port",
                                   "Judge every TLS connection over TCP, whatever its port", &preference_any_port);
    prefs_register_bool_preference(module, "infer", "Conclude from the lengths of encrypted records",
                                   "What TLS 1.3 without keys hides, the lengths of its records may still tell",
                                   &preference_infer);
    prefs_register_string_preference(module, "own_networks", "Own networks",
                                     "Addresses of your own servers (192.0.2.0/24, 2001:db8::/32): decides the advice",
                                     &preference_own_networks);
}

void proto_register_siptls(void)
{
    proto_siptls = proto_register_protocol("SIP over TLS client authentication", "SIP-TLS", "siptls");
    register_fields();
    register_experts();
    register_preferences();
    siptls_tap = register_tap(SIPTLS_TAP);
    siptls_handle = register_dissector("siptls", dissect_siptls, proto_siptls);
    register_init_routine(siptls_init);
    register_cleanup_routine(siptls_cleanup);
    register_postdissector(siptls_handle);
}

void proto_reg_handoff_siptls(void)
{
    static bool done;
    const char *missing;

    if (done)
        return;
    done = true;
    missing = observe_init();
    if (missing) {
        ws_warning("siptls: this Wireshark has no field %s; nothing will be shown", missing);
        return;
    }
    set_postdissector_wanted_hfids(siptls_handle, observe_wanted_fields());
    tls_ports = find_dissector_table("tls.port");
    proto_sip = proto_get_id_by_filter_name("sip");
    preferences_changed();
}
