# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures made to exhaust, to confuse or to break out of a report: what is kept is bounded, what is shown is escaped."""

import csv
import io
import json
import os
import sys
from collections import Counter

import dpkt
import pytest

import transform
from conftest import ROOT
from test_encapsulations import pcap
from test_scan_equal import told
from variants import IN_ORDER, Blocks, block, frame

sys.path.insert(0, str(ROOT / "tests/hostile"))
import attacks  # noqa: E402

NOT_ASKED = "openssl-tls12-not-asked.pcapng"
ASKED = "kamailio-verify-yes-require-yes-tls12.pcapng"
SIZES = {"half_open": 2000, "tiny_records": 2000, "endless_messages": 20000, "many_certificates": 4000, "many_names": 16000,
         "huge_length": 0, "holes": 5000, "reused_port": 500}
MOST_OF_A_CONNECTION = 16       # KiB, README.md
LONGEST_RECORD = 1 << 20        # octets, README.md


def scanned(host, path, *options):
    done = host.run(host.scan, "--quiet", "--format", "ndjson", *options, path, check=False)
    lines = done.out.splitlines()
    found = [json.loads(line) for line in lines]
    assert [each["type"] for each in found[-2:]] == ["file", "run"]
    assert found[-2]["connections"] == len(found) - 2
    return found, max(map(len, lines))


def attack(host, name, size):
    path = host.work / f"{name}-{size}.pcap"
    attacks.write(path, attacks.ATTACKS[name](size))
    return path


# ---- what is kept --------------------------------------------------------------------------------

@pytest.mark.parametrize("name", SIZES)
def test_nothing_grows_without_a_bound(host, name):
    found, longest = scanned(host, attack(host, name, SIZES[name]))
    connections = found[:-2]
    assert len(connections) == (SIZES[name] if name in ("half_open", "reused_port") else 1)
    assert found[-2]["status"] == "ok"
    assert longest < LONGEST_RECORD
    asks = name in ("many_certificates", "many_names", "reused_port")
    assert {each["client_auth"] for each in connections} == {"requested" if asks else "unknown"}


@pytest.mark.parametrize("name", SIZES)
def test_tshark_shows_all_of_it(host, name):
    path = attack(host, name, min(SIZES[name], 500))
    assert host.tshark("-n", "-r", path, "-V", "-z", "siptls,stat", "-z", "siptls,json").out


def test_memory_of_a_connection_is_bounded(host):
    few, many = 1000, 9000
    peaks = []
    for count in (few, many):
        command = [*host.unprivileged(), host.scan, "--quiet", "--format", "ndjson", attack(host, "half_open", count)]
        memory, status, _ = attacks.peak(command, env=host.environment(True), cwd=host.work)
        assert status == 3
        peaks.append(memory)
    if not os.environ.get("SIPTLS_SANITIZE"):   # which keeps what was freed for a while
        assert (peaks[1] - peaks[0]) / (many - few) < MOST_OF_A_CONNECTION


def test_more_connections_than_the_memory_holds_are_read_in_parts(host):
    """Each is told of once."""
    count = 45_000              # some 200 MB, which is more than is allowed beside what Wireshark takes itself
    allowed = 1000 if os.environ.get("SIPTLS_SANITIZE") else 240
    path = host.work / "many.pcap"
    asks = attacks.records(attacks.certificates(1) + attacks.request(b"") + attacks.message(attacks.DONE, b""))
    attacks.write(path, [*attacks.half_open(count), *attacks.server_flight(asks, count)])
    found, _ = scanned(host, path, "--max-memory", str(allowed))
    clients = Counter((each["client_ip"], each["client_auth"]) for each in found[:-2])
    assert found[-2]["status"] == "ok" and len(clients) == clients.total() == count + 1
    assert [auth for _, auth in clients].count("requested") == 1


def test_session_that_is_resumed_in_a_file_too_large_for_one_part(host):
    """Each part holds some of the connections: the one that made the session may be in another part."""
    resumed = host.capture("openssl-tls12-resumed-session-id.pcapng")
    path = host.work / "many-and-resumed.pcap"
    packets = [(frame(each), each) for each in Blocks(resumed.read_bytes()).packets]
    count = 75_000
    attacks.write(path, [*attacks.half_open(count), pcap(packets)[len(pcap([])):]])
    found, _ = scanned(host, path)
    alone, _ = scanned(host, resumed)
    assert found[-2]["status"] == "ok" and found[-2]["connections"] == count + len(alone) - 2
    assert list(map(facts_of, alone[:-2])) == [facts_of(each) for each in found[:-2] if each["impact"] == "at_risk"]


# ---- what is shown -------------------------------------------------------------------------------

# as long as the name that the client of the capture asks for
RECORDED = b"sbc.customer.example"
NAMES = {"terminal": b"\x1b[31m\x1b]0;title\x07 red", "not UTF-8": b"\xff\xfe\xc0\xaf\x80 and so on..", "quotes": b"\"',;\\\"'\"\"''<b>&amp;|",
         "newlines": b"one\r\ntwo\nthree\x0b\x0c\x85 .", "NUL": b"before\0after\0\0......", "formula": b"=1+2|cmd'!A0+-@=\t..",
         "direction": "\u202eelpmaxe\u2066\u200f...".encode()}


def renamed(host, name):
    """The recorded capture with another server name, and the same octets as a protocol name."""
    whole = Blocks(host.capture(ASKED).read_bytes())
    octets = NAMES[name].ljust(len(RECORDED), b".")
    assert len(octets) == len(RECORDED)

    def hello(data):
        assert data.count(RECORDED) == 1
        return transform.offering(data.replace(RECORDED, octets), octets)
    frames = list(map(frame, whole.packets))
    packets = [block(whole.packets[at], changed) for at, changed in transform.edited(frames, hello)]
    return host.file(f"name-{name.replace(' ', '-')}.pcapng", whole.file(packets))


def is_harmless(text):
    return all(character.isprintable() or character in "\n\t" for character in text)


@pytest.mark.parametrize("name", NAMES)
def test_names_off_the_wire_are_escaped_everywhere(host, name):
    path = renamed(host, name)
    for arguments in (("-O", "siptls", "-z", "siptls,stat", "-z", "siptls,json", "-z", "expert"),
                      ("-T", "fields", "-e", "siptls.sni", "-e", "siptls.alpn")):
        assert is_harmless(host.tshark("-n", "-r", path, "-Y", "siptls", *arguments).out), arguments
    done = host.run(host.scan, path, check=False)
    assert is_harmless(done.out) and is_harmless(done.err)
    record = scanned(host, path)[0][0]
    assert is_harmless(json.dumps(record, ensure_ascii=False))
    assert record["sni"] and record["impact"] == "failing"


@pytest.mark.parametrize("name", NAMES)
def test_csv_has_no_formula_and_as_many_fields_as_its_head(host, name):
    done = host.run(host.scan, "--quiet", "--format", "csv", renamed(host, name), check=False)
    head, *rows = csv.reader(io.StringIO(done.out, newline=""))
    assert len(rows) == 1 and len(rows[0]) == len(head)
    assert not rows[0][head.index("sni")].startswith(tuple("=+-@\t\r"))
    assert is_harmless(done.out.replace("\r\n", "\n"))


# ---- what confuses -------------------------------------------------------------------------------

def facts_of(record):
    return [record[key] for key in ("client_auth", "client_cert", "outcome", "impact", "reason")]


def sample(host):
    whole = Blocks(host.capture(ASKED).read_bytes())
    return whole, list(map(frame, whole.packets)), facts_of(host.records(host.capture(ASKED))[0])


@pytest.mark.parametrize("before", (1, 100, 700, 1500))
def test_sequence_numbers_that_wrap_amid_the_handshake(host, before):
    """They wrap `before` octets behind the first one of each side."""
    whole, frames, expected = sample(host)
    first = {}
    packets = []
    for at, each in enumerate(frames):
        segment = transform.Segment(each)
        first.setdefault(segment.way, segment.sequence)
        moved = {way: -before - start for way, start in first.items()}
        acknowledged = segment.tcp.ack + moved.get(segment.way[::-1], 0) if segment.flags & dpkt.tcp.TH_ACK else 0
        packets.append(block(whole.packets[at], segment.of(segment.sequence + moved[segment.way], segment.data,
                                                           segment.flags, acknowledged)))
    path = host.file(f"wraps-{before}.pcapng", whole.file(packets))
    assert [facts_of(each) for each in host.records(path)] == [expected]
    assert [facts_of(each) for each in scanned(host, path)[0][:-2]] == [expected]


def without_flags(frames, flags):
    return [each for each in frames if not transform.Segment(each).flags & flags]


def behind_each_other(first, second, ahead):
    """Of two connections from and to the same addresses one on the ports of the other, `ahead` octets further on."""
    ends, begun = {}, {}
    for each in map(transform.Segment, first):
        ends[each.way] = each.sequence + len(each.data)
    (port, _), *_ = ends
    for each in map(transform.Segment, second):
        begun.setdefault(each.way, each.sequence)
    moved = {way: ends[end] + ahead - begun[way] for way, end in zip(begun, ends)}
    for each in map(transform.Segment, second):
        changed = each.of(each.sequence + moved[each.way], each.data, each.flags, each.tcp.ack + moved[each.way[::-1]])
        yield transform.on_port(changed, next(iter(begun))[0], port)


@pytest.mark.parametrize("closes", (True, False))
@pytest.mark.parametrize("ahead", (-3 << 29, -1 << 30, -2 << 20, 2 << 20, 1 << 30, 3 << 29))
def test_ports_used_again_by_a_connection_whose_syn_is_missing(host, ahead, closes):
    """The first one is not asked, the second one is."""
    whole, second, _ = sample(host)
    origins = Blocks(host.capture(NOT_ASKED).read_bytes()).packets
    first = without_flags(map(frame, origins), 0 if closes else dpkt.tcp.TH_FIN | dpkt.tcp.TH_RST)
    second = behind_each_other(first, without_flags(second, dpkt.tcp.TH_SYN), ahead)
    path = host.file("again.pcapng", whole.file(block(origins[-1], each) for each in [*first, *second]))
    records = host.records(path, *IN_ORDER)
    assert any(record["impact"] != "unaffected" for record in records)
    assert told(scanned(host, path)[0][:-2]) == told(records)


def test_time_that_goes_backwards(host):
    whole, frames, expected = sample(host)
    times = [each[12:20] for each in whole.packets][::-1]
    packets = [each[:12] + time + each[20:] for each, time in zip(whole.packets, times)]
    path = host.file("backwards.pcapng", whole.file(packets))
    records = host.records(path)
    assert [facts_of(each) for each in records] == [expected]
    assert [facts_of(each) for each in scanned(host, path)[0][:-2]] == [expected]


def test_the_same_addresses_and_ports_again_and_again(host):
    """Each time another handshake: of sequence numbers far from those before."""
    whole, frames, expected = sample(host)
    packets = []
    for turn in range(5):
        for at, each in enumerate(frames):
            segment = transform.Segment(each)
            packets.append(block(whole.packets[at], segment.of(
                segment.sequence + turn * 0x10000000, segment.data, segment.flags,
                segment.tcp.ack + turn * 0x10000000 if segment.flags & dpkt.tcp.TH_ACK else 0)))
    path = host.file("again.pcapng", whole.file(packets))
    assert [facts_of(each) for each in host.records(path)] == [expected] * 5
    assert [facts_of(each) for each in scanned(host, path)[0][:-2]] == [expected] * 5
