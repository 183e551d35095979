# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 without keys, by stack: each as server and as client of others, a connection for everything a pair can do."""

from . import lab as network
from . import programs
from .peers import client, server
from .scenario import COMPLETED, EMPTY, NONE, REJECTED, Connection, scenario
from .scenarios_openssl import hidden

WORDS = {"openssl": "OpenSSL", "go": "Go crypto/tls", "jsse": "Java JSSE", "gnutls": "GnuTLS", "nss": "NSS",
         "s_client": "OpenSSL s_client"}
REFUSAL = {"openssl": "unsupported_certificate", "go": "bad_certificate", "jsse": "certificate_unknown",
           "nss": "certificate_unknown"}
# what the server does, what the client answers, impact, reason
CASES = {
    "not asked": ("no", NONE, "unaffected", "no_certificate_request"),
    "asked, no certificate": ("request", EMPTY, "at_risk", "accepted_without_certificate"),
    "certificate accepted": ("require", "both", "at_risk", "eku_not_visible"),
    "certificate refused": ("require", "server-only", "failing", "rejected_certificate"),
}


def cases_of(serving, calling):
    # GnuTLS 3.7 accepts any usage; NSS presents no certificate without clientAuth; JSSE is refused amid its flight
    refuses = serving in REFUSAL and calling not in ("jsse", "nss")
    return [case for case in CASES if refuses or case != "certificate refused"]


def start_server(lab, stack, ask, calling):
    if stack == "gnutls":
        return programs.gnutls_server(lab, ask, "1.3")
    if stack == "nss":
        return programs.nss_server(lab, ask, "1.3")
    return server(lab, stack, "sbc", ask, tls="1.3", hang_up=calling == "nss")      # tstclnt waits for the server's end


def run_client(lab, stack, leaf, refused):
    if stack == "gnutls":
        programs.gnutls_client(lab, "1.3", leaf, refused=refused)
    elif stack == "s_client":
        talking = programs.s_client(lab, "-tls1_3", "-keylogfile", lab.keys, leaf=leaf)
        talking.write(programs.SIP_OPTIONS)
        talking.wait_for("CSeq: 1 OPTIONS")     # the echo
        talking.close_input()
        talking.finish()
    elif stack == "nss":
        programs.nss_client(lab, "1.3", leaf)
    else:
        client(lab, stack, leaf, tls="1.3")


def converse(lab, serving, calling, case):
    ask, answer, impact, reason = CASES[case]
    refused = case == "certificate refused"
    listening = start_server(lab, serving, ask, calling)
    run_client(lab, calling, None if answer in (NONE, EMPTY) else answer, refused)
    listening.end()
    network.wait_until(lambda: network.open_connections() == 0 and not network.is_listening(5061), "the server's end")
    made = hidden(Connection("1.3", ask != "no", answer, REJECTED if refused else COMPLETED,
                             ("server", REFUSAL[serving]) if refused else None,
                             answered=False if serving == "nss" else None, impact=impact))
    made.reason = reason
    return made


def register(serving, calling):
    cases = cases_of(serving, calling)

    @scenario(f"no-keys-{serving}-{calling}", f"{WORDS[serving]} server, {WORDS[calling]} client, TLS 1.3, no keys in the file: "
              f"{'; '.join(cases)}.")
    def run(lab):
        return [converse(lab, serving, calling, case) for case in cases]


# JSSE and NSS log no keys: one of a pair must. gnutls-serv echoes all but the last octet, for which Go's client waits;
# tstclnt waits for the server to close.
PAIRS = {
    "openssl": ("openssl", "go", "jsse", "gnutls", "nss"),
    "go": ("openssl", "go", "jsse", "gnutls"),
    "jsse": ("openssl", "go", "gnutls"),
    "gnutls": ("s_client", "jsse", "gnutls"),
    "nss": ("openssl", "go", "gnutls"),
}
for one, others in PAIRS.items():
    for other in others:
        register(one, other)
