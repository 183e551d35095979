# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 without its keys: what the record lengths say, of whole captures and of damaged ones."""

import pytest

from conftest import EXPECTED
from variants import CAPTURES, IN_ORDER, damaged_at_random, frame, in_batches, packets_of, recorded, stays_or_weakens

TLS13 = sorted({each["file"] for each in EXPECTED if each["facts"]["tls"] == "1.3"} & set(CAPTURES))
ASKED_LATER = "openssl-tls13-post-handshake.pcapng"
ANY_PORT = "-o", "siptls.any_port:TRUE"       # one is recognised by its decrypted payload


@in_batches(TLS13, *ANY_PORT, at_once=len(TLS13), secrets=False)
def whole(host, name):
    return {"whole": packets_of(host, name)}


@in_batches(TLS13, *ANY_PORT, "-o", "siptls.infer:FALSE", at_once=len(TLS13), secrets=False)
def whole_without_inference(host, name):
    return {"whole": packets_of(host, name)}


@pytest.mark.parametrize("name", TLS13)
def test_keys_removed(host, name):
    """All that the keys told but the certificates, and which alert it was."""
    records, full = whole(host, name)["whole"], recorded(host, name)
    assert len(records) == len(full)
    for record, one in zip(records, full, strict=True):
        assert record["outcome"] == one["outcome"]
        if name == ASKED_LATER:
            assert record["reason"] == "post_handshake_auth_possible"
            continue
        assert (record["client_auth"], record["client_cert"]) == (one["client_auth"], one["client_cert"])
        assert record["evidence"] == ("none" if one["client_auth"] == "unknown" else "record_lengths")
        assert record["client_leaf"] is None and record["server_leaf"] is None


@pytest.mark.parametrize("name", TLS13)
def test_inference_turned_off(host, name):
    for record, one in zip(whole_without_inference(host, name)["whole"], recorded(host, name), strict=True):
        assert record["reason"] == (one["reason"] if one["client_auth"] == "unknown" else "encrypted")


@in_batches(TLS13, *ANY_PORT, *IN_ORDER, secrets=False)
def in_parts(host, name):
    packets = packets_of(host, name)
    variants = {f"packet {at + 1} lost": packets[:at] + packets[at + 1:] for at in range(len(packets))}
    variants |= {f"starts at packet {at + 1}": packets[at:] for at in range(1, len(packets))}
    if name != ASKED_LATER:
        variants |= {f"ends at packet {at}": packets[:at] for at in range(1, len(packets))}
    for source in {frame(each)[26:30] for each in packets}:
        variants[f"only {source.hex()}"] = [each for each in packets if frame(each)[26:30] == source]
    return variants


DAMAGED = damaged_at_random(TLS13, *ANY_PORT, secrets=False)


@pytest.mark.parametrize("name", TLS13)
def test_keys_removed_and_damaged(host, name):
    for options, records_of in {"in parts": in_parts, **DAMAGED}.items():
        for label, records in records_of(host, name).items():
            for record in records:
                assert stays_or_weakens(recorded(host, name), record), (label, options)
