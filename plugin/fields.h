/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fields.h - the display fields, subtrees and expert infos of the post-dissector, and their registration
 *
 * What a field means is said where it is registered.
 */
#ifndef SIPTLS_FIELDS_H
#define SIPTLS_FIELDS_H

#include <epan/expert.h>

extern int ett_siptls;
extern int ett_siptls_certificate;

extern int hf_siptls_stream;
extern int hf_siptls_client;
extern int hf_siptls_server;
extern int hf_siptls_sni;
extern int hf_siptls_alpn;
extern int hf_siptls_version;
extern int hf_siptls_cipher;
extern int hf_siptls_client_auth;
extern int hf_siptls_client_cert;
extern int hf_siptls_outcome;
extern int hf_siptls_server_data;
extern int hf_siptls_evidence;
extern int hf_siptls_impact;
extern int hf_siptls_reason;
extern int hf_siptls_alert;
extern int hf_siptls_alert_from;
extern int hf_siptls_alert_code;
extern int hf_siptls_resumed;
extern int hf_siptls_inferred;
extern int hf_siptls_revised;
extern int hf_siptls_certificate_request;
extern int hf_siptls_certificate_request_frame;
extern int hf_siptls_certificate_request_authority;
extern int hf_siptls_resumed_from;
extern int hf_siptls_cert_side;
extern int hf_siptls_cert_position;
extern int hf_siptls_cert_subject;
extern int hf_siptls_cert_issuer;
extern int hf_siptls_cert_san;
extern int hf_siptls_cert_sha256;
extern int hf_siptls_cert_not_before;
extern int hf_siptls_cert_not_after;
extern int hf_siptls_cert_eku;
extern int hf_siptls_cert_client_auth_eku;

extern expert_field ei_siptls_certificate_request_seen;
extern expert_field ei_siptls_cert_client_auth_present;
extern expert_field ei_siptls_cert_client_auth_absent;
extern expert_field ei_siptls_rejected;
extern expert_field ei_siptls_undetermined;
extern expert_field ei_siptls_concluded_from_lengths;

/* Once, for the protocol. */
void fields_register(int protocol);

#endif
