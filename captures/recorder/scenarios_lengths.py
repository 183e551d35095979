# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 without keys: what makes record lengths hard to read. OpenSSL with its padding, splitting, suites, 0-RTT."""

from . import programs
from .scenario import EMPTY, NONE, Connection, scenario
from .scenarios_openssl import hidden

ASKING = {NONE: (), EMPTY: ("-verify", "3", "-verify_return_error"), "both": ("-Verify", "3", "-verify_return_error")}
MEANS = {NONE: ("unaffected", "no_certificate_request"), EMPTY: ("at_risk", "accepted_without_certificate"),
         "both": ("at_risk", "eku_not_visible")}
SAYS = {NONE: "The server does not ask", EMPTY: "The server asks; the client has no certificate",
        "both": "The server asks; the client presents a certificate"}
LABEL = {NONE: "not-asked", EMPTY: "empty", "both": "present"}


def connection(answer, told=True):
    """A completed connection; told: do the record lengths tell?"""
    impact, reason = MEANS[answer]
    made = hidden(Connection("1.3", answer != NONE, answer, impact=impact))
    made.reason = reason
    if not told:
        made.impact, made.reason = "undetermined", "encrypted"
        made.shown |= {"client_auth": "unknown", "client_cert": "unknown", "evidence": "none", "outcome": "incomplete"}
    return made


def talk(lab, answer, to_server=(), to_client=(), preloads=(None, None)):
    serving = programs.s_server(lab, "-tls1_3", *ASKING[answer], *to_server, preload=preloads[0])
    calling = programs.s_client(lab, "-tls1_3", *to_client, leaf=answer if answer not in (NONE, EMPTY) else None,
                                preload=preloads[1])
    programs.converse(serving, calling)


# ---- padding (RFC 8446 5.4), by the client, the server or both ----

PADDING = (0, 16), (16, 0), (16, 16), (0, 64), (64, 64), (512, 512), (0, 512), (0, 2048)    # server's block, client's


def padded(answer, server, client):
    """In blocks longer than a Finished, it and an empty Certificate look alike; only the server's records tell."""
    if client <= 16 or answer == "both":
        return connection(answer)
    if server:
        return connection(answer, told=False)
    made = connection(answer)
    if answer == EMPTY:
        made.reason = "answer_not_seen"
        made.shown |= {"client_auth": "requested", "client_cert": "unknown", "outcome": "incomplete"}
    return made


def register_padding(answer, server, client):
    name = f"openssl-tls13-padded-{server}-{client}-{LABEL[answer]}"

    @scenario(name, f"OpenSSL, TLS 1.3, no keys in the file; records padded to multiples of {server} octets by the server, "
              f"{client} by the client (0: not). {SAYS[answer]}.")
    def run(lab):
        pad = ("-record_padding",)
        talk(lab, answer, (*pad, server) if server else (), (*pad, client) if client else ())
        return [padded(answer, server, client)]


for each in PADDING:
    for answered in (NONE, EMPTY, "both"):
        register_padding(answered, *each)


def register_random(answer):
    @scenario(f"openssl-tls13-padded-random-{LABEL[answer]}", "OpenSSL, TLS 1.3, no keys in the file; both sides pad every record "
              f"by up to 255 octets at random. {SAYS[answer]}.")
    def run(lab):
        talk(lab, answer, preloads=("padding", "padding"))
        return [connection(answer, told=False)]


for answered in (NONE, EMPTY, "both"):
    register_random(answered)


# ---- suites ----

def register_suite(answer, suite):
    short = suite.removeprefix("TLS_").replace("_", "-").lower()

    @scenario(f"openssl-tls13-{short}-{LABEL[answer]}",
              f"OpenSSL, TLS 1.3 with {suite}, no keys in the file. {SAYS[answer]}.")
    def run(lab):
        only = ("-ciphersuites", suite)
        talk(lab, answer, only, only)
        return [connection(answer)]


for each in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_128_CCM_8_SHA256"):
    for answered in (NONE, EMPTY, "both"):
        register_suite(answered, each)


# ---- split messages, another key share, refused 0-RTT ----

def register_split(answer):
    @scenario(f"openssl-tls13-split-{LABEL[answer]}", "OpenSSL, TLS 1.3, no keys in the file; records of at most 512 octets, "
              f"so that every Certificate is split. {SAYS[answer]}.")
    def run(lab):
        small = ("-max_send_frag", "512")
        talk(lab, answer, small, small)
        return [connection(answer)]


def register_retry(answer):
    @scenario(f"openssl-tls13-retry-{LABEL[answer]}", "OpenSSL, TLS 1.3, no keys in the file. The server asks for another key "
              f"share first (HelloRetryRequest). {SAYS[answer]}.")
    def run(lab):
        talk(lab, answer, ("-groups", "P-384"))
        return [connection(answer)]


def register_early(answer):
    @scenario(f"openssl-tls13-early-data-refused-{LABEL[answer]}", "OpenSSL, TLS 1.3, no keys in the file. A connection, and "
              "another one whose ClientHello offers to resume it, with early data; a server that knows nothing of the first "
              f"refuses both and goes through a full handshake. {SAYS[answer]}.")
    def run(lab):
        session, early = lab.folder / "session", lab.folder / "early"
        early.write_text("x" * 200)
        serving_early = ("-early_data", "-max_early_data", "1000")
        talk(lab, answer, serving_early, ("-sess_out", session))
        talk(lab, answer, ("-max_early_data", "1000", "-early_data"), ("-sess_in", session, "-early_data", early))
        made = [connection(answer), connection(answer)]
        made[1].shown |= {"client_cert": "unknown", "outcome": "incomplete"}     # the client's records may be early data
        if answer == EMPTY:
            made[1].shown["client_auth"] = "requested"
        if answer != NONE:
            made[1].reason = "answer_not_seen"
        return made


for answered in (NONE, EMPTY, "both"):
    register_split(answered)
    register_retry(answered)
    register_early(answered)
