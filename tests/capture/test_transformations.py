# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures as taps and disks make them: the same handshakes with packets repeated, lost, cut or out of order.

Where nothing is missing the conclusion stays. Where something is missing it stays or becomes weaker:
never another one, and never `unaffected` where a CertificateRequest could have been.
"""

import functools
import ipaddress
import itertools
import random
import struct

import pytest

from conftest import CAPTURE_NAMES, EXPECTED

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


ETHERTYPE, VLAN, IPV4 = 12, b"\x81\x00", b"\x08\x00"
SECOND_OCTET = {192: 0, 198: 51}        # of the addresses that captures are recorded with
FOURTH_OCTET = 0xb8


def readdressed(packet, number):
    """The frame with addresses that tell the variant's number."""
    ip = 18 if packet[ETHERTYPE:14] == VLAN else 14
    changed = (ip + 13, ip + 17) if packet[ip - 2:ip] == IPV4 else (ip + 11, ip + 27)
    return bytes(octet ^ number if at in changed else octet for at, octet in enumerate(packet))


def number_of(address):
    octets = ipaddress.ip_address(address).packed
    return octets[1] ^ SECOND_OCTET[octets[0]] if len(octets) == 4 else octets[3] ^ FOURTH_OCTET


def in_turn(queues):
    """One of each queue, then the next of each, as long as there are any."""
    return [each for row in itertools.zip_longest(*queues) for each in row if each is not None]


def one_after_another(queues):
    return [each for queue in queues for each in queue]


SNAP_LENGTHS = 54, 66, 80, 96, 128, 160, 200, 256, 400, 700, 1100
TOO_SHORT = [f"snapped {length}" for length in SNAP_LENGTHS if length < 96]      # for a record behind IPv6 and TCP
MOST_VARIANTS = 250     # an octet of the addresses tells them apart


def judged(host, parts, variants, *arguments, mixed=one_after_another):
    """The records of each variant (label -> packets): many in one capture, each with addresses of its own."""
    records, labels = {label: [] for label in variants}, list(variants)
    for first in range(0, len(labels), MOST_VARIANTS):
        some = labels[first:first + MOST_VARIANTS]
        queues = [[block(each, readdressed(frame(each), number), struct.unpack_from("<I", each, 24)[0])
                   for each in variants[label]] for number, label in enumerate(some, 1)]
        for record in host.records(host.file("changed.pcapng", parts.file(mixed(queues))), *arguments):
            records[some[number_of(record["client_ip"]) - 1]].append(record)
    return records


IN_ORDER = "-o", "tcp.reassemble_out_of_order:TRUE"


@functools.cache
def recorded(host, name):
    """What is said of the capture as it was recorded."""
    return host.records(host.capture(name))


def swapped(packets, first):
    packets = packets[:]
    for at in range(first, len(packets) - 1, 2):
        if frame(packets[at])[26:34] == frame(packets[at + 1])[26:34]:       # of one direction
            packets[at], packets[at + 1] = packets[at + 1], packets[at]
    return packets


@functools.cache
def transformed(host, name):
    """What is said of every transformation of the capture, by its label."""
    parts = blocks(host, name)
    packets, variants = parts.packets, {}
    variants["mirrored"] = [each for packet in packets for each in (packet, packet)]
    variants["retransmitted"] = packets[:]                                    # behind the next packet
    for at in range(len(packets) - 1, 0, -1):
        variants["retransmitted"].insert(at + 1, packets[at - 1])
    variants["tagged"] = [block(each, frame(each)[:12] + VLAN + b"\x00\x2a" + frame(each)[12:]) for each in packets]
    for first in (0, 1):
        variants[f"swapped {first}"] = swapped(packets, first)
    for length in SNAP_LENGTHS:
        variants[f"snapped {length}"] = [block(each, frame(each)[:length], len(frame(each))) for each in packets]
    sources = {frame(each)[26:30] if frame(each)[12:14] == IPV4 else frame(each)[22:38] for each in packets}
    assert len(sources) == 2
    for source in sorted(sources):
        variants[f"only {source.hex()}"] = [each for each in packets if source in (frame(each)[26:30], frame(each)[22:38])]
    for at in range(1, len(packets)):
        variants[f"late {at}"] = packets[at:]
        # what a server asks behind the handshake is not known to a capture that ended before
        if "renegotiated" not in name and "post-handshake" not in name:
            variants[f"early {at}"] = packets[:at]
    return judged(host, parts, variants, *IN_ORDER)


def of_kind(host, name, kind):
    """(label, record) of every record of the capture's variants of a kind."""
    found = {label: records for label, records in transformed(host, name).items() if label.startswith(kind)}
    assert found
    # what tells SIP, or that it is TLS at all, may be what was taken away
    if kind in ("swapped", "snapped", "only") and not any(each in name for each in ("alpn", "payload", "cut-hello")):
        assert all(found[label] for label in found if label not in TOO_SHORT), "a connection is lost"
    return [(label, record) for label, records in found.items() for record in records]


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
    full = conclusions(recorded(host, name))
    assert conclusions(transformed(host, name)["mirrored"]) == full
    assert conclusions(transformed(host, name)["retransmitted"]) == full


@pytest.mark.parametrize("name", CAPTURES)
def test_repeated_packets_without_tcp_analysis(host, name):
    """Wireshark then dissects the copies, too."""
    parts = blocks(host, name)
    variants = {"mirrored": [each for packet in parts.packets for each in (packet, packet)]}
    for record in judged(host, parts, variants, *IN_ORDER, "-o", "tcp.analyze_sequence_numbers:FALSE")["mirrored"]:
        assert stays_or_weakens(recorded(host, name), record)


@pytest.mark.parametrize("name", CAPTURES)
def test_vlan_tags_change_nothing(host, name):
    assert conclusions(transformed(host, name)["tagged"]) == conclusions(recorded(host, name))


@pytest.mark.parametrize("name", CAPTURES)
def test_out_of_order(host, name):
    """Neighbouring data segments swapped: decided with reassembly of out-of-order segments, never wrong without."""
    parts = blocks(host, name)
    without = judged(host, parts, {f"swapped {first}": swapped(parts.packets, first) for first in (0, 1)})
    for label, record in [*of_kind(host, name, "swapped"),
                          *((label, record) for label, records in without.items() for record in records)]:
        assert stays_or_weakens(recorded(host, name), record), label


@pytest.mark.parametrize("name", CAPTURES)
def test_short_snaplen(host, name):
    for label, record in of_kind(host, name, "snapped"):
        # a client's flight can be short enough to be whole; it, or its lengths, prove that there was no request
        assert record["client_auth"] != "not_requested" or record["evidence"] in ("client_flight", "record_lengths"), label
        assert stays_or_weakens(recorded(host, name), record), label


@pytest.mark.parametrize("name", CAPTURES)
def test_one_direction(host, name):
    for label, record in of_kind(host, name, "only"):
        assert stays_or_weakens(recorded(host, name), record), label


@pytest.mark.parametrize("name", CAPTURES)
def test_capture_starts_late(host, name):
    for label, record in of_kind(host, name, "late"):
        assert stays_or_weakens(recorded(host, name), record), label


@pytest.mark.parametrize("name", [name for name in CAPTURES if "renegotiated" not in name and "post-handshake" not in name])
def test_capture_ends_early(host, name):
    for label, record in of_kind(host, name, "early"):
        assert stays_or_weakens(recorded(host, name), record), label


@pytest.mark.parametrize("name", CAPTURES)
def test_each_single_packet_lost(host, name):
    parts = blocks(host, name)
    variants = {at: parts.packets[:at] + parts.packets[at + 1:] for at in range(len(parts.packets))}
    for at, records in judged(host, parts, variants, *IN_ORDER).items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), f"packet {at + 1} lost"


@pytest.mark.parametrize("name", SAMPLE)
def test_each_packet_cut_short(host, name):
    parts = blocks(host, name)
    variants = {at: parts.packets[:at] + [block(each, frame(each)[:100], len(frame(each)))] + parts.packets[at + 1:]
                for at, each in enumerate(parts.packets) if len(frame(each)) > 120}
    for at, records in judged(host, parts, variants, *IN_ORDER).items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), f"packet {at + 1} cut"


def damaged(packets, chance):
    """The packets with up to four of them lost, cut, repeated late, swapped, or the beginning lost."""
    packets = packets[:]
    for _ in range(chance.randint(1, 4)):
        at, what = chance.randrange(len(packets)), chance.choice("lllcrsb")
        packet = frame(packets[at])
        if what == "l" and len(packets) > 1:
            del packets[at]
        elif what == "c" and len(packet) > 80:
            packets[at] = block(packets[at], packet[:chance.randint(66, len(packet) - 1)], len(packet))
        elif what == "r":
            packets.insert(chance.randrange(at, len(packets)) + 1, packets[at])
        elif what == "s" and at + 1 < len(packets):
            packets[at:at + 2] = reversed(packets[at:at + 2])
        elif what == "b":
            packets = packets[min(at, 3):]
    return packets


# a renegotiation that is lost as a whole leaves no trace
@pytest.mark.parametrize("name", [name for name in CAPTURES if "renegotiated" not in name])
def test_damaged_at_random(host, name):
    chance, parts = random.Random(name), blocks(host, name)       # the same on every run
    for options in ((), IN_ORDER, ("-o", "tcp.analyze_sequence_numbers:FALSE")):
        variants = {number: damaged(parts.packets, chance) for number in range(80)}
        for number, records in judged(host, parts, variants, *options).items():
            for record in records:
                assert stays_or_weakens(recorded(host, name), record), (number, options)


PREFERENCES = ("tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE", "tcp.no_subdissector_on_error:FALSE",
               "tcp.relative_sequence_numbers:FALSE", "tcp.check_checksum:TRUE", "tcp.try_heuristic_first:TRUE",
               "tcp.track_bytes_in_flight:FALSE", "ip.defragment:FALSE", "tls.desegment_ssl_records:FALSE",
               "tls.desegment_ssl_application_data:FALSE", "tls.ignore_ssl_mac_failed:TRUE")


@functools.cache
def all_in_one(host):
    """Every capture in one: a file with all secrets, and the packets of each."""
    together, variants = Blocks(b""), {}
    for name in CAPTURES:
        parts = blocks(host, name)
        new = [each for each in parts.head if not together.head or struct.unpack_from("<I", each)[0] == SECRETS]
        together.head += new
        variants[name] = parts.packets
    return together, variants


@pytest.mark.parametrize("mixed", (one_after_another, in_turn))
def test_all_in_one_capture(host, mixed):
    together, variants = all_in_one(host)
    for name, records in judged(host, together, variants, mixed=mixed).items():
        assert conclusions(records) == conclusions(recorded(host, name)), name


@pytest.mark.parametrize("preference", PREFERENCES)
def test_preferences_of_other_dissectors(host, preference):
    """What they keep from being dissected makes a conclusion weaker, never another one."""
    together, variants = all_in_one(host)
    for name, records in judged(host, together, variants, "-o", preference).items():
        assert records or "payload" in name, name   # SIP is recognised by what it says there
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), name
