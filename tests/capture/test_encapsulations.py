# SPDX-License-Identifier: GPL-2.0-or-later
"""Every capture on other links, in tunnels, cut into other segments, in other files: the conclusion stays."""

import gzip
import ipaddress
import struct
import subprocess

import pytest

import transform
from variants import (CAPTURES, IN_ORDER, SAMPLE, SECRETS, Blocks, block, blocks, conclusions, frame, head_of, kind,
                      number_of, packets_of, readdressed, recorded, stays_or_weakens)


def number(address):
    packed = ipaddress.ip_address(address).packed
    if packed.startswith(transform.PREFIX):
        return number_of(str(ipaddress.IPv4Address(packed[12:])))
    return number_of(address)


def together(host, names, change):
    """(number, frame as changed, block it comes from) of every packet of the captures; change takes and gives frames."""
    for index, name in enumerate(names, 1):
        packets = packets_of(host, name)
        for at, changed in change([readdressed(frame(each), index) for each in packets]):
            yield changed, packets[at]


def one_by_one(change):
    return lambda frames: enumerate(map(change, frames))


def file_of(host, names, change, link=transform.ETHERNET):
    whole = Blocks(b"")
    whole.head = head_of(host, CAPTURES, link=link)
    return whole.file(block(origin, changed) for changed, origin in together(host, names, change))


def by_capture(records, names):
    found = {name: [] for name in names}
    for record in records:
        found[names[number(record["client_ip"]) - 1]].append(record)
    return found


def judge(host, names, data, *arguments, name="changed.pcapng"):
    return by_capture(host.records(host.file(name, data), *arguments), names)


def assert_same(host, found):
    for name, records in found.items():
        assert conclusions(records) == conclusions(recorded(host, name)), name


@pytest.mark.parametrize("link", transform.LINKS)
def test_links_and_tunnels(host, link):
    kind, change = transform.LINKS[link]
    assert_same(host, judge(host, CAPTURES, file_of(host, CAPTURES, one_by_one(change), kind)))


@pytest.mark.parametrize("size,names", ((1, SAMPLE), (2, SAMPLE), (5, CAPTURES), (64, CAPTURES)))
def test_other_segments(host, size, names):
    assert_same(host, judge(host, names, file_of(host, names, lambda frames: transform.cut(frames, size))))


def test_merged_segments(host):
    assert_same(host, judge(host, CAPTURES, file_of(host, CAPTURES, transform.merged)))


def test_overlapping_segments(host):
    for name, records in judge(host, CAPTURES, file_of(host, CAPTURES, transform.overlapping)).items():
        assert records or "payload" in name, name   # SIP is recognised by what it says there
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), name


@pytest.mark.parametrize("window", (2, 4, 8))
@pytest.mark.parametrize("options", ((), IN_ORDER), ids=("as it comes", "in order"))
def test_shuffled_segments(host, window, options):
    def change(frames):
        return transform.shuffled([piece for _, piece in transform.cut(frames, 400)], window, window)

    def at_its_packet(frames):  # blocks are only asked for their time: those of the cut ones are near enough
        return ((min(at, len(frames) - 1), piece) for at, piece in change(frames))
    for name, records in judge(host, CAPTURES, file_of(host, CAPTURES, at_its_packet), *options).items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), name


def pcap(packets):
    """The old format, with microseconds."""
    out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)
    for changed, origin in packets:
        high, low = struct.unpack_from("<II", origin, 12)
        seconds, micro = divmod((high << 32 | low) // 1000, 1000000)
        out += struct.pack("<IIII", seconds, micro, len(changed), len(changed)) + changed
    return out


def without_secrets(host):
    return [name for name in CAPTURES if SECRETS not in map(kind, blocks(host, name).head)]


@pytest.mark.parametrize("compression", ("none", "gzip", "zstd"))
def test_other_files(host, compression):
    names = without_secrets(host)
    data = pcap(together(host, names, one_by_one(lambda each: each)))
    if compression == "gzip":
        data = gzip.compress(data)
    elif compression == "zstd":
        data = subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    assert_same(host, judge(host, names, data, name=f"changed.{compression}"))


def test_keys_added(host):
    """What was concluded without keys, decryption confirms."""
    keys = host.file("all.log", b"".join(each.read_bytes() for each in sorted((host.recorder / "keys").glob("*.log"))))
    names = [name for name in without_secrets(host) if "post-handshake" not in name and "renegotiated" not in name]
    found = judge(host, names, pcap(together(host, names, one_by_one(lambda each: each))), "-o", f"tls.keylog_file:{keys}")
    confirmed = 0
    for name, records in found.items():
        for record, before in zip(records, recorded(host, name), strict=True):
            if before["client_auth"] == "unknown":
                continue
            assert record["client_auth"] in (before["client_auth"], "optional", "required"), name
            assert before["client_auth"] != "not_requested" or record["client_auth"] == "not_requested", name
            assert before["client_cert"] in (record["client_cert"], "unknown"), name
            assert before["outcome"] in (record["outcome"], "incomplete"), name
            confirmed += before["evidence"] == "record_lengths" and record["evidence"] == "decrypted"
    assert confirmed > 20
