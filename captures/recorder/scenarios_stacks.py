# SPDX-License-Identifier: GPL-2.0-or-later
"""Other TLS stacks: Go's crypto/tls, Java's JSSE, GnuTLS, NSS; each against itself or OpenSSL."""

from .peers import pair
from .scenario import COMPLETED, EMPTY, NONE, REJECTED, Connection, scenario

# stack's server, its client, TLS, ask, answer, alert of the server, impact, reason
PAIRS = (
    ("go", "go", "1.2", "no", NONE, None, "unaffected", "no_certificate_request"),
    ("go", "go", "1.2", "require", "server-only", "bad_certificate", "failing", "rejected_without_client_auth_eku"),
    ("go", "openssl", "1.2", "request", EMPTY, None, "at_risk", "accepted_without_certificate"),
    ("go", "openssl", "1.2", "require", "both", None, "at_risk", "relies_on_client_auth_eku"),
    ("go", "go", "1.3", "require", "server-only-ec", "bad_certificate", "failing", "rejected_without_client_auth_eku"),
    ("go", "go", "1.3", "no", NONE, None, "unaffected", "no_certificate_request"),
    ("go", "openssl", "1.2", "require", "any-eku", None, "at_risk", "eku_unrestricted"),
    ("go", "go", "1.3", "require", "any-eku", None, "at_risk", "eku_unrestricted"),
    ("jsse", "openssl", "1.2", "no", NONE, None, "unaffected", "no_certificate_request"),
    ("jsse", "openssl", "1.2", "require", "both", None, "at_risk", "relies_on_client_auth_eku"),
    ("jsse", "openssl", "1.2", "require", "server-only", "certificate_unknown", "failing",
     "rejected_without_client_auth_eku"),
    ("jsse", "openssl", "1.3", "require", "server-only", "certificate_unknown", "failing",
     "rejected_without_client_auth_eku"),
    ("openssl", "jsse", "1.2", "request", EMPTY, None, "at_risk", "accepted_without_certificate"),
    ("openssl", "jsse", "1.3", "require", "both", None, "at_risk", "relies_on_client_auth_eku"),
)
WORDS = {"openssl": "OpenSSL", "go": "Go crypto/tls", "jsse": "Java JSSE"}
ASKS = {"no": "asks for no certificate", "request": "asks without requiring", "require": "requires a certificate"}


def register(server, client, tls, ask, answer, alert, impact, reason):
    label = "not-asked" if ask == "no" else f"{answer}-{'refused' if alert else 'accepted'}"
    says = {NONE: "is not asked", EMPTY: "has none"}.get(answer, f"presents one of kind {answer}")

    @scenario(f"{server}-{client}-tls{tls.replace('.', '')}-{label}",
              f"{WORDS[server]} server, {WORDS[client]} client, TLS {tls}. The server {ASKS[ask]}; the client {says} "
              f"and is {'refused' if alert else 'accepted'}.", keys=tls == "1.3")
    def run(lab):
        own = answer if answer not in (NONE, EMPTY) else "both" if ask == "no" else None
        pair(lab, tls, ask, own, stacks=(server, client))
        return [Connection(tls, ask != "no", answer, REJECTED if alert else COMPLETED,
                           ("server", alert) if alert else None, impact=impact, reason=reason)]


for each in PAIRS:
    register(*each)
