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
    return [accepted("1.2", NONE, sni=None)]


@scenario("kamailio-dispatcher-accepted", "A Kamailio's dispatcher with a certificate of both usages sends OPTIONS to a "
          "Kamailio that requires one.")
def _(lab):
    endpoint = programs.kamailio_server(lab, True, True)
    programs.kamailio_dispatcher(lab, endpoint, "both")
    return [accepted("1.2", "both", sni=None)]


@scenario("baresip-kamailio-not-asked", "baresip registers at a Kamailio that verifies nothing; no SNI.")
def _(lab):
    programs.kamailio_server(lab, False, False)
    programs.baresip_client(lab)
    return [accepted("1.2", NONE, sni=None)]


@scenario("baresip-kamailio-accepted", "baresip with a certificate of both usages registers at a Kamailio that requires "
          "one; no SNI.")
def _(lab):
    programs.kamailio_server(lab, True, True)
    programs.baresip_client(lab, "both")
    return [accepted("1.2", "both", sni=None)]


# ---- Node: refuses without an alert ----

@scenario("node-tls12-refused", "Node requires a certificate; given one with serverAuth only it closes TCP in the middle of "
          "the TLS 1.2 handshake, without an alert.")
def _(lab):
    programs.node_server(lab, "TLSv1.2")
    client(lab, "openssl", "server-only", tls="1.2")
    return [refused("1.2", "server-only", None)]


@scenario("node-tls13-refused", "Node requires a certificate; given one with serverAuth only it closes TCP behind the client's "
          "TLS 1.3 Finished, without an alert and without a record.", keys=True)
def _(lab):
    programs.node_server(lab, "TLSv1.3")
    client(lab, "openssl", "server-only", tls="1.3")
    return [refused("1.3", "server-only", None)]


# ---- nginx: completes the handshake, then closes ----

def register_nginx(tls):
    @scenario(f"nginx-tls{tls.replace('.', '')}-closed-after-handshake", "nginx as a TLS front with ssl_verify_client on; given a "
              f"certificate with serverAuth only it completes the TLS {tls} handshake, then closes without data.",
              keys=tls == "1.3")
    def run(lab):
        programs.nginx_server(lab, f"TLSv{tls}")
        client(lab, "openssl", "server-only", tls=tls)
        return [Connection(tls, True, "server-only", answered=False, impact="failing", reason="closed_after_handshake")]


for each in ("1.2", "1.3"):
    register_nginx(each)


# ---- openssl s_server and s_client ----

def renegotiation(lab):
    serving = programs.s_server(lab, "-tls1_2", "-no_ticket", "-no_cache")
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


def compressed(lab, answer, *asking):
    openssl = *programs.debian13(lab), "openssl"
    serving = programs.s_server(lab, "-tls1_3", *asking, openssl=openssl)
    calling = programs.s_client(lab, "-tls1_3", leaf=answer, openssl=openssl)
    programs.converse(serving, calling)
    # what is inside is known from the server, which prints the certificate that it decompressed
    own = lab.pki.leaf(answer).certificate.read_text().strip()
    if own not in serving.output():
        raise network.RecordingError(f"the server did not get the client's certificate:\n{serving.output()}")


@scenario("openssl35-tls13-compressed", "OpenSSL 3.5 on both sides, TLS 1.3. The server requires a certificate; the client "
          "sends it compressed (RFC 8879), unasked.", keys=True, debian13=True)
def _(lab):
    compressed(lab, "both", "-Verify", "3", "-verify_return_error")
    return [accepted("1.3", "both", client_compressed=True)]


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


@scenario("jsse-ssl3-empty-accepted", "SSL 3.0: a JSSE server asks without requiring; the JSSE client has no certificate and "
          "says so by an alert, as SSL 3.0 does. JSSE logs no keys; what happened is in the logs of both sides.",
          decrypts=False)
def _(lab):
    serving = server(lab, "jsse", "sbc", "request", min="ssl3", max="ssl3")
    calling = client(lab, "jsse", None, min="ssl3", max="ssl3")
    serving.finish()
    for program in (serving, calling):
        if '"completed","error":null,"answered":true' not in program.output():
            raise network.RecordingError(program.output())
    return [accepted("ssl3", EMPTY)]
