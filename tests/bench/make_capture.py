#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a large mixed capture, as a border controller's ring buffer holds it: by packets 76 % RTP, 15 % HTTPS,
4 % SIP over TLS, 5 % DNS.

    make_capture.py FILE [MEGABYTES]        (default 100)

Every TLS octet comes from OpenSSL through Python's ssl module, client and server in this process; only Ethernet,
IP and TCP or UDP headers are written here. The same size gives the same mixture.
"""

import itertools
import ssl
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SEGMENT = 1448                      # octets of TCP payload in an Ethernet frame with TCP timestamps
RTP_PACKET = bytes([0x80, 0]) + bytes(10) + b"\xff" * 160      # 20 ms of G.711 (RFC 3551, section 4.5.14)
INVITE = (b"INVITE sip:+1@sbc.customer.example;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS sip.provider.example\r\n"
          b"Max-Forwards: 70\r\nFrom: <sip:+2@sip.provider.example>;tag=1\r\nTo: <sip:+1@sbc.customer.example>\r\n"
          b"Call-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")


class Capture:
    """A pcap file (Ethernet, microseconds) that is written packet by packet."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        self.time = 1_700_000_000_000_000
        self.size = 24

    def packet(self, client, to_server, protocol, payload):
        source, target = bytes((10, *client.to_bytes(3, "big"))), bytes((198, 51, 100, 20))
        if not to_server:
            source, target = target, source
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, protocol, 0) + source + target
        frame = bytes(12) + b"\x08\x00" + ip + payload
        self.time += 40
        self.file.write(struct.pack("<IIII", *divmod(self.time, 1_000_000), len(frame), len(frame)) + frame)
        self.size += 16 + len(frame)


class Connection:
    """A TLS connection over TCP: yields after every packet."""

    def __init__(self, capture, client, port, contexts):
        self.capture, self.client, self.ports = capture, client, (40000, port)
        self.next = [1000, 5000]                                        # sequence numbers: client, server
        self.raw = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]   # what each side reads, writes
        self.tls = [contexts[0].wrap_bio(*self.raw[0], server_hostname="sbc.customer.example"),
                    contexts[1].wrap_bio(*self.raw[1], server_side=True)]

    def segment(self, side, flags, payload=b""):
        header = struct.pack(">HHIIBBHHH", self.ports[side], self.ports[1 - side], self.next[side],
                             self.next[1 - side] if flags & 0x10 else 0, 0x80, flags, 65000, 0, 0)
        header += b"\x01\x01\x08\x0a" + struct.pack(">II", self.capture.time & 0xffffffff, 0)
        self.capture.packet(self.client, side == 0, 6, header + payload)
        self.next[side] += len(payload) + (1 if flags & 0x03 else 0)

    def flush(self):
        """Carries what the sides wrote to the other side."""
        for side in (0, 1):
            data = self.raw[side][1].read()
            self.raw[1 - side][0].write(data)
            for at in range(0, len(data), SEGMENT):
                self.segment(side, 0x18, data[at:at + SEGMENT])
                yield
                self.segment(1 - side, 0x10)
                yield

    def life(self, messages):
        """From SYN to FIN; messages: (side, octets)."""
        self.segment(0, 0x02)
        self.segment(1, 0x12)
        self.segment(0, 0x10)
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
        self.segment(0, 0x11)
        self.segment(1, 0x11)
        self.segment(0, 0x10)


def contexts(folder, version, asks):
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
        context.load_verify_locations(folder / "certificate.pem")
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server.verify_mode = ssl.CERT_OPTIONAL if asks else ssl.CERT_NONE
    return client, server


def sip(capture, client, pair):
    return Connection(capture, client, 5061, pair).life([(number % 2, INVITE) for number in range(12)])


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


def endless(kind, capture, clients, pairs):
    """Connections of a kind, one after the other."""
    while True:
        yield from kind(capture, next(clients), next(pairs))


def main():
    path, megabytes = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100
    capture, clients = Capture(path), itertools.count(1)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=sbc.customer.example",
                        "-days", "3650", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"], check=True,
                       stderr=subprocess.DEVNULL)
        pairs = itertools.cycle([contexts(folder, version, asks) for asks in (True, False)
                                 for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)])
        sources = [rtp(capture, next(clients)) for _ in range(76)]
        sources += [endless(https, capture, clients, pairs) for _ in range(15)]
        sources += [endless(sip, capture, clients, pairs) for _ in range(4)]
        sources += [dns(capture, next(clients)) for _ in range(5)]
        for source in itertools.cycle(sources):
            if capture.size >= megabytes << 20:
                break
            next(source)
    capture.file.close()


if __name__ == "__main__":
    main()
