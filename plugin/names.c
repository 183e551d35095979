/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "names.h"

#include <string.h>

struct words {
    const char *const *word;
    int count;
};

#define WORDS(array)                                                                                                   \
    {                                                                                                                  \
        array, (int)G_N_ELEMENTS(array)                                                                                \
    }

static const char *const client_auth_word[] = {
    [CLIENT_AUTH_UNKNOWN] = "unknown",     [CLIENT_AUTH_NOT_REQUESTED] = "not_requested",
    [CLIENT_AUTH_OPTIONAL] = "optional",   [CLIENT_AUTH_REQUIRED] = "required",
    [CLIENT_AUTH_REQUESTED] = "requested",
};
static const char *const client_cert_word[] = {
    [CLIENT_CERT_UNKNOWN] = "unknown",
    [CLIENT_CERT_NONE] = "none",
    [CLIENT_CERT_EMPTY] = "empty",
    [CLIENT_CERT_PRESENT] = "present",
};
static const char *const eku_word[] = {
    [EKU_UNKNOWN] = "unknown", [EKU_YES] = "yes", [EKU_NO] = "no", [EKU_ANY] = "any", [EKU_NONE] = "no_eku",
};
static const char *const outcome_word[] = {
    [OUTCOME_INCOMPLETE] = "incomplete",
    [OUTCOME_COMPLETED] = "completed",
    [OUTCOME_REJECTED] = "rejected",
};
static const char *const side_word[] = {[SIDE_NONE] = NULL, [SIDE_CLIENT] = "client", [SIDE_SERVER] = "server"};
static const char *const tristate_word[] = {[TRI_UNKNOWN] = "unknown", [TRI_FALSE] = "no", [TRI_TRUE] = "yes"};
static const char *const evidence_word[] = {
    [EVIDENCE_NONE] = "none",
    [EVIDENCE_CLEARTEXT] = "cleartext",
    [EVIDENCE_DECRYPTED] = "decrypted",
    [EVIDENCE_CLIENT_FLIGHT] = "client_flight",
    [EVIDENCE_RECORD_LENGTHS] = "record_lengths",
    [EVIDENCE_ORIGINAL_HANDSHAKE] = "original_handshake",
};
static const char *const impact_word[] = {
    [IMPACT_UNDETERMINED] = "undetermined", [IMPACT_UNAFFECTED] = "unaffected", [IMPACT_TOLERANT] = "tolerant",
    [IMPACT_AT_RISK] = "at_risk",           [IMPACT_FAILING] = "failing",
};
static const char *const reason_word[] = {
    [REASON_NONE] = NULL,
    [REASON_RESUMED] = "resumed",
    [REASON_SUITE_WITHOUT_CERTIFICATES] = "suite_without_certificates",
    [REASON_RENEGOTIATED] = "renegotiated",
    [REASON_POST_HANDSHAKE_AUTH_POSSIBLE] = "post_handshake_auth_possible",
    [REASON_ENCRYPTED] = "encrypted",
    [REASON_HANDSHAKE_NOT_CAPTURED] = "handshake_not_captured",
    [REASON_CAPTURE_GAP] = "capture_gap",
    [REASON_TRUNCATED_PACKETS] = "truncated_packets",
    [REASON_NOT_DISSECTED] = "not_dissected",
    [REASON_CONFLICTING_EVIDENCE] = "conflicting_evidence",
    [REASON_ABORTED_EARLY] = "aborted_early",
    [REASON_NO_CERTIFICATE_REQUEST] = "no_certificate_request",
    [REASON_CLIENT_REFUSED_SERVER] = "client_refused_server",
    [REASON_REJECTED_WITHOUT_CERTIFICATE] = "rejected_without_certificate",
    [REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU] = "rejected_without_client_auth_eku",
    [REASON_REJECTED_CERTIFICATE] = "rejected_certificate",
    [REASON_REJECTED_ANSWER_NOT_SEEN] = "rejected_answer_not_seen",
    [REASON_CLOSED_AFTER_HANDSHAKE] = "closed_after_handshake",
    [REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU] = "accepted_without_client_auth_eku",
    [REASON_ACCEPTANCE_NOT_SEEN] = "acceptance_not_seen",
    [REASON_RELIES_ON_CLIENT_AUTH_EKU] = "relies_on_client_auth_eku",
    [REASON_EKU_UNRESTRICTED] = "eku_unrestricted",
    [REASON_EKU_NOT_VISIBLE] = "eku_not_visible",
    [REASON_ACCEPTED_WITHOUT_CERTIFICATE] = "accepted_without_certificate",
    [REASON_ANSWER_NOT_SEEN] = "answer_not_seen",
    [REASON_OUTCOME_NOT_SEEN] = "outcome_not_seen",
};
static const char *const sip_by_word[] = {
    [SIP_NO] = NULL,        [SIP_BY_PORT] = "port",       [SIP_BY_DECODE_AS] = "decode_as",
    [SIP_BY_ALPN] = "alpn", [SIP_BY_PAYLOAD] = "payload", [SIP_BY_ANY_PORT] = "any",
};
static const char *const role_from_word[] = {
    [ROLE_FROM_NOTHING] = "unknown", [ROLE_FROM_HELLO] = "hello",           [ROLE_FROM_SYN] = "syn",
    [ROLE_FROM_PORT] = "port",       [ROLE_FROM_LOWER_PORT] = "lower_port",
};

/* TLS Alerts registry: RFC 8446 6 and the older ones of RFC 5246 7.2, RFC 4346, RFC 6101. */
static const char *const alert_word[] = {
    [0] = "close_notify",
    [10] = "unexpected_message",
    [20] = "bad_record_mac",
    [21] = "decryption_failed",
    [22] = "record_overflow",
    [30] = "decompression_failure",
    [40] = "handshake_failure",
    [41] = "no_certificate",
    [42] = "bad_certificate",
    [43] = "unsupported_certificate",
    [44] = "certificate_revoked",
    [45] = "certificate_expired",
    [46] = "certificate_unknown",
    [47] = "illegal_parameter",
    [48] = "unknown_ca",
    [49] = "access_denied",
    [50] = "decode_error",
    [51] = "decrypt_error",
    [60] = "export_restriction",
    [70] = "protocol_version",
    [71] = "insufficient_security",
    [80] = "internal_error",
    [86] = "inappropriate_fallback",
    [90] = "user_canceled",
    [100] = "no_renegotiation",
    [109] = "missing_extension",
    [110] = "unsupported_extension",
    [111] = "certificate_unobtainable",
    [112] = "unrecognized_name",
    [113] = "bad_certificate_status_response",
    [114] = "bad_certificate_hash_value",
    [115] = "unknown_psk_identity",
    [116] = "certificate_required",
    [120] = "no_application_protocol",
    [121] = "ech_required",
};

/* Zeek, scripts/base/protocols/ssl: one letter a handshake type. */
static const char history_letters[] = {
    [0] = 'H',  [1] = 'C',  [2] = 'S',  [3] = 'V',  [4] = 'T',  [5] = 'E',  [6] = 'J',
    [8] = 'O',  [11] = 'X', [12] = 'K', [13] = 'R', [14] = 'N', [15] = 'Y', [16] = 'G',
    [20] = 'F', [21] = 'W', [22] = 'U', [23] = 'A', [24] = 'P', [25] = 'X',
};

static const char *word_of(struct words words, int value)
{
    return value >= 0 && value < words.count ? words.word[value] : NULL;
}

static int value_of(struct words words, const char *word)
{
    for (int i = 0; word && i < words.count; i++)
        if (words.word[i] && strcmp(words.word[i], word) == 0)
            return i;
    return -1;
}

static const struct words client_auth_words = WORDS(client_auth_word);
static const struct words client_cert_words = WORDS(client_cert_word);
static const struct words eku_words = WORDS(eku_word);
static const struct words outcome_words = WORDS(outcome_word);
static const struct words side_words = WORDS(side_word);
static const struct words tristate_words = WORDS(tristate_word);
static const struct words evidence_words = WORDS(evidence_word);
static const struct words impact_words = WORDS(impact_word);
static const struct words reason_words = WORDS(reason_word);
static const struct words sip_by_words = WORDS(sip_by_word);
static const struct words role_from_words = WORDS(role_from_word);
static const struct words alert_words = WORDS(alert_word);

const char *client_auth_name(enum client_auth value) { return word_of(client_auth_words, (int)value); }
const char *client_cert_name(enum client_cert value) { return word_of(client_cert_words, (int)value); }
const char *client_auth_eku_name(enum client_auth_eku value) { return word_of(eku_words, (int)value); }
const char *outcome_name(enum outcome value) { return word_of(outcome_words, (int)value); }
const char *side_name(enum side value) { return word_of(side_words, (int)value); }
const char *yes_no_unknown(enum tristate value) { return word_of(tristate_words, (int)value); }
const char *evidence_name(enum evidence value) { return word_of(evidence_words, (int)value); }
const char *impact_name(enum impact value) { return word_of(impact_words, (int)value); }
const char *reason_name(enum reason value) { return word_of(reason_words, (int)value); }
const char *sip_by_name(enum sip_by value) { return word_of(sip_by_words, (int)value); }
const char *role_from_name(enum role_from value) { return word_of(role_from_words, (int)value); }
const char *alert_name(int code) { return word_of(alert_words, code); }

int client_auth_value(const char *word) { return value_of(client_auth_words, word); }
int client_cert_value(const char *word) { return value_of(client_cert_words, word); }
int client_auth_eku_value(const char *word) { return value_of(eku_words, word); }
int outcome_value(const char *word) { return value_of(outcome_words, word); }
int side_value(const char *word) { return value_of(side_words, word); }
int yes_no_unknown_value(const char *word) { return value_of(tristate_words, word); }
int evidence_value(const char *word) { return value_of(evidence_words, word); }
int impact_value(const char *word) { return value_of(impact_words, word); }
int reason_value(const char *word) { return value_of(reason_words, word); }
int sip_by_value(const char *word) { return value_of(sip_by_words, word); }

const char *caveat_name(enum caveat value)
{
    static const struct {
        enum caveat caveat;
        const char *name;
    } names[] = {
        {CAVEAT_GAP_AFTER_HANDSHAKE, "gap_after_handshake"},
        {CAVEAT_CERTIFICATE_NOT_PARSED, "certificate_not_parsed"},
        {CAVEAT_CERTIFICATE_NOT_INFLATED, "certificate_not_inflated"},
        {CAVEAT_UNSOLICITED_CERTIFICATE, "unsolicited_certificate"},
        {CAVEAT_CHAIN_CUT, "chain_cut"},
        {CAVEAT_CLIENT_CLOSED_FIRST, "client_closed_first"},
        {CAVEAT_NO_SYN, "no_syn"},
        {CAVEAT_EXTERNAL_KEY, "external_key"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i].caveat == value)
            return names[i].name;
    return NULL;
}

const char *tls_version_name(uint16_t version)
{
    static const char *const names[] = {"ssl3", "1.0", "1.1", "1.2", "1.3"};
    return version >= 0x0300 && version <= 0x0304 ? names[version - 0x0300] : NULL;
}

char history_letter(unsigned handshake_type)
{
    char letter = handshake_type < sizeof history_letters ? history_letters[handshake_type] : '\0';
    return letter ? letter : 'Z';
}

bool suite_cannot_ask(const char *iana_name)
{
    static const char *const marks[] = {"_anon_", "_PSK", "_SRP_", "_KRB5_", "_ECCPWD_", "ECJPAKE", "_NULL_WITH_NULL_"};

    if (!iana_name || !g_str_has_prefix(iana_name, "TLS_"))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
        if (strstr(iana_name, marks[i]))
            return true;
    return false;
}
