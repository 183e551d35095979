# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures as taps and disks make them: the same handshakes with packets repeated, lost, cut or out of order.

Where nothing is missing the conclusion stays. Where something is missing it stays or becomes weaker:
never another one, and never `unaffected` where a CertificateRequest could have been.
"""

import pytest

from variants import (CAPTURES, IN_ORDER, IPV4, NO_ANALYSIS, SAMPLE, VLAN, all_in_one, block, conclusions,
                      damaged_at_random, frame, in_batches, packets_of, recorded, stays_or_weakens, swapped)

SNAP_LENGTHS = 54, 66, 80, 96, 128, 160, 200, 256, 400, 700, 1100
TOO_SHORT = [f"snapped {length}" for length in SNAP_LENGTHS if length < 96]      # for a record behind IPv6 and TCP


def mirrored(packets):
    return [each for packet in packets for each in (packet, packet)]


@in_batches(CAPTURES, *IN_ORDER, kept=None)
def transformed(host, name):
    """What is said of every transformation of the capture, by its label."""
    packets, variants = packets_of(host, name), {}
    variants["mirrored"] = mirrored(packets)
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
    return variants


def of_kind(host, name, kind):
    """(label, record) of every record of the capture's variants of a kind."""
    found = {label: records for label, records in transformed(host, name).items() if label.startswith(kind)}
    assert found
    # what tells SIP, or that it is TLS at all, may be what was taken away
    if kind in ("swapped", "snapped", "only") and not any(each in name for each in ("alpn", "payload", "cut-hello")):
        assert all(found[label] for label in found if label not in TOO_SHORT), "a connection is lost"
    return [(label, record) for label, records in found.items() for record in records]


@pytest.mark.parametrize("name", CAPTURES)
def test_repeated_packets_change_nothing(host, name):
    full = conclusions(recorded(host, name))
    assert conclusions(transformed(host, name)["mirrored"]) == full
    assert conclusions(transformed(host, name)["retransmitted"]) == full


@in_batches(CAPTURES, *IN_ORDER, *NO_ANALYSIS, at_once=100)
def mirrored_and_not_analysed(host, name):
    return {"mirrored": mirrored(packets_of(host, name))}


@pytest.mark.parametrize("name", CAPTURES)
def test_repeated_packets_without_tcp_analysis(host, name):
    """Wireshark then dissects the copies, too."""
    for record in mirrored_and_not_analysed(host, name)["mirrored"]:
        assert stays_or_weakens(recorded(host, name), record)


@pytest.mark.parametrize("name", CAPTURES)
def test_vlan_tags_change_nothing(host, name):
    assert conclusions(transformed(host, name)["tagged"]) == conclusions(recorded(host, name))


@in_batches(CAPTURES, at_once=100)
def swapped_and_as_it_comes(host, name):
    return {f"swapped {first}": swapped(packets_of(host, name), first) for first in (0, 1)}


@pytest.mark.parametrize("name", CAPTURES)
def test_out_of_order(host, name):
    """Neighbouring data segments swapped: decided with reassembly of out-of-order segments, never wrong without."""
    without = swapped_and_as_it_comes(host, name)
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


@in_batches(CAPTURES, *IN_ORDER)
def one_lost(host, name):
    packets = packets_of(host, name)
    return {at: packets[:at] + packets[at + 1:] for at in range(len(packets))}


@pytest.mark.parametrize("name", CAPTURES)
def test_each_single_packet_lost(host, name):
    for at, records in one_lost(host, name).items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), f"packet {at + 1} lost"


@in_batches(SAMPLE, *IN_ORDER, at_once=len(SAMPLE))
def one_cut(host, name):
    packets = packets_of(host, name)
    return {at: packets[:at] + [block(each, frame(each)[:100], len(frame(each)))] + packets[at + 1:]
            for at, each in enumerate(packets) if len(frame(each)) > 120}


@pytest.mark.parametrize("name", SAMPLE)
def test_each_packet_cut_short(host, name):
    for at, records in one_cut(host, name).items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), f"packet {at + 1} cut"


TRACED = [name for name in CAPTURES if "renegotiated" not in name]      # one that is lost as a whole leaves no trace
DAMAGED = damaged_at_random(TRACED)


@pytest.mark.parametrize("name", TRACED)
def test_damaged_at_random(host, name):
    for options, records_of in DAMAGED.items():
        for number, records in records_of(host, name).items():
            for record in records:
                assert stays_or_weakens(recorded(host, name), record), (number, options)


PREFERENCES = ("tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE", "tcp.no_subdissector_on_error:FALSE",
               "tcp.relative_sequence_numbers:FALSE", "tcp.check_checksum:TRUE", "tcp.try_heuristic_first:TRUE",
               "tcp.track_bytes_in_flight:FALSE", "ip.defragment:FALSE", "tls.desegment_ssl_records:FALSE",
               "tls.desegment_ssl_application_data:FALSE", "tls.ignore_ssl_mac_failed:TRUE")


@pytest.mark.parametrize("preference", PREFERENCES)
def test_preferences_of_other_dissectors(host, preference):
    """What they keep from being dissected makes a conclusion weaker, never another one."""
    for name, records in all_in_one(host, "-o", preference).items():
        assert records or "payload" in name, name   # SIP is recognised by what it says there
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), name
