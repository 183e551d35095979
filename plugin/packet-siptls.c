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

#include "fields.h"
#include "networks.h"
#include "observe.h"
#include "publish.h"
#include "tap-siptls.h"
#include "ws-compat.h"

#include <epan/prefs.h>
#include <epan/proto_data.h>
#include <epan/tap.h>
#include <epan/to_str.h>

static int proto_siptls = -1;
static int siptls_tap = -1;
static dissector_handle_t siptls_handle;

static range_t *preference_ports;
static ws_bool preference_any_port;
static const char *preference_own_networks = "";
static ws_bool preference_infer = 1;

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
    struct frame_result *result = frame_result_new(connection);
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
        frame_result_replay(result, proto_siptls, tvb, pinfo, tree);
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
    fields_register(proto_siptls);
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
