# SPDX-License-Identifier: GPL-2.0-or-later
"""Large captures, which siptls-scan reads ahead in a thread of its own: the same is found, and nothing else changes."""

import json
import sys
from collections import Counter

import pytest

from conftest import ROOT
from test_scan_equal import scanned, told
from variants import IN_ORDER

sys.path.insert(0, str(ROOT / "tests" / "bench"))
import make_capture     # noqa: E402  (what is measured, too)

LARGE = 16 << 20        # octets; scan/reading.c
CONNECTIONS = 60


@pytest.fixture(scope="module")
def mixed(host):
    """A capture of SIP over TLS among RTP, HTTPS and DNS, and how many connections of each verdict are in it."""
    path = host.file("mixed.pcap", b"")
    expected = make_capture.write_mixed(path, CONNECTIONS)
    assert path.stat().st_size > LARGE and expected.total() == CONNECTIONS
    return path, expected


def test_mixed(host, mixed):
    path, expected = mixed
    found = scanned(host, path)[str(path)]
    assert Counter(tuple(record[word] for word in make_capture.VERDICT) for record in found) == expected
    assert told(found) == told(host.records(path, *IN_ORDER))


def test_standard_input_is_not_read_ahead_and_finds_the_same(host, mixed):
    path, _ = mixed
    with open(path, "rb") as stream:
        found = scanned(host, "-", stdin=stream)["-"]
    assert told(found) == told(scanned(host, path)[str(path)])


def test_cut_in_a_packet(host, mixed):
    """What was read until there counts, and the file is named."""
    path, _ = mixed
    cut = host.file("cut.pcap", path.read_bytes()[:LARGE + 100_001])
    done = host.run(host.scan, "--format", "ndjson", cut, check=False)
    *found, file, _ = map(json.loads, done.out.splitlines())
    assert done.returncode == 2 and f"{cut}: it appears to have been cut short" in done.err
    assert file["type"] == "file" and file["status"] == "cut_short" and file["connections"] == len(found) > 0
    assert told(found) == told(host.records(cut, *IN_ORDER, check=False))


def test_what_is_no_packet_behind_a_large_beginning(host, mixed):
    """The plain reader gives up far behind the beginning; libwiretap says what it is."""
    path, expected = mixed
    odd = host.file("odd.pcap", path.read_bytes() + b"\xff" * 16)
    done = host.run(host.scan, "--format", "ndjson", odd, check=False)
    records = [json.loads(line) for line in done.out.splitlines()]
    assert done.returncode == 2 and f"siptls-scan: {odd}: " in done.err
    assert sum(record["type"] == "connection" for record in records) == expected.total()
    assert [record["status"] for record in records if record["type"] == "file"] != ["ok"]
