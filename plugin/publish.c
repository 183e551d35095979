/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "publish.h"

#include "advice.h"
#include "certificate.h"
#include "fields.h"
#include "names.h"
#include "packet-siptls.h"

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
    g_autofree char *group =
        g_strdup_printf("Certificate of the %s, %s", side_name(side), position == 0 ? "leaf" : "issuer in the chain");

    show_group(result, group);
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
    show_group_end(result);
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

void publish(struct frame_result *result, struct connection *connection, unsigned events, uint32_t frame)
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
