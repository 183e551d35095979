# SPDX-License-Identifier: GPL-2.0-or-later
"""captures/expected.ndjson against the captures themselves: each is decrypted with its key log and read without the plugin."""

import functools
import sys

import pytest

from conftest import CAPTURE_NAMES, CAPTURES, EXPECTED
from variants import as_before, as_recorded, number_of, together

sys.path.insert(0, str(CAPTURES))
from recorder import truth  # noqa: E402

ASKED = ("requested", "optional", "required")
UNDECRYPTED = ("jsse-ssl3",)        # no program logs keys for SSL 3.0: what a capture of it cannot show is not looked for
# an mbedTLS server encrypts the alert of a refusal with the keys of its handshake, which nobody uses any more
UNREADABLE_ALERT = ("no-keys-mbedtls-",)


@functools.cache
def seen_in_all(host):
    """Capture -> its connections: of all captures in one file without secrets, with the key logs of all."""
    logs = [CAPTURES / "keys" / f"{name.removesuffix('.pcapng')}.log" for name in CAPTURE_NAMES]
    keys = host.file("all.log", b"".join(log.read_bytes() for log in logs))
    path = host.file("all.pcapng", together(host, as_recorded(host, CAPTURE_NAMES), secrets=False))
    found = {name: [] for name in CAPTURE_NAMES}
    for seen in truth.connections(path, keys):
        found[CAPTURE_NAMES[number_of(seen.client_address) - 1]].append(seen)
        seen.client_address, seen.server_address = as_before(seen.client_address), as_before(seen.server_address)
    return found


@functools.cache
def leaf(der):
    return truth.leaf_facts(der)


@pytest.mark.parametrize("statement", EXPECTED, ids=lambda each: f"{each['file']}-{each['connection']}")
def test_statement_is_what_decryption_shows(host, statement):
    of_capture, facts = seen_in_all(host)[statement["file"]], statement["facts"]
    seen = of_capture[statement["connection"]]
    for key, shown in (("client_ip", seen.client_address), ("server_ip", seen.server_address),
                       ("server_port", seen.server_port), ("tls", seen.version), ("sni", seen.sni)):
        assert facts.get(key, shown) == shown, key
    if facts.get("client_auth") == "not_requested" or facts.get("impact") == "unaffected":
        assert not seen.requested
    if facts.get("evidence") == "original_handshake":   # asked when the session was created
        assert facts["resumed"] and not seen.requested
        seen_before = of_capture[:statement["connection"]]
        assert any(each.requested == (facts["client_auth"] in ASKED) for each in seen_before)
    elif facts.get("client_auth") in ASKED or facts.get("certificate_request_seen"):
        assert seen.requested
    answered = seen.client.leaf is not None or seen.client.compressed
    if facts.get("client_cert") in ("present", "empty", "none"):
        shown = "empty" if seen.client.empty else "present" if answered else "none"
        assert facts["client_cert"] == shown
    for side, presented in (("client_leaf", seen.client), ("server_leaf", seen.server)):
        if facts.get(side) and not presented.compressed:
            assert {key: facts[side][key] for key in leaf(presented.leaf)} == leaf(presented.leaf), side
    if facts.get("alert") and statement["file"].startswith(UNREADABLE_ALERT):
        assert facts["alert"]["name"] is None and not seen.server.sip
    elif facts.get("alert"):
        sent = {"client": seen.client, "server": seen.server}[facts["alert"]["from"]].alert
        assert sent == facts["alert"]["name"] or (sent and facts["alert"]["name"] is None)  # encrypted: its name is hidden
    elif "alert" in facts and facts.get("outcome") == "completed":
        assert (seen.client.alert, seen.server.alert) == (None, None)
    if not statement["file"].startswith(UNDECRYPTED):
        if facts.get("outcome") == "completed":
            assert seen.completed
        if facts.get("server_data") == "yes":
            assert seen.server.sip or "answers like a web server" in statement["how"]
