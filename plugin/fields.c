/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fields.h"

#include <epan/packet.h>

int ett_siptls = -1;
int ett_siptls_certificate = -1;

int hf_siptls_stream = -1;
int hf_siptls_client = -1;
int hf_siptls_server = -1;
int hf_siptls_sni = -1;
int hf_siptls_alpn = -1;
int hf_siptls_version = -1;
int hf_siptls_cipher = -1;
int hf_siptls_client_auth = -1;
int hf_siptls_client_cert = -1;
int hf_siptls_outcome = -1;
int hf_siptls_server_data = -1;
int hf_siptls_evidence = -1;
int hf_siptls_impact = -1;
int hf_siptls_reason = -1;
int hf_siptls_alert = -1;
int hf_siptls_alert_from = -1;
int hf_siptls_alert_code = -1;
int hf_siptls_resumed = -1;
int hf_siptls_inferred = -1;
int hf_siptls_revised = -1;
int hf_siptls_certificate_request = -1;
int hf_siptls_certificate_request_frame = -1;
int hf_siptls_certificate_request_authority = -1;
int hf_siptls_resumed_from = -1;
int hf_siptls_cert_side = -1;
int hf_siptls_cert_position = -1;
int hf_siptls_cert_subject = -1;
int hf_siptls_cert_issuer = -1;
int hf_siptls_cert_san = -1;
int hf_siptls_cert_sha256 = -1;
int hf_siptls_cert_not_before = -1;
int hf_siptls_cert_not_after = -1;
int hf_siptls_cert_eku = -1;
int hf_siptls_cert_client_auth_eku = -1;

expert_field ei_siptls_certificate_request_seen = EI_INIT;
expert_field ei_siptls_cert_client_auth_present = EI_INIT;
expert_field ei_siptls_cert_client_auth_absent = EI_INIT;
expert_field ei_siptls_rejected = EI_INIT;
expert_field ei_siptls_undetermined = EI_INIT;
expert_field ei_siptls_concluded_from_lengths = EI_INIT;

static void register_fields(int protocol)
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

    proto_register_field_array(protocol, hf, array_length(hf));
    proto_register_subtree_array(ett, array_length(ett));
}

static void register_experts(int protocol)
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

    expert_register_field_array(expert_register_protocol(protocol), ei, array_length(ei));
}

void fields_register(int protocol)
{
    register_fields(protocol);
    register_experts(protocol);
}
