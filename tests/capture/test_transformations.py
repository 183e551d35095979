# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures as taps and disks make them: the same handshakes with packets repeated, lost, cut or out of order.

Where nothing is missing the conclusion stays. Where something is missing it stays or becomes weaker:
never another one, and never `unaffected` where a CertificateRequest could have been.
"""

import struct

import pytest

from conftest import CAPTURE_NAMES, EXPECTED

BY_CONNECTION = {}
for statement in EXPECTED:
    BY_CONNECTION.setdefault(statement["file"], []).append(statement["facts"])
CAPTURES = [name for name in CAPTURE_NAMES if "options" not in next(s for s in EXPECTED if s["file"] == name)]
SAMPLE = ("openssl-tls12-not-asked.pcapng", "openssl-tls12-both-accepted.pcapng", "openssl-tls12-required-empty.pcapng",
          "openssl-tls12-server-only-refused.pcapng", "openssl-tls12-cut-fin.pcapng", "jsse-openssl-tls12-not-asked.pcapng",
          "openssl-tls12-client-refuses-not-asked.pcapng", "openssl-tls12-resumed-session-id.pcapng",
          "openssl-tls12-anonymous.pcapng", "openssl-tls12-small-records.pcapng", "openssl-tls13-not-asked.pcapng",
          "openssl-tls13-required-empty.pcapng", "openssl-tls13-resumed-psk.pcapng", "openssl-tls12-renegotiated.pcapng")

SECRETS, PACKET = 0x0A, 0x06


class Blocks:
    """A pcapng file as editcap writes it: head, secrets and one block a packet."""

    def __init__(self, data):
        self.head, self.packets, at = [], [], 0
        while at < len(data):
            kind, length = struct.unpack_from("<II", data, at)
            (self.packets if kind == PACKET else self.head).append(data[at:at + length])
            at += length

    def file(self, packets):
        return b"".join(self.head + list(packets))


def frame(block):
    """The packet of an Enhanced Packet Block."""
    captured, _ = struct.unpack_from("<II", block, 20)
    return block[28:28 + captured]


def block(head, packet, original=None):
    """An Enhanced Packet Block with another packet; time and interface of the old one."""
    padded = packet + b"\0" * (-len(packet) % 4)
    length = 32 + len(padded)
    return (struct.pack("<II", PACKET, length) + head[8:20] +
            struct.pack("<II", len(packet), original or len(packet)) + padded + struct.pack("<I", length))


def blocks(host, name):
    return Blocks(host.capture(name).read_bytes())


def judged(host, data, *arguments):
    capture = host.file("changed.pcapng", data)
    return host.records(capture, "-o", "tcp.reassemble_out_of_order:TRUE", *arguments)


def conclusions(records):
    return [tuple(record[key] for key in ("client_auth", "client_cert", "outcome", "impact", "reason"))
            for record in records]


def stays_or_weakens(full, record):
    """What may become of a conclusion when packets are missing."""
    if record["impact"] == "undetermined":
        return True
    facts = [one for one in full if one["client_port"] == record["client_port"] and one["start"][:10] == record["start"][:10]]
    for one in facts:
        asked = one["client_auth"] not in ("not_requested", "unknown")
        if record["client_auth"] == "not_requested":
            # only where that is what was decided with everything there, or what the programs did
            if one["client_auth"] == "not_requested":
                return True
        elif asked:
            known = {"client_cert": "unknown", "client_auth": "requested"}
            if all(record[key] in (one[key], weaker) for key, weaker in known.items()) and \
                    record["outcome"] in (one["outcome"], "incomplete"):
                return True
    return False


@pytest.mark.parametrize("name", CAPTURES)
def test_repeated_packets_change_nothing(host, name):
    full, parts = conclusions(host.records(host.capture(name))), blocks(host, name)
    twice = [each for packet in parts.packets for each in (packet, packet)]          # a mirror of both directions
    assert conclusions(judged(host, parts.file(twice))) == full
    later = parts.packets[:]
    for at in range(len(later) - 1, 0, -1):                                          # retransmissions behind the next packet
        later.insert(at + 1, later[at - 1])
    assert conclusions(judged(host, parts.file(later))) == full
    # without TCP analysis Wireshark dissects the copies, too
    for record in judged(host, parts.file(twice), "-o", "tcp.analyze_sequence_numbers:FALSE"):
        assert stays_or_weakens(host.records(host.capture(name)), record)


@pytest.mark.parametrize("name", CAPTURES)
def test_vlan_tags_change_nothing(host, name):
    full, parts = conclusions(host.records(host.capture(name))), blocks(host, name)
    tagged = [block(each, frame(each)[:12] + b"\x81\x00\x00\x2a" + frame(each)[12:]) for each in parts.packets]
    assert conclusions(judged(host, parts.file(tagged))) == full


@pytest.mark.parametrize("name", CAPTURES)
def test_out_of_order(host, name):
    """Neighbouring data segments swapped: decided with reassembly of out-of-order segments, never wrong without."""
    full, parts = host.records(host.capture(name)), blocks(host, name)
    for first in (0, 1):
        swapped = parts.packets[:]
        for at in range(first, len(swapped) - 1, 2):
            same_direction = frame(swapped[at])[26:34] == frame(swapped[at + 1])[26:34]
            if same_direction:
                swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
        for record in judged(host, parts.file(swapped)):
            assert stays_or_weakens(full, record)
        capture = host.file("changed.pcapng", parts.file(swapped))
        for record in host.records(capture):
            assert stays_or_weakens(full, record)


@pytest.mark.parametrize("name", CAPTURES)
def test_short_snaplen(host, name):
    parts = blocks(host, name)
    for length in (96, 200):
        cut = [block(each, frame(each)[:length], len(frame(each))) for each in parts.packets]
        for record in judged(host, parts.file(cut)):
            # a client's flight can be short enough to be whole; it proves that there was no request
            assert record["client_auth"] != "not_requested" or record["evidence"] == "client_flight"
            assert stays_or_weakens(host.records(host.capture(name)), record)


@pytest.mark.parametrize("name", CAPTURES)
def test_one_direction(host, name):
    full, parts = host.records(host.capture(name)), blocks(host, name)
    sources = {frame(each)[26:30] if frame(each)[12:14] == b"\x08\x00" else frame(each)[22:38] for each in parts.packets}
    assert len(sources) == 2
    for source in sources:
        kept = [each for each in parts.packets if source in (frame(each)[26:30], frame(each)[22:38])]
        for record in judged(host, parts.file(kept)):
            assert stays_or_weakens(full, record)


@pytest.mark.parametrize("name", CAPTURES)
def test_capture_starts_late_or_ends_early(host, name):
    # what a server asks behind the handshake is not known to a capture that ended before
    asks_later = "renegotiated" in name or "post-handshake" in name
    full, parts = host.records(host.capture(name)), blocks(host, name)
    step = max(1, len(parts.packets) // 6)
    for at in range(1, len(parts.packets), step):
        for some in (parts.packets[at:], *([] if asks_later else [parts.packets[:at]])):
            for record in judged(host, parts.file(some)):
                assert stays_or_weakens(full, record)


@pytest.mark.parametrize("name", SAMPLE)
def test_each_single_packet_lost(host, name):
    full, parts = host.records(host.capture(name)), blocks(host, name)
    for at in range(len(parts.packets)):
        some = parts.packets[:at] + parts.packets[at + 1:]
        for record in judged(host, parts.file(some)):
            assert stays_or_weakens(full, record), f"packet {at + 1} lost"


@pytest.mark.parametrize("name", SAMPLE)
def test_each_packet_cut_short(host, name):
    full, parts = host.records(host.capture(name)), blocks(host, name)
    for at, each in enumerate(parts.packets):
        if len(frame(each)) > 120:
            cut = parts.packets[:at] + [block(each, frame(each)[:100], len(frame(each)))] + parts.packets[at + 1:]
            for record in judged(host, parts.file(cut)):
                assert stays_or_weakens(full, record), f"packet {at + 1} cut"
