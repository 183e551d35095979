#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes captures to measure with. The mixed one is as a border controller's ring buffer holds it: by packets 76 % RTP,
15 % HTTPS, 4 % SIP over TLS, 5 % DNS.

    make_capture.py FILE [CONNECTIONS]      (SIP over TLS, default 300: about 100 MB)

SIP over TLS is what captures/ holds, at other addresses and ports, and with more records of application data. The
octets of HTTPS come from OpenSSL through Python's ssl module, client and server in this process. Only Ethernet, IP and
TCP or UDP headers are written here. The same number of connections gives the same mixture.
"""

import itertools
import json
import random
import ssl
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
SEGMENT = 1448                      # octets of TCP payload in an Ethernet frame with TCP timestamps
RTP_PACKET = bytes([0x80, 0]) + bytes(10) + b"\xff" * 160      # 20 ms of G.711 (RFC 3551, section 4.5.14)
SYN, ACK, PSH, FIN = 0x02, 0x10, 0x08, 0x01
APPLICATION_DATA = 23               # RFC 8446, section 5.1
ALERT_SIZED = 5 + 2 + 1 + 16        # octets of a TLS 1.3 record with an alert in it
MESSAGES = 9                        # SIP messages more in a recorded connection
MESSAGE = b"\x17\x03\x03" + struct.pack(">H", 500) + random.Random(1).randbytes(500)

# All decided without keys. Asked or not, accepted or refused, with an empty answer; TLS 1.2 and 1.3; several stacks.
RECORDED = ("kamailio-dispatcher-accepted", "kamailio-dispatcher-not-asked", "openssl-tls12-both-accepted",
            "openssl-tls12-not-asked", "openssl-tls12-optional-empty", "openssl-tls12-server-only-refused",
            "gnutls-tls12-server-only-accepted", "go-go-tls12-not-asked", "jsse-openssl-tls12-both-accepted",
            "no-keys-openssl-openssl", "no-keys-go-go")
VERDICT = ("client_auth", "client_cert", "outcome", "impact", "reason")


class Capture:
    """A pcap file (Ethernet, microseconds) that is written packet by packet."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        self.time = 1_700_000_000_000_000

    def packet(self, client, to_server, protocol, payload):
        source, target = bytes((10, *client.to_bytes(3, "big"))), bytes((198, 51, 100, 1 + client % 100))
        if not to_server:
            source, target = target, source
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + source + target
        frame = bytes(12) + b"\x08\x00" + ip + payload
        self.time += 40
        self.file.write(struct.pack("<IIII", *divmod(self.time, 1_000_000), len(frame), len(frame)) + frame)


class Flow:
    """A TCP connection. Sides: 0 is the client, 1 the server."""

    def __init__(self, capture, client, port):
        self.capture, self.client, self.ports = capture, client, (49152 + client % 16384, port)
        self.next = [1000, 5000]                                        # sequence numbers

    def segment(self, side, flags, payload=b""):
        header = struct.pack(">HHIIBBHHH", self.ports[side], self.ports[1 - side], self.next[side],
                             self.next[1 - side] if flags & ACK else 0, 0x80, flags, 65000, 0, 0)
        header += b"\x01\x01\x08\x0a" + struct.pack(">II", self.capture.time & 0xffffffff, 0)
        self.capture.packet(self.client, side == 0, 6, header + payload)
        self.next[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)


class Connection(Flow):
    """A TLS connection: yields after every packet."""

    def __init__(self, capture, client, port, contexts):
        super().__init__(capture, client, port)
        self.raw = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]   # what each side reads, writes
        self.tls = [contexts[0].wrap_bio(*self.raw[0], server_hostname="www.customer.example"),
                    contexts[1].wrap_bio(*self.raw[1], server_side=True)]

    def flush(self):
        """Carries what the sides wrote to the other side."""
        for side in (0, 1):
            data = self.raw[side][1].read()
            self.raw[1 - side][0].write(data)
            for at in range(0, len(data), SEGMENT):
                self.segment(side, PSH | ACK, data[at:at + SEGMENT])
                yield
                if at // SEGMENT % 2 or at + SEGMENT >= len(data):      # every second one: RFC 1122, section 4.2.3.2
                    self.segment(1 - side, ACK)
                    yield

    def life(self, messages):
        """From SYN to FIN; messages: (side, octets)."""
        self.segment(0, SYN)
        self.segment(1, SYN | ACK)
        self.segment(0, ACK)
        waiting = [0, 1]
        while waiting:
            for side in waiting[:]:
                try:
                    self.tls[side].do_handshake()
                    waiting.remove(side)
                except ssl.SSLWantReadError:
                    pass
            yield from self.flush()
        for side, message in messages:
            self.tls[side].write(message)
            yield from self.flush()
        self.segment(0, FIN | ACK)
        self.segment(1, FIN | ACK)
        self.segment(0, ACK)


def contexts(folder, version):
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.minimum_version = client.maximum_version = version
    server.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    return client, server


def https(capture, client, pair):
    return Connection(capture, client, 443, pair).life([(0, b"GET / HTTP/1.1\r\n\r\n"), (1, bytes(60_000))] * 4)


def rtp(capture, client):
    while True:
        for to_server in (True, False):
            ports = (20000, 30000) if to_server else (30000, 20000)
            capture.packet(client, to_server, 17, struct.pack(">HHHH", *ports, 8 + len(RTP_PACKET), 0) + RTP_PACKET)
            yield


def dns(capture, client):
    """A query and its answer, RFC 1035 section 4.1."""
    for number in itertools.count():
        question = b"\3sip\10provider\7example\0\0\1\0\1"
        for to_server, flags, answers, rest in ((True, 0x0100, 0, b""),
                                                (False, 0x8180, 1, b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x0a")):
            message = struct.pack(">HHHHHH", number & 0xffff, flags, 1, answers, 0, 0) + question + rest
            ports = (40000, 53) if to_server else (53, 40000)
            capture.packet(client, to_server, 17, struct.pack(">HHHH", *ports, 8 + len(message), 0) + message)
            yield


def one_after_the_other(connections):
    """`connections`: an iterator of sources; may be shared."""
    for each in connections:
        yield from each


def recorded_connections(name):
    """What each connection of a capture is made of: (side, flags, payload), in order."""
    pcap = subprocess.run(["editcap", "-F", "pcap", CAPTURES / f"{name}.pcapng", "-"], stdout=subprocess.PIPE,
                          check=True).stdout
    connections, at = {}, 24
    while at < len(pcap):
        size, = struct.unpack_from("<I", pcap, at + 8)
        ip = pcap[at + 16 + 14:at + 16 + size]
        at += 16 + size
        tcp = ip[(ip[0] & 15) * 4:int.from_bytes(ip[2:4], "big")]
        sides, flags = ((ip[12:16], tcp[0:2]), (ip[16:20], tcp[2:4])), tcp[13]
        if flags == SYN:
            connections[sides] = []
        side = 0 if sides in connections else 1
        connections[sides[::-1] if side else sides].append((side, flags, tcp[(tcp[12] >> 4) * 4:]))
    return list(connections.values())


def with_messages(segments):
    """SIP messages to and fro behind the last that was recorded."""
    last = max(at for at, (_, _, payload) in enumerate(segments)
               if len(payload) > ALERT_SIZED and payload[0] == APPLICATION_DATA)
    more = [segment for number in range(MESSAGES)
            for segment in ((number % 2, PSH | ACK, MESSAGE), (1 - number % 2, ACK, b""))]
    return segments[:last + 1] + more + segments[last + 1:]


def recorded():
    """The connections of RECORDED, each with its verdict as captures/expected.ndjson states it."""
    facts = {}
    for line in (CAPTURES / "expected.ndjson").read_text().splitlines():
        statement = json.loads(line)
        facts[statement["file"], statement["connection"]] = statement["facts"]
    found = []
    for name in RECORDED:
        for number, segments in enumerate(recorded_connections(name)):
            fact = facts[f"{name}.pcapng", number]
            found.append((with_messages(segments) if fact["outcome"] == "completed" else segments,
                          tuple(fact[word] for word in VERDICT)))
    return found


def replay(capture, client, segments):
    flow = Flow(capture, client, 5061)
    for segment in segments:
        flow.segment(*segment)
        yield


class SipConnections:
    """An iterator of `count` connections, in turn from `kinds`; counts what is expected of them."""

    def __init__(self, capture, clients, kinds, count):
        self.capture, self.clients, self.kinds, self.count = capture, clients, kinds, count
        self.expected = Counter()

    def __iter__(self):
        return self

    def __next__(self):
        if self.count == 0:
            raise StopIteration
        self.count -= 1
        segments, verdict = next(self.kinds)
        self.expected[verdict] += 1
        return replay(self.capture, next(self.clients), segments)


def interleave(ending, endless=()):
    """A packet of each source in turn, until those of `ending` have ended."""
    while ending:
        ending = [source for source in ending if next(source, ending) is not ending]
        for source in endless:
            next(source)


def https_pairs():
    """Contexts of client and server, TLS 1.2 and 1.3 in turn."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=www.customer.example",
                        "-days", "3650", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"], check=True,
                       stderr=subprocess.DEVNULL)
        versions = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
        return itertools.cycle([contexts(folder, version) for version in versions])


def write_mixed(path, connections):
    """Returns how many connections of each verdict there are."""
    capture, clients = Capture(path), itertools.count(1)
    sip, pairs = SipConnections(capture, clients, itertools.cycle(recorded()), connections), https_pairs()
    endless = [rtp(capture, next(clients)) for _ in range(760)]
    endless += [one_after_the_other(https(capture, next(clients), next(pairs)) for _ in itertools.count())
                for _ in range(150)]
    endless += [dns(capture, next(clients)) for _ in range(54)]
    interleave([one_after_the_other(sip) for _ in range(36)], endless)
    capture.file.close()
    return sip.expected


def write_sip(path, connections):
    """SIP over TLS only. Returns how many connections of each verdict there are."""
    capture = Capture(path)
    sip = SipConnections(capture, itertools.count(1), itertools.cycle(recorded()), connections)
    interleave([one_after_the_other(sip) for _ in range(36)])
    capture.file.close()
    return sip.expected


def write_small(folder, files):
    """Short captures of a call or two: RTP, and one to three connections of SIP over TLS. Returns the same."""
    kinds, expected = itertools.cycle(recorded()), Counter()
    for number in range(files):
        capture = Capture(folder / f"{number:04}.pcap")
        sip = SipConnections(capture, itertools.count(1 + number), kinds, 1 + number % 3)
        interleave(list(sip), [rtp(capture, number + at) for at in range(4)])
        capture.file.close()
        expected += sip.expected
    return expected


def main():
    write_mixed(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300)


if __name__ == "__main__":
    main()
