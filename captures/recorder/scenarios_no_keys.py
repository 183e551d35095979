# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 without keys, by stack: each as a server and as a client of OpenSSL and Go, some of each other.

One capture per pair, one connection per case the pair can do, the server started anew for each.
"""

from . import lab as network
from . import programs
from .peers import client, server
from .scenario import COMPLETED, EMPTY, NONE, REJECTED, Connection, scenario
from .scenarios_openssl import hidden

WORDS = {"openssl": "OpenSSL", "go": "Go crypto/tls", "jsse": "Java JSSE", "gnutls": "GnuTLS", "nss": "NSS",
         "wolfssl": "wolfSSL", "mbedtls": "mbedTLS", "erlang": "Erlang", "rustls": "rustls"}
# what the server does, what the client has, impact, reason
CASES = {
    "not-asked": ("no", None, "unaffected", "no_certificate_request"),
    "empty": ("request", None, "at_risk", "accepted_without_certificate"),
    "present": ("require", "both", "at_risk", "eku_not_visible"),
    "refused": ("require", "server-only", "failing", "rejected_certificate"),
}
# What a server says to a certificate that has serverAuth only. mbedTLS encrypts the alert with keys of its handshake,
# which nobody expects any more. GnuTLS 3.7 accepts any usage; the one that it refuses has expired.
REFUSAL = {"openssl": "unsupported_certificate", "go": "bad_certificate", "jsse": "certificate_unknown",
           "nss": "certificate_unknown", "gnutls": "bad_certificate", "wolfssl": "bad_certificate", "mbedtls": None,
           "erlang": "handshake_failure", "rustls": "handshake_failure"}
# An NSS client keeps such a certificate to itself and answers with an empty list.
REFUSAL_OF_EMPTY = {"openssl": "certificate_required", "go": "bad_certificate"}
ALONE = "openssl-openssl", "openssl-go", "go-openssl", "go-go", "gnutls-gnutls", "gnutls-jsse", "jsse-gnutls", "nss-gnutls"
PAIRS = (*ALONE, *(pair for stack in WORDS if stack not in ("openssl", "go") for other in ("openssl", "go")
                   for pair in (f"{stack}-{other}", f"{other}-{stack}")))
# TLS_AES_128_CCM_8_SHA256, the suite with the short tag, as each of these calls it
CCM_8 = {"gnutls": "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-CCM-8", "wolfssl": "TLS13-AES128-CCM-8-SHA256",
         "mbedtls": "TLS1-3-AES-128-CCM-8-SHA256"}
CCM_8_PAIRS = "gnutls-mbedtls", "mbedtls-gnutls", "gnutls-wolfssl", "wolfssl-gnutls"


def start_server(lab, stack, ask, calling, suites):
    if stack == "nss":
        return programs.nss_server(lab, ask, "1.3")
    return server(lab, stack, "sbc", ask, tls="1.3", hang_up=calling == "nss", ciphers=suites.get(stack))


def run_client(lab, stack, leaf, suites):
    if stack == "nss":
        programs.nss_client(lab, "1.3", leaf)
    else:
        client(lab, stack, leaf, tls="1.3", ciphers=suites.get(stack))


def meant(serving, calling, case):
    """The connection of a case, and the certificate that its client has."""
    ask, leaf, impact, reason = CASES[case]
    alert = REFUSAL[serving]
    if case == "refused" and serving == "gnutls":
        leaf = "expired"
    answer = NONE if ask == "no" else leaf or EMPTY
    if case == "refused" and calling == "nss":
        answer, reason, alert = EMPTY, "rejected_without_certificate", REFUSAL_OF_EMPTY[serving]
    refused = case == "refused"
    made = hidden(Connection("1.3", ask != "no", answer, REJECTED if refused else COMPLETED,
                             ("server", alert) if refused and alert else None,
                             answered=False if serving == "nss" else None, impact=impact))
    made.reason = reason
    if refused:
        made.shown["alert"] = {"from": "server", "name": None, "code": None}
    return made, leaf


def connect(lab, serving, calling, case, suites):
    """One connection of a pair; `suites` are those that a stack is kept to. Returns when it is closed and the port is free."""
    made, leaf = meant(serving, calling, case)
    program = start_server(lab, serving, CASES[case][0], calling, suites)
    run_client(lab, calling, leaf, suites)
    network.wait_until(lambda: network.open_connections() == 0, "the connection to close")
    program.end()
    network.wait_until(lambda: not network.is_listening(5061), "the port to become free")
    return made


def register(pair, label="", suite="", suites=None):
    serving, calling = pair.split("-")
    refused = "refused after an empty answer" if calling == "nss" else "refused"

    @scenario(f"no-keys-{pair}{label}", f"{WORDS[serving]} server, {WORDS[calling]} client, TLS 1.3{suite}, no keys in the "
              f"file; one connection each: not asked, empty answer, certificate accepted, {refused}.",
              debian13="mbedtls" in pair)
    def run(lab):
        return [connect(lab, serving, calling, case, suites or {}) for case in CASES]


for each in PAIRS:
    register(each)
for each in CCM_8_PAIRS:
    register(each, "-ccm-8", " with TLS_AES_128_CCM_8_SHA256", CCM_8)
