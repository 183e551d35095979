# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS 1.3 without its keys: what the record lengths say, of whole captures and of damaged ones."""

import random
import struct

import pytest

from conftest import EXPECTED
from test_transformations import (CAPTURES, IN_ORDER, SECRETS, blocks, damaged, frame, judged, recorded, stays_or_weakens)

TLS13 = sorted({each["file"] for each in EXPECTED if each["facts"]["tls"] == "1.3"} & set(CAPTURES))
ASKED_LATER = "openssl-tls13-post-handshake.pcapng"
ANY_PORT = "-o", "siptls.any_port:TRUE"       # one is recognised by its decrypted payload


def without_keys(parts):
    parts.head = [each for each in parts.head if struct.unpack_from("<I", each)[0] != SECRETS]
    return parts


@pytest.mark.parametrize("name", TLS13)
def test_keys_removed(host, name):
    """All that the keys told but the certificates, and which alert it was."""
    parts = without_keys(blocks(host, name))
    records = judged(host, parts, {0: parts.packets}, *ANY_PORT)[0]
    full = recorded(host, name)
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
    parts = without_keys(blocks(host, name))
    records = judged(host, parts, {0: parts.packets}, *ANY_PORT, "-o", "siptls.infer:FALSE")[0]
    for record, one in zip(records, recorded(host, name), strict=True):
        assert record["reason"] == (one["reason"] if one["client_auth"] == "unknown" else "encrypted")


@pytest.mark.parametrize("name", TLS13)
def test_keys_removed_and_damaged(host, name):
    parts, chance = without_keys(blocks(host, name)), random.Random(name)
    packets = parts.packets
    variants = {f"packet {at + 1} lost": packets[:at] + packets[at + 1:] for at in range(len(packets))}
    variants |= {f"starts at packet {at + 1}": packets[at:] for at in range(1, len(packets))}
    if name != ASKED_LATER:
        variants |= {f"ends at packet {at}": packets[:at] for at in range(1, len(packets))}
    for source in {frame(each)[26:30] for each in packets}:
        variants[f"only {source.hex()}"] = [each for each in packets if frame(each)[26:30] == source]
    for label, records in judged(host, parts, variants, *ANY_PORT, *IN_ORDER).items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), label
    for options in ((), IN_ORDER, ("-o", "tcp.analyze_sequence_numbers:FALSE")):
        variants = {number: damaged(packets, chance) for number in range(80)}
        for number, records in judged(host, parts, variants, *ANY_PORT, *options).items():
            for record in records:
                assert stays_or_weakens(recorded(host, name), record), (number, options)
