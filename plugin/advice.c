/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "advice.h"

/* For the undetermined: what hid the answer, and the capture that would show it. */
static const struct {
    enum reason reason;
    const char *found, *capture;
} undetermined[] = {
    {REASON_RESUMED, "the session was resumed; its full handshake decides",
     "capture a new session: restart TLS on one side, or capture until the session expires"},
    {REASON_SUITE_WITHOUT_CERTIFICATES, "the cipher suite uses no certificates",
     "capture a handshake with a certificate cipher suite, as the provider uses"},
    {REASON_RENEGOTIATED, "a renegotiation behind the handshake is encrypted",
     "capture with the TLS keys (SSLKEYLOGFILE), or turn renegotiation off"},
    {REASON_POST_HANDSHAKE_AUTH_POSSIBLE, "TLS 1.3 post-handshake authentication was offered and would be encrypted",
     "capture with the TLS keys (SSLKEYLOGFILE)"},
    {REASON_ENCRYPTED, "TLS 1.3 encrypts the place where the request would stand",
     "capture with the TLS keys (SSLKEYLOGFILE), or let the client connect with TLS 1.2"},
    {REASON_HANDSHAKE_NOT_CAPTURED, "the capture starts behind the handshake",
     "start the capture first, then let the connection be made anew"},
    {REASON_CAPTURE_GAP, "bytes of the handshake are missing in the capture",
     "capture again, on the endpoint itself, both directions and without drops"},
    {REASON_TRUNCATED_PACKETS, "packets of the handshake were cut by the snapshot length",
     "capture whole packets (tcpdump -s 0)"},
    {REASON_NOT_DISSECTED, "the handshake was captured, but Wireshark did not dissect all of it",
     "set tcp.reassemble_out_of_order to TRUE, or capture without reordering"},
    {REASON_CONFLICTING_EVIDENCE, "what the capture shows contradicts itself",
     "capture one interface and one VLAN only"},
    {REASON_ABORTED_EARLY, "the handshake ended before the server's answer was complete",
     "find out why the connection fails, then capture one that succeeds"},
};

static const struct {
    enum reason reason;
    const char *found;
} decided[] = {
    {REASON_NO_CERTIFICATE_REQUEST, "the server did not ask for a client certificate"},
    {REASON_CLIENT_REFUSED_SERVER, "the server asks for a client certificate; the client refused the server"},
    {REASON_REJECTED_WITHOUT_CERTIFICATE,
     "the server demands a client certificate and refused a client that sent none"},
    {REASON_REJECTED_WITHOUT_CLIENT_AUTH_EKU, "the server refused a client certificate without clientAuth"},
    {REASON_REJECTED_CERTIFICATE, "the server refused the client certificate (read the alert)"},
    {REASON_REJECTED_ANSWER_NOT_SEEN, "the server asked for a client certificate and refused the client"},
    {REASON_CLOSED_AFTER_HANDSHAKE, "the server asked, completed the handshake, then closed without answering"},
    {REASON_ACCEPTED_WITHOUT_CLIENT_AUTH_EKU, "the server accepted a client certificate without clientAuth"},
    {REASON_ACCEPTANCE_NOT_SEEN, "handshake completed without clientAuth, but no answer of the server was seen"},
    {REASON_RELIES_ON_CLIENT_AUTH_EKU, "the server asks, and the client's certificate still carries clientAuth"},
    {REASON_EKU_UNRESTRICTED, "the server asks, and the client's certificate is not restricted by EKU"},
    {REASON_EKU_NOT_VISIBLE, "the server asks; the EKU of the client's certificate is not visible"},
    {REASON_ACCEPTED_WITHOUT_CERTIFICATE, "the server asks, and let a client in that sent no certificate"},
    {REASON_ANSWER_NOT_SEEN, "the server asks; what the client answered was not seen"},
    {REASON_OUTCOME_NOT_SEEN, "the server asks; how the handshake ended was not seen"},
};

const char *reason_text(enum reason reason)
{
    for (size_t i = 0; i < G_N_ELEMENTS(undetermined); i++)
        if (undetermined[i].reason == reason)
            return undetermined[i].found;
    for (size_t i = 0; i < G_N_ELEMENTS(decided); i++)
        if (decided[i].reason == reason)
            return decided[i].found;
    return "";
}

static const char *capture_text(enum reason reason)
{
    for (size_t i = 0; i < G_N_ELEMENTS(undetermined); i++)
        if (undetermined[i].reason == reason)
            return undetermined[i].capture;
    return "capture the TLS handshake of a new connection";
}

char *advice_text(enum impact impact, enum reason reason, enum owner owner, const char *server)
{
    switch (impact) {
    case IMPACT_UNAFFECTED:
        return g_strdup("");
    case IMPACT_UNDETERMINED:
        return g_strdup_printf("not decided for %s: %s", server, capture_text(reason));
    case IMPACT_TOLERANT:
        return g_strdup_printf("%s%s accepts it today; %s", owner == OWNER_THEIRS ? "their server " : "", server,
                               owner == OWNER_THEIRS ? "ask its operator whether that stays so"
                                                     : "better turn the request off, a policy or update may end it");
    default:
        break;
    }
    if (owner == OWNER_THEIRS)
        return g_strdup_printf("%s is not yours: present a client certificate that keeps clientAuth (private CA), "
                               "or ask its operator to stop asking",
                               server);
    if (reason == REASON_REJECTED_CERTIFICATE)
        return g_strdup_printf("read the alert first (CA, expiry, chain), and turn off client certificate verification "
                               "on %s",
                               server);
    return g_strdup_printf("turn off client certificate verification on %s", server);
}
