# SPDX-License-Identifier: GPL-2.0-or-later
"""Real SIP programs and TLS tools, each as its users configure it."""

from . import lab as network
from . import programs
from .peers import client, server
from .scenario import COMPLETED, EMPTY, LEFT_OPEN, NONE, REJECTED, Connection, scenario

ACCEPTED = {"both": ("at_risk", "relies_on_client_auth_eku"), EMPTY: ("at_risk", "accepted_without_certificate"),
            NONE: ("unaffected", "no_certificate_request")}
REFUSED = {"server-only": "rejected_without_client_auth_eku", EMPTY: "rejected_without_certificate"}


def accepted(tls, answer, **more):
    impact, reason = ACCEPTED[answer]
    return Connection(tls, answer != NONE, answer, impact=impact, reason=reason, **more)


def refused(tls, answer, alert, **more):
    return Connection(tls, True, answer, REJECTED, ("server", alert) if alert else None, impact="failing",
                      reason=REFUSED[answer], **more)


# ---- Kamailio as the endpoint, a provider-like client on OpenSSL ----

KAMAILIO = (
    (False, False, "1.2", (("both", NONE, None),)),
    (True, False, "1.2", (("both", "both", None), (None, EMPTY, None),
                          ("server-only", "server-only", "unsupported_certificate"))),
    (True, True, "1.2", ((None, EMPTY, "handshake_failure"),)),
    (False, True, "1.2", (("both", "both", None), (None, EMPTY, "handshake_failure"))),
    (True, True, "1.3", (("server-only", "server-only", "unsupported_certificate"),)),
)


def register_kamailio(verify, require, tls, clients):
    yes = programs.yes

    @scenario(f"kamailio-verify-{yes(verify)}-require-{yes(require)}-tls{tls.replace('.', '')}",
              f"Kamailio with verify_certificate = {yes(verify)}, require_certificate = {yes(require)}, TLS {tls}; "
              "clients on OpenSSL, one after another.", keys=tls == "1.3")
    def run(lab):
        programs.kamailio_server(lab, verify, require, tls="TLSv1.2+")
        connections = []
        for leaf, answer, alert in clients:
            client(lab, "openssl", leaf, tls=tls)
            connections.append(refused(tls, answer, alert) if alert else accepted(tls, answer))
        return connections


for each in KAMAILIO:
    register_kamailio(*each)


@scenario("provider-renewal", "The case as people meet it. A Kamailio that requires a certificate; a provider calls with "
          "its old certificate (serverAuth and clientAuth) and is accepted, then with its renewed one (serverAuth only) "
          "and is refused.")
def _(lab):
    programs.kamailio_server(lab, True, True)
    client(lab, "openssl", "both", tls="1.2")
    client(lab, "openssl", "server-only", tls="1.2")
    return [accepted("1.2", "both"), refused("1.2", "server-only", "unsupported_certificate")]


@scenario("kamailio-dispatcher-not-asked", "A Kamailio's dispatcher sends OPTIONS to a Kamailio that verifies nothing.")
def _(lab):
    endpoint = programs.kamailio_server(lab, False, False)
    programs.kamailio_dispatcher(lab, endpoint, "both")
    return [accepted("1.2", NONE)]


@scenario("kamailio-dispatcher-accepted", "A Kamailio's dispatcher with a certificate of both usages sends OPTIONS to a "
          "Kamailio that requires one.")
def _(lab):
    endpoint = programs.kamailio_server(lab, True, True)
    programs.kamailio_dispatcher(lab, endpoint, "both")
    return [accepted("1.2", "both")]


@scenario("sipp-kamailio-accepted", "SIPp with a certificate of both usages calls a Kamailio that requires one; no SNI.")
def _(lab):
    programs.kamailio_server(lab, True, True)
    programs.sipp_client(lab, "both")
    return [accepted("1.2", "both", sni=None)]


# ---- openssl s_server and s_client ----

def renegotiation(lab):
    serving = programs.s_server(lab, "-tls1_2")
    calling = programs.s_client(lab, "-tls1_2", "-msg", leaf="both")
    calling.wait_for("SSL-Session")

    def ask_again():
        serving.write("R\n")
        calling.wait_for(", Finished", 4)
    programs.converse(serving, calling, ask_again)


@scenario("openssl-tls12-renegotiated", "openssl s_server, TLS 1.2, no keys in the file. Not asked in the first handshake; "
          "then the server renegotiates and asks for a certificate, out of sight.")
def _(lab):
    renegotiation(lab)
    return [Connection("1.2", True, "both", impact="undetermined", reason="renegotiated", shown={
        "certificate_request_seen": False, "client_auth": "unknown", "client_cert": LEFT_OPEN, "client_leaf": None,
        "evidence": "none", "server_data": LEFT_OPEN})]


@scenario("openssl-tls12-renegotiated-keys", "The same with the keys in the file: the request is decrypted.", keys=True)
def _(lab):
    renegotiation(lab)
    return [Connection("1.2", True, "both", impact="at_risk", reason="relies_on_client_auth_eku",
                       shown={"evidence": "decrypted"})]


@scenario("openssl-tls12-psk", "openssl s_server, TLS 1.2 with a pre-shared key suite, which cannot ask.")
def _(lab):
    psk = ("-tls1_2", "-psk", "00112233445566778899aabbccddeeff", "-cipher", "PSK-AES256-GCM-SHA384")
    serving = programs.s_server(lab, *psk, leaf=None)
    programs.converse(serving, programs.s_client(lab, *psk))
    return [Connection("1.2", False, server_leaf=None, impact="undetermined", reason="suite_without_certificates",
                       shown={"client_auth": "unknown", "evidence": "none"})]


@scenario("openssl-tls12-small-records", "openssl s_server and s_client with records of at most 512 octets: every "
          "Certificate message is split. The server requires a certificate and accepts it.")
def _(lab):
    small = ("-tls1_2", "-max_send_frag", "512")
    serving = programs.s_server(lab, *small, "-Verify", "3", "-verify_return_error")
    programs.converse(serving, programs.s_client(lab, *small, leaf="both"))
    return [accepted("1.2", "both")]


# ---- GnuTLS ----

@scenario("gnutls-tls12-not-asked", "gnutls-serv and gnutls-cli, TLS 1.2. Not asked.")
def _(lab):
    programs.gnutls_server(lab, "no")
    programs.gnutls_client(lab, "1.2", "both")
    return [accepted("1.2", NONE)]


@scenario("gnutls-tls12-server-only-accepted", "gnutls-serv requires a certificate and accepts one with serverAuth only: "
          "GnuTLS 3.7 does not look at the usage.")
def _(lab):
    programs.gnutls_server(lab, "require")
    programs.gnutls_client(lab, "1.2", "server-only")
    return [Connection("1.2", True, "server-only", impact="tolerant", reason="accepted_without_client_auth_eku")]


@scenario("gnutls-tls12-optional-empty", "gnutls-serv asks without requiring; gnutls-cli has no certificate.")
def _(lab):
    programs.gnutls_server(lab, "request")
    programs.gnutls_client(lab, "1.2")
    return [accepted("1.2", EMPTY)]


@scenario("gnutls-tls13-both-accepted", "gnutls-serv requires a certificate and accepts it, TLS 1.3.", keys=True)
def _(lab):
    programs.gnutls_server(lab, "require", "1.3")
    programs.gnutls_client(lab, "1.3", "both")
    return [accepted("1.3", "both")]


@scenario("gnutls-openssl-tls13-server-only-accepted", "gnutls-serv accepts a certificate with serverAuth only from "
          "an OpenSSL client, TLS 1.3.", keys=True)
def _(lab):
    programs.gnutls_server(lab, "require", "1.3")
    client(lab, "openssl", "server-only", tls="1.3")
    return [Connection("1.3", True, "server-only", impact="tolerant", reason="accepted_without_client_auth_eku")]


# ---- NSS ----

@scenario("openssl-nss-tls12-both-accepted", "tstclnt (NSS) calls an OpenSSL server that requires a certificate, TLS 1.2.")
def _(lab):
    server(lab, "openssl", "sbc", "require", tls="1.2", hang_up=True)
    programs.nss_client(lab, "1.2", "both")
    return [accepted("1.2", "both")]


@scenario("nss-openssl-tls12-server-only-refused", "selfserv (NSS) requires a certificate and refuses one with serverAuth "
          "only, TLS 1.2.")
def _(lab):
    programs.nss_server(lab, "require")
    client(lab, "openssl", "server-only", tls="1.2")
    return [refused("1.2", "server-only", "certificate_unknown")]


@scenario("nss-openssl-tls12-not-asked", "selfserv (NSS) does not ask, TLS 1.2. It answers like a web server.")
def _(lab):
    programs.nss_server(lab, "no")
    client(lab, "openssl", "both", tls="1.2")
    return [accepted("1.2", NONE, answered=False, shown={"server_data": "yes"})]
