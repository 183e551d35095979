# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenSSL on both sides: the verdict table, once in TLS 1.2 and once in TLS 1.3 with its keys."""

from . import lab as network
from . import programs
from .peers import client, pair, server
from .scenario import COMPLETED, EMPTY, LEFT_OPEN, NONE, REJECTED, Connection, scenario

# ask, the client's leaf or answer, server leaf, alert (side, TLS <= 1.2 name, TLS 1.3 name), impact, reason, how
TABLE = (
    ("not-asked", "no", NONE, "sbc", None, "unaffected", "no_certificate_request",
     "The server verifies no clients; the client has a certificate but is not asked for it."),
    ("optional-empty", "request", EMPTY, "sbc", None, "at_risk", "accepted_without_certificate",
     "The server asks for a certificate without requiring one; the client has none and is accepted."),
    ("required-empty", "require", EMPTY, "sbc", ("server", "handshake_failure", "certificate_required"), "failing",
     "rejected_without_certificate", "The server requires a certificate; the client has none and is refused."),
    ("both-accepted", "require", "both", "sbc", None, "at_risk", "relies_on_client_auth_eku",
     "The server requires a certificate and accepts one with serverAuth and clientAuth."),
    ("server-only-refused", "require", "server-only", "sbc", ("server", "unsupported_certificate"), "failing",
     "rejected_without_client_auth_eku", "The server requires a certificate and refuses one with serverAuth only."),
    ("server-only-optional-refused", "request", "server-only", "sbc", ("server", "unsupported_certificate"),
     "failing", "rejected_without_client_auth_eku",
     "The server merely asks for a certificate, and still refuses one with serverAuth only."),
    ("client-only-accepted", "require", "client-only", "sbc", None, "at_risk", "relies_on_client_auth_eku",
     "The server requires a certificate and accepts one with clientAuth only."),
    ("no-eku-accepted", "require", "no-eku", "sbc", None, "at_risk", "eku_unrestricted",
     "The server requires a certificate and accepts one without an EKU extension."),
    ("any-eku-refused", "require", "any-eku", "sbc", ("server", "unsupported_certificate"), "failing",
     "rejected_certificate", "The server requires a certificate and refuses one with anyExtendedKeyUsage alone."),
    ("sip-domain-refused", "require", "sip-domain", "sbc", ("server", "unsupported_certificate"), "failing",
     "rejected_without_client_auth_eku", "The certificate has serverAuth and sipDomain (RFC 5924); it is refused."),
    ("chain-excludes", "require", "excluded", "sbc", ("server", "unsupported_certificate"), "failing",
     "rejected_without_client_auth_eku",
     "The leaf has clientAuth, the intermediate that issued it has serverAuth only; the server refuses."),
    ("chain-allows", "require", "allowed", "sbc", None, "at_risk", "relies_on_client_auth_eku",
     "Leaf and intermediate both have clientAuth."),
    ("expired-refused", "require", "expired", "sbc", ("server", "certificate_expired"), "failing",
     "rejected_certificate", "The client's certificate has clientAuth but has expired."),
    ("untrusted-refused", "require", "untrusted", "sbc", ("server", "unknown_ca"), "failing", "rejected_certificate",
     "The client's certificate has clientAuth but comes from a root that the server does not trust."),
    ("client-only-refused", "require", "client-only-untrusted", "sbc", ("server", "unknown_ca"), "failing",
     "rejected_certificate", "The client's certificate has clientAuth only and comes from an unknown root."),
    ("no-eku-refused", "require", "no-eku-untrusted", "sbc", ("server", "unknown_ca"), "failing",
     "rejected_certificate", "The client's certificate has no EKU extension and comes from an unknown root."),
    ("ecdsa-accepted", "require", "both-ec", "sbc-ec", None, "at_risk", "relies_on_client_auth_eku",
     "As above with ECDSA certificates on both sides."),
    ("ecdsa-server-only-refused", "require", "server-only-ec", "sbc-ec", ("server", "unsupported_certificate"),
     "failing", "rejected_without_client_auth_eku", "ECDSA, a certificate with serverAuth only is refused."),
    ("client-refuses-asked", "require", "both", "sbc-untrusted", ("client", "unknown_ca"), "at_risk",
     "client_refused_server", "The server asks; the client refuses the server's certificate first."),
    ("client-refuses-not-asked", "no", NONE, "sbc-untrusted", ("client", "unknown_ca"), "unaffected",
     "no_certificate_request", "The server does not ask; the client refuses the server's certificate."),
)
CHAIN = {"excluded": {"client_chain_excludes_client_auth": True}, "allowed": {"client_chain_excludes_client_auth": False},
         "both": {"client_chain_excludes_client_auth": False}}


def register(tls, row):
    name, ask, answer, server_leaf, alert, impact, reason, how = row
    in13 = tls == "1.3"

    @scenario(f"openssl-tls{tls.replace('.', '')}-{name}", f"OpenSSL, TLS {tls}. {how}", keys=in13)
    def run(lab):
        own = answer if answer not in (NONE, EMPTY) else None
        pair(lab, tls, ask, own or ("both" if ask == "no" else None), server_leaf)
        shown = dict(CHAIN.get(answer, {}))
        said = answer
        if alert and alert[0] == "client":
            # The client broke off before its turn to answer.
            said, shown = NONE, {"client_cert": "unknown", "client_leaf": None}
        return [Connection(tls, ask != "no", said, REJECTED if alert else COMPLETED,
                           (alert[0], alert[2 if in13 and len(alert) > 2 else 1]) if alert else None, server_leaf,
                           impact=impact, reason=reason, shown=shown)]


for each in TABLE:
    register("1.2", each)
    register("1.3", each)


@scenario("openssl-tls10-both-accepted", "OpenSSL, TLS 1.0. The server requires a certificate and accepts it.")
def _(lab):
    pair(lab, "1.0", "require", "both")
    return [Connection("1.0", True, "both", impact="at_risk", reason="relies_on_client_auth_eku")]


@scenario("request-on", "A provider's call before a repair: OpenSSL, TLS 1.2; the server requires a certificate and accepts the "
          "provider's, which has serverAuth and clientAuth.")
def _(lab):
    pair(lab, "1.2", "require", "both")
    return [Connection("1.2", True, "both", impact="at_risk", reason="relies_on_client_auth_eku",
                       shown=CHAIN["both"])]


@scenario("request-off", "The same provider's call behind the repair: the same server with the request turned off.")
def _(lab):
    pair(lab, "1.2", "no", "both")
    return [Connection("1.2", False)]


@scenario("openssl-tls11-not-asked", "OpenSSL, TLS 1.1. The server does not ask.")
def _(lab):
    pair(lab, "1.1", "no", "both")
    return [Connection("1.1", False)]


RESUMED = {"resumed": True, "client_auth": "unknown", "client_cert": "unknown", "client_leaf": None,
           "server_leaf": None, "evidence": "none"}


def resumption(lab, tls, ask="require", **to_server):
    """TLS 1.2 shows which session is resumed: the first connection, which begins with the first packet."""
    pair(lab, tls, ask, "both", both={"connections": 2}, to_client={"resume": True}, to_server=to_server)
    asked = ask != "no"
    made = Connection(tls, asked, "both" if asked else NONE, impact="at_risk" if asked else "unaffected",
                      reason="relies_on_client_auth_eku" if asked else "no_certificate_request")
    if tls == "1.3":
        return [made, Connection(tls, False, server_leaf=None, impact="undetermined", reason="resumed", shown=RESUMED)]
    known = {"client_auth": "requested" if asked else "not_requested", "evidence": "original_handshake", "resumed_from": 1}
    return [made, Connection(tls, False, server_leaf=None, impact=made.impact,
                             reason="answer_not_seen" if asked else made.reason, shown=RESUMED | known)]


@scenario("openssl-tls12-resumed-not-asked",
          "OpenSSL, TLS 1.2. A full handshake in which the server does not ask, then one resumed by session ticket.")
def _(lab):
    return resumption(lab, "1.2", "no")


@scenario("openssl-tls12-resumed-ticket",
          "OpenSSL, TLS 1.2. A full handshake with a client certificate, then one resumed by session ticket.")
def _(lab):
    return resumption(lab, "1.2")


@scenario("openssl-tls12-resumed-session-id",
          "OpenSSL, TLS 1.2. A full handshake with a client certificate, then one resumed by session id.")
def _(lab):
    return resumption(lab, "1.2", no_tickets=True)


@scenario("openssl-tls13-resumed-psk",
          "OpenSSL, TLS 1.3. A full handshake with a client certificate, then one resumed by pre_shared_key.", keys=True)
def _(lab):
    return resumption(lab, "1.3")


@scenario("openssl-tls13-external-psk", "OpenSSL, TLS 1.3. Both sides share a key from elsewhere (external PSK) and no certificate; "
          "the server would require one.", keys=True)
def _(lab):
    shared = "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk", "73697074" * 8, "-psk_identity", "provider"
    serving = programs.s_server(lab, *shared, "-Verify", "3", "-verify_return_error")
    programs.converse(serving, programs.s_client(lab, *shared, leaf="both"))
    return [Connection("1.3", False, server_leaf=None, impact="undetermined", reason="suite_without_certificates",
                       shown=RESUMED | {"resumed": False, "client_cert": LEFT_OPEN, "caveats": ["external_key"]})]


@scenario("openssl-tls13-hello-retry", "OpenSSL, TLS 1.3. The server asks for another key share (HelloRetryRequest), "
          "then for a certificate.", keys=True)
def _(lab):
    pair(lab, "1.3", "require", "both", to_server={"curve": "secp384r1"})
    return [Connection("1.3", True, "both", impact="at_risk", reason="relies_on_client_auth_eku")]


@scenario("openssl-tls13-post-handshake", "OpenSSL, TLS 1.3. The server asks for nothing in the handshake, and for a "
          "certificate after the first SIP request (post-handshake authentication).", keys=True)
def _(lab):
    pair(lab, "1.3", "require", "both", both={"post_handshake": True})
    return [Connection("1.3", True, "both", impact="at_risk", reason="relies_on_client_auth_eku")]


@scenario("openssl-tls13-no-keys-not-asked", "OpenSSL, TLS 1.3 and no keys in the file. The server does not ask.")
def _(lab):
    pair(lab, "1.3", "no", "both")
    return [hidden(Connection("1.3", False))]


@scenario("openssl-tls13-no-keys-refused", "OpenSSL, TLS 1.3 and no keys in the file. The server requires a "
          "certificate and refuses one with serverAuth only.")
def _(lab):
    pair(lab, "1.3", "require", "server-only")
    return [hidden(Connection("1.3", True, "server-only", REJECTED, ("server", "unsupported_certificate"),
                              impact="failing"))]


def hidden(connection):
    """What the record lengths of TLS 1.3 without keys leave to see: neither certificates nor which alert."""
    if connection.asked:
        connection.reason = "rejected_certificate"
    connection.shown |= {"certificate_request_seen": False, "client_leaf": None, "server_leaf": None,
                         "server_data": "no" if connection.outcome == REJECTED else "unknown",
                         "evidence": "record_lengths"}
    if connection.alert:
        connection.shown["alert"] = {"from": "server", "name": None, "code": None}
    return connection


@scenario("openssl-tls12-long-chain", "OpenSSL, TLS 1.2. The server's chain has three intermediates; not asked.")
def _(lab):
    pair(lab, "1.2", "no", None, "sbc-long-chain")
    return [Connection("1.2", False, server_leaf="sbc-long-chain",
                       shown={"server_chain_excludes_client_auth": False})]


@scenario("openssl-tls12-long-certificate", "OpenSSL, TLS 1.2. A server certificate with 500 names, longer than one "
          "record; the CertificateRequest stands behind it.")
def _(lab):
    pair(lab, "1.2", "require", "both", "sbc-many-names")
    return [Connection("1.2", True, "both", server_leaf="sbc-many-names", impact="at_risk",
                       reason="relies_on_client_auth_eku")]


@scenario("openssl-tls12-ipv6", "OpenSSL, TLS 1.2 over IPv6. The server requires a certificate and accepts it.")
def _(lab):
    pair(lab, "1.2", "require", "both", host=network.SERVER6, to_client={"bind": network.CLIENT6})
    return [Connection("1.2", True, "both", server=network.SERVER6, client=network.CLIENT6, impact="at_risk",
                       reason="relies_on_client_auth_eku")]


@scenario("openssl-tls12-port-5071", "OpenSSL, TLS 1.2 on port 5071, told to tshark by Decode As. Not asked.")
def _(lab):
    pair(lab, "1.2", "no", "both", port=5071)
    return [Connection("1.2", False, port=5071, options=("-d", "tls.port==5071,sip"), shown={"sip": "decode_as"})]


@scenario("openssl-tls12-alpn", "OpenSSL, TLS 1.2 on port 5071, recognised by ALPN sip/2. The server asks without "
          "requiring; the client has no certificate.")
def _(lab):
    pair(lab, "1.2", "request", None, port=5071, both={"alpn": "sip/2"})
    return [Connection("1.2", True, EMPTY, port=5071, impact="at_risk", reason="accepted_without_certificate",
                       shown={"sip": "alpn", "alpn": "sip/2", "alpn_offered": ["sip/2"]})]


@scenario("openssl-tls13-payload", "OpenSSL, TLS 1.3 on port 5071, recognised by the decrypted SIP in it. Asked for "
          "and given a certificate with both usages.", keys=True)
def _(lab):
    pair(lab, "1.3", "require", "both", port=5071)
    return [Connection("1.3", True, "both", port=5071, impact="at_risk", reason="relies_on_client_auth_eku",
                       shown={"sip": "payload"})]


@scenario("openssl-tls12-interleaved", "OpenSSL, TLS 1.2. Three connections of one client at once, their packets "
          "mixed; the server asks without requiring.")
def _(lab):
    serving = server(lab, "openssl", "sbc", "request", tls="1.2", connections=3)
    client(lab, "openssl", None, tls="1.2", connections=3, at_once=True)
    serving.finish()
    return [Connection("1.2", True, EMPTY, impact="at_risk", reason="accepted_without_certificate")] * 3


@scenario("openssl-tls12-port-reused", "OpenSSL, TLS 1.2. A client uses the same source port twice: first with a server "
          "that does not ask, then, on the same address and port, with one that requires a certificate.")
def _(lab):
    for ask in ("no", "require"):
        serving = server(lab, "openssl", "sbc", ask, tls="1.2")
        client(lab, "openssl", "both", tls="1.2", source_port=40000)
        serving.finish()
    return [Connection("1.2", False),
            Connection("1.2", True, "both", impact="at_risk", reason="relies_on_client_auth_eku")]


@scenario("openssl-tls12-anonymous", "OpenSSL, TLS 1.2 with an anonymous suite, which cannot ask for a certificate.")
def _(lab):
    pair(lab, "1.2", "no", None, both={"ciphers": "AECDH-AES256-SHA:@SECLEVEL=0"}, to_client={"insecure": True})
    return [Connection("1.2", False, server_leaf=None, impact="undetermined", reason="suite_without_certificates",
                       shown={"client_auth": "unknown", "evidence": "none"})]


@scenario("openssl-tls12-cut-fin", "OpenSSL, TLS 1.2. The server requires a certificate, dislikes one with serverAuth "
          "only, and closes TCP with FIN instead of an alert.")
def _(lab):
    pair(lab, "1.2", "require", "server-only", to_server={"cut": "fin"})
    return [Connection("1.2", True, "server-only", REJECTED, impact="failing",
                       reason="rejected_without_client_auth_eku")]


@scenario("openssl-tls12-cut-rst", "OpenSSL, TLS 1.2. The server requires a certificate, gets none, and resets TCP "
          "instead of sending an alert.")
def _(lab):
    pair(lab, "1.2", "require", None, to_server={"cut": "rst"})
    return [Connection("1.2", True, EMPTY, REJECTED, impact="failing", reason="rejected_without_certificate",
                       shown={"client_auth": "required"})]


@scenario("openssl-tls12-cut-hello", "OpenSSL, TLS 1.2. The server closes TCP on the ClientHello.")
def _(lab):
    pair(lab, "1.2", "no", None, to_server={"refuse_after": "hello", "cut": "fin"})
    return [Connection(None, False, NONE, REJECTED, server_leaf=None, impact="undetermined", reason="aborted_early",
                       shown={"client_auth": "unknown", "client_cert": "unknown", "evidence": "none",
                              "role_from": LEFT_OPEN, "tls": None, "outcome": LEFT_OPEN})]
