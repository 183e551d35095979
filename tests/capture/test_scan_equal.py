# SPDX-License-Identifier: GPL-2.0-or-later
"""siptls-scan says what tshark with the plugin says, field by field, whatever it keeps back from dissection.

What it keeps back it decides by headers and by what a ClientHello offers. So the captures are changed as taps,
tunnels and disks do, on the SIP port and on others, with ALPN and without, between packets that are no SIP.
"""

import functools
import itertools
import json
import random
import struct
import subprocess

import dpkt
import pytest

import transform
from conftest import CAPTURE_NAMES
from test_encapsulations import pcap, without_secrets
from variants import (CAPTURES, FRAME, IN_ORDER, SAMPLE, VLAN, Blocks, all_in_one, apart_from_place, block, damaged, frame,
                      head_of, in_turn, number_of, one_after_another, packets_of, readdressed)

OPTIONS = {     # of siptls-scan, of tshark
    "default": ((), ()),
    "any port": (("--any-port",), ("-o", "siptls.any_port:TRUE")),
    "another port": (("--ports", "1"), ("-o", "siptls.ports:1")),
}
SIP, WEB, ODD = 5061, 443, 10443
VARIANT = 256           # from one variant of all captures to the next, by the number that the addresses tell
DAMAGES = 125           # of a certificate, an octet each


def told(records):
    """The records without what one of the two programs cannot know."""
    return [{key: value for key, value in record.items() if key not in ("file", "stream")} for record in records]


def without_place(records):
    return list(map(apart_from_place, told(records)))


def scanned(host, *arguments, **options):
    """The connection records of siptls-scan by file."""
    done = host.run(host.scan, "--format", "ndjson", *arguments, check=False, **options)
    found = {}
    for line in done.out.splitlines():
        record = json.loads(line)
        if record["type"] == "file":
            assert len(found.setdefault(record["file"], [])) == record["connections"]
        elif record["type"] == "connection":
            found.setdefault(record["file"], []).append(record)
    return found


def assert_equal(host, path, some=True, names=OPTIONS, whole=True):
    """`some`: whether the default finds something; `whole`: that the file can be read to its end."""
    for name in names:
        for_scan, for_tshark = OPTIONS[name]
        expected = host.records(path, *IN_ORDER, *for_tshark, check=whole)
        found = scanned(host, *for_scan, path)[str(path)]
        assert told(found) == told(expected), name
        assert expected or not some, name


# ---- captures as recorded ------------------------------------------------------------------------

@pytest.mark.parametrize("name", OPTIONS)
def test_recorded_captures(host, name):
    """Each a file of its own for siptls-scan, most in one file for tshark."""
    for_scan, for_tshark = OPTIONS[name]
    found = scanned(host, *for_scan, *(host.capture(name) for name in CAPTURE_NAMES))
    of_tshark = all_in_one(host, *IN_ORDER, *for_tshark)
    for capture in CAPTURE_NAMES:
        path = host.capture(capture)
        expected = of_tshark[capture] if capture in of_tshark else host.records(path, *IN_ORDER, *for_tshark)
        assert without_place(found[str(path)]) == without_place(expected), capture


@pytest.mark.parametrize("name", SAMPLE[:3])
def test_recorded_capture_alone(host, name):
    assert_equal(host, host.capture(name))


# ---- many connections in one file ----------------------------------------------------------------

@functools.cache
def plain_names(host):
    """Captures without keys, with which every connection has to be looked at, and without resumed sessions."""
    return tuple(name for name in without_secrets(host) if "resumed" not in name)


@functools.cache
def placed(host, names):
    """The packets of each capture: on the SIP port, on a port of TLS, on one of nothing; every other offers sip/2."""
    found = []
    for index, name in enumerate(names, 1):
        origins = packets_of(host, name)
        port, offers = (SIP, WEB, ODD)[index % 3], index // 3 % 2
        frames = [transform.on_port(readdressed(frame(each), index), SIP, port) for each in origins]
        if offers:
            frames = [changed for _, changed in transform.edited(frames, transform.offering)]
        found.append((frames, origins))
    return found


def file_of(host, packets, link=transform.ETHERNET, name="placed.pcapng"):
    whole = Blocks(b"")
    whole.head = head_of(host, CAPTURES, secrets=False, link=link)
    return host.file(name, whole.file(packets))


def every(change):
    return lambda frames: enumerate(map(change, frames))


def changed_packets(host, names, change, mixed=one_after_another):
    """Blocks; `change` takes the frames of a capture and gives numbered ones."""
    return mixed([[block(origins[min(at, len(origins) - 1)], changed) for at, changed in change(frames)]
                  for frames, origins in placed(host, names)])


def in_one_file(host, variants):
    """Option -> label -> what siptls-scan says, what tshark says: of variants, label -> blocks, each with addresses of
    its own. Both in the order of the frames: a file that needs much memory is read in parts, one part's connections
    behind the other's."""
    labels = list(variants)
    assert len(plain_names(host)) < VARIANT
    path = file_of(host, [readdressed(each, number * VARIANT, FRAME) for number, label in enumerate(labels)
                          for each in variants[label]])
    answers = {}
    for name, (for_scan, for_tshark) in OPTIONS.items():
        answers[name] = {label: ([], []) for label in labels}
        both = scanned(host, *for_scan, path)[str(path)], host.records(path, *IN_ORDER, *for_tshark)
        for way, records in enumerate(both):
            records = sorted(records, key=lambda record: record["first_frame"])
            for record, is_told in zip(records, told(records)):
                answers[name][labels[number_of(record["client_ip"]) // VARIANT]][way].append(is_told)
    return answers


def assert_equal_in(answers, label, some=True):
    for name, found in answers.items():
        of_scan, of_tshark = found[label]
        assert of_scan == of_tshark, name
    assert answers["default"][label][1] or not some


def shuffled(frames):
    return transform.shuffled([piece for _, piece in transform.cut(frames, 400)], 4, 4)


def one_way(first):
    """Of each connection, the direction of its first packet, or the other one."""
    def change(frames):
        source = transform.Segment(frames[0]).tcp.sport
        return ((at, each) for at, each in enumerate(frames) if (transform.Segment(each).tcp.sport == source) == first)
    return change


def after_proxy(data):
    return b"PROXY TCP4 192.0.2.1 192.0.2.2 40000 10443\r\n" + data


def in_pieces(size):
    return lambda frames: transform.cut(frames, size)


def after(first, then):
    """Both changes; what comes out has no numbers of its own."""
    return lambda frames: then([each for _, each in first(frames)])


CHANGES = {     # and of how many captures one is taken, where there are many packets
    "as recorded": (every(lambda each: each), 1),
    "1 octet": (in_pieces(1), 48),
    "2 octets": (in_pieces(2), 24),
    "3 octets": (in_pieces(3), 24),
    "5 octets": (in_pieces(5), 12),
    "64 octets": (in_pieces(64), 1),
    "merged": (transform.merged, 1),
    "overlapping": (transform.overlapping, 1),
    "shuffled": (shuffled, 1),
    "to the server": (one_way(True), 1),
    "to the client": (one_way(False), 1),
    "to the client, 2 octets": (after(one_way(False), in_pieces(2)), 24),
    "tagged": (every(lambda each: each[:12] + VLAN + b"\x00\x2a" + each[12:]), 1),
    "mirrored": (lambda frames: ((at, each) for at, each in enumerate(frames) for _ in range(2)), 1),
    "begun late": (lambda frames: list(enumerate(frames))[4:], 1),
    "behind PROXY": (lambda frames: transform.edited(frames, after_proxy), 1),
    "behind PROXY, 64 octets": (after(lambda frames: transform.edited(frames, after_proxy), in_pieces(64)), 3),
}


@functools.cache
def changed_segments(host):
    variants = {label: changed_packets(host, plain_names(host)[::step], change) for label, (change, step) in CHANGES.items()}
    variants["interleaved"] = changed_packets(host, plain_names(host), every(lambda each: each), in_turn)
    return in_one_file(host, variants)


@pytest.mark.parametrize("change", (*CHANGES, "interleaved"))
def test_changed_segments(host, change):
    assert_equal_in(changed_segments(host), change)


@pytest.mark.parametrize("link", transform.LINKS)
def test_links_and_tunnels(host, link):
    kind, change = transform.LINKS[link]
    assert_equal(host, file_of(host, changed_packets(host, plain_names(host), every(change)), kind))


def test_remote_capture(host):
    """Nothing but the packets in it, on the SIP port and without ALPN, tells of SIP."""
    origins = [(number, each) for number, name in enumerate(plain_names(host)[::12], 1) for each in packets_of(host, name)]
    frames = [readdressed(frame(each), number) for number, each in origins]
    assert not any(b"sip/2" in each for each in frames)
    packets = [block(origins[at][1], changed) for at, changed in transform.rpcap(frames)]
    assert_equal(host, file_of(host, packets))


# ---- what is missing -----------------------------------------------------------------------------

SNAP_LENGTHS, SEEDS = (54, 66, 70, 96, 128, 200, 400, 1100), range(4)


@functools.cache
def with_gaps(host):
    packets = [block(origin, each) for frames, origins in placed(host, plain_names(host))
               for each, origin in zip(frames, origins)]
    variants = {length: [block(each, frame(each)[:length], len(frame(each))) for each in packets] for length in SNAP_LENGTHS}
    for seed in SEEDS:
        chance = random.Random(seed)
        variants[f"damaged {seed}"] = [
            each for frames, origins in placed(host, plain_names(host))
            for each in damaged([block(origin, changed) for changed, origin in zip(frames, origins)], chance)]
    return in_one_file(host, variants)


@pytest.mark.parametrize("length", SNAP_LENGTHS)
def test_short_snaplen(host, length):
    assert_equal_in(with_gaps(host), length, some=length >= 96)


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_at_random(host, seed):
    assert_equal_in(with_gaps(host), f"damaged {seed}")


@pytest.mark.parametrize("name", ("openssl-tls12-both-accepted.pcapng", "openssl-tls12-not-asked.pcapng",
                                  "jsse-openssl-tls12-not-asked.pcapng"))
def test_damaged_certificates(host, name):
    """The same certificates as before come again and again, each time with another octet changed."""
    origins = packets_of(host, name)
    whole = [frame(each) for each in origins]
    places = [(at, octet) for at, each in enumerate(whole) if b"\x30\x82" in each
              for octet in range(each.index(b"\x30\x82"), len(each))]
    packets = []
    for number, (at, octet) in enumerate(places[::len(places) // DAMAGES + 1]):
        damaged_one = whole[at][:octet] + bytes([whole[at][octet] ^ 0x55]) + whole[at][octet + 1:]
        for variant, frames in enumerate((whole, whole[:at] + [damaged_one] + whole[at + 1:])):
            packets += [block(origin, readdressed(each, 1 + 2 * number + variant)) for origin, each in zip(origins, frames)]
    path = file_of(host, packets)
    assert len({str(record["server_leaf"]) for record in host.records(path, *IN_ORDER)}) > 20
    assert_equal(host, path, names=["default"])


def test_file_cut_short(host):
    whole = file_of(host, changed_packets(host, plain_names(host), every(lambda each: each))).read_bytes()
    assert_equal(host, host.file("short.pcapng", whole[:len(whole) // 2]), whole=False)


# ---- what else is in a capture -------------------------------------------------------------------

def datagram(frame_before, source, target, data):
    return transform.tunnelled(frame_before, dpkt.ip.IP_PROTO_UDP,
                               bytes(dpkt.udp.UDP(sport=source, dport=target, ulen=8 + len(data), data=data)))


def noisy(frames):
    """Between the packets: RTP, DNS, QUIC, what looks like a tunnel, and HTTP whose answer tells of SIP."""
    for at, each in enumerate(frames):
        yield at, datagram(each, 16384, 30002, b"\x80\x00" + bytes(170))
        yield at, datagram(each, 50000, 53, bytes.fromhex("00010100000100000000000003736970027370000001 0001"))
        yield at, datagram(each, 50000, 443, b"\xc3\0\0\0\1" + bytes(1200))
        yield at, datagram(each, 16384, 12000, b"\xaa\xaa\x03\0\0\0" + each[12:])
        yield at, each


def test_other_packets(host):
    assert_equal(host, file_of(host, changed_packets(host, plain_names(host), noisy)))


RESUMED = ("openssl-tls12-resumed-session-id.pcapng", "openssl-tls12-resumed-ticket.pcapng",
           "openssl-tls13-resumed-psk.pcapng", "openssl-tls12-resumed-not-asked.pcapng")


@functools.cache
def resumed_sessions(host, offered_by):
    variants = {}
    for name in RESUMED:
        origins = packets_of(host, name)
        frames = [transform.on_port(frame(each), SIP, ODD) for each in origins]
        edited = transform.edited(frames, transform.offering, lambda number: (number > 0) == offered_by)
        variants[name] = [block(origins[at], changed) for at, changed in edited]
    return in_one_file(host, variants)


@pytest.mark.parametrize("resumed", RESUMED)
@pytest.mark.parametrize("offered_by", (0, 1))
def test_resumed_sessions(host, resumed, offered_by):
    """Only the first connection, or only a later one, offers sip/2: where the session was made has to be known."""
    # the ClientHello of the later one, two segments long, stays what it was
    assert_equal_in(resumed_sessions(host, offered_by), resumed, some=not (offered_by and "psk" in resumed))


ENDS = bytes([192, 0, 2, 10]), bytes([192, 0, 2, 20])


def conversation(port, said):
    """Frames of a TCP connection: (0: the client or 1: the server, what it says)."""
    sequence = [1000, 5000]

    def segment(side, flags, data=b""):
        ends = (40000, port) if side == 0 else (port, 40000)
        addresses = ENDS if side == 0 else ENDS[::-1]
        tcp = dpkt.tcp.TCP(sport=ends[0], dport=ends[1], seq=sequence[side], ack=sequence[1 - side], flags=flags, data=data)
        packet = dpkt.ip.IP(src=addresses[0], dst=addresses[1], p=dpkt.ip.IP_PROTO_TCP, data=bytes(tcp))
        packet.len = len(packet)
        sequence[side] += len(data) + (flags & dpkt.tcp.TH_SYN > 0)
        return bytes(12) + struct.pack(">H", dpkt.ethernet.ETH_TYPE_IP) + bytes(packet)
    syn, ack = dpkt.tcp.TH_SYN, dpkt.tcp.TH_ACK
    return [segment(0, syn), segment(1, syn | ack), segment(0, ack), *(segment(side, ack, data) for side, data in said)]


def record_of(kind, data):
    return struct.pack(">BHH", kind, 0x0303, len(data)) + data


def message(kind, data):
    return bytes([kind]) + len(data).to_bytes(3, "big") + data


def without_encryption(port, suite):
    """Frames. RFC 5246: TLS_RSA_WITH_NULL_SHA*."""
    handshake, change, data, mac = 22, 20, 23, bytes(32 if suite == 0x3b else 20)
    hello = bytes.fromhex("0303") + bytes(32)
    request = b"OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n"
    finished = record_of(change, b"\1") + record_of(handshake, message(20, bytes(12)) + mac)
    return conversation(port, (
        (0, record_of(handshake, message(1, hello + b"\0" + struct.pack(">HH", 2, suite) + b"\1\0"))),
        (1, record_of(handshake, message(2, hello + b"\0" + struct.pack(">HB", suite, 0)) + message(14, b""))),
        (0, record_of(handshake, message(16, bytes(130))) + finished), (1, finished), (0, record_of(data, request + mac))))


UNENCRYPTED = list(itertools.product((WEB, ODD), (0x0002, 0x003b), (5, 50, 1460)))


@functools.cache
def suites_without_encryption(host):
    origin = packets_of(host, SAMPLE[0])[0]
    return in_one_file(host, {(port, suite, size): [
        block(origin, each) for _, each in transform.cut(without_encryption(port, suite), size)]
        for port, suite, size in UNENCRYPTED})


@pytest.mark.parametrize("port,suite,size", UNENCRYPTED)
def test_suite_without_encryption(host, port, suite, size):
    """SIP is found by what Wireshark shows of the payload without keys."""
    assert_equal_in(suites_without_encryption(host), (port, suite, size))


# ---- keys ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("port", (SIP, ODD))
def test_keys_in_the_file(host, port):
    """With keys any connection can show SIP in its payload."""
    whole = Blocks(b"")
    whole.head = head_of(host, CAPTURES)
    locked = head_of(host, CAPTURES, secrets=False)
    packets = [block(each, transform.on_port(readdressed(frame(each), index), SIP, port))
               for index, name in enumerate(CAPTURES, 1) for each in packets_of(host, name)]
    assert_equal(host, host.file("keys.pcapng", whole.file(packets)))
    # they may come behind the first packets
    assert_equal(host, host.file("keys.pcapng", b"".join([
        *locked, *packets[:200], *whole.head[len(locked):], *packets[200:]])), names=["default"])


def test_keys_beside_the_file(host):
    keys = host.file("all.log", b"".join(each.read_bytes() for each in sorted((host.recorder / "keys").glob("*.log"))))
    path = file_of(host, changed_packets(host, plain_names(host), every(lambda each: each)))
    expected = host.records(path, *IN_ORDER, "-o", f"tls.keylog_file:{keys}")
    assert expected and told(scanned(host, "--keylog", keys, path)[str(path)]) == told(expected)


# ---- files ---------------------------------------------------------------------------------------

COMPRESSED = {"gzip": ("gzip", "-c"), "zstd": ("zstd", "-q", "-c"), "lz4": ("lz4", "-q", "-c"), "none": ("cat",)}


def changed_file(host):
    return host.file("changed.pcap", pcap((changed, origin) for frames, origins in placed(host, plain_names(host))
                                          for changed, origin in zip(frames, origins)))


@pytest.mark.parametrize("compression", COMPRESSED)
def test_compressed_files(host, compression):
    with changed_file(host).open("rb") as plain:
        data = subprocess.run(COMPRESSED[compression], stdin=plain, stdout=subprocess.PIPE, check=True).stdout
    assert_equal(host, host.file(f"changed.{compression}", data))


@pytest.mark.parametrize("kind", ("snoop", "nsecpcap", "modpcap", "netmon2", "ngsniffer", "k12text"))
def test_other_files(host, kind):
    """Of other programs."""
    path = host.work / f"changed.{kind}"
    subprocess.run(["editcap", "-F", kind, changed_file(host), path], check=True)
    path.chmod(0o644)
    assert_equal(host, path)


def test_pcapng_with_more_than_packets(host):
    """What dumpcap writes: statistics of the interface behind the packets; and comments of packets."""
    statistics, comments = host.work / "statistics.pcapng", host.work / "comments.pcapng"
    with changed_file(host).open("rb") as plain:
        subprocess.run(["dumpcap", "-q", "-i", "-", "-w", statistics], stdin=plain, check=True)
    subprocess.run(["editcap", "-a", "1:of the SBC", "-a", "9:a call", statistics, comments], check=True)
    for path in (statistics, comments):
        path.chmod(0o644)
        assert_equal(host, path)


def test_pipe(host):
    """It can be read once only."""
    path = file_of(host, changed_packets(host, plain_names(host), every(lambda each: each)))
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as cat:
        found = scanned(host, "-", stdin=cat.stdout)
    assert found["-"] and told(found["-"]) == told(host.records(path, *IN_ORDER))
