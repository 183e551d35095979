#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""attacks.py - captures made to exhaust or confuse whoever keeps state of connections. Memory stays bounded.

What no TLS stack can be made to say is written here octet by octet; names of hostile octets go into recorded hellos.

    attacks.py --scan build/check/siptls-scan [--connections 1000000]     the peak of siptls-scan, by half-open connections
"""

import argparse
import os
import resource
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

SYN, ACK, FIN = 2, 16, 1
HELLO, SERVER_HELLO, CERTIFICATE, REQUEST, DONE = 1, 2, 11, 13, 14
SUITE = 0xC02F          # TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
MOST_IN_RECORD = 1 << 14
SEGMENT = 1400


def pcap_header():
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1)


def u24(number):
    return number.to_bytes(3, "big")


def message(kind, body):
    return bytes([kind]) + u24(len(body)) + body


def records(octets, size=MOST_IN_RECORD, kind=22):
    return b"".join(bytes([kind, 3, 3]) + struct.pack(">H", len(octets[at:at + size])) + octets[at:at + size]
                    for at in range(0, len(octets), size))


def client_hello(extensions=b""):
    return message(HELLO, b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">HH", 2, SUITE) + b"\x01\0" +
                   struct.pack(">H", len(extensions)) + extensions)


def server_hello():
    return message(SERVER_HELLO, b"\x03\x03" + bytes(32) + b"\0" + struct.pack(">H", SUITE) + b"\0")


def certificates(count, der=b"\x30\0"):
    chain = (u24(len(der)) + der) * count
    return message(CERTIFICATE, u24(len(chain)) + chain)


def request(names):
    return message(REQUEST, b"\x01\x01" + b"\0\x02\x04\x01" + struct.pack(">H", len(names)) + names)


class Flow:
    """One TCP connection between 10.x.x.x and 198.51.100.20:5061; its packets as records of a pcap file."""

    def __init__(self, number=0, time=0):
        self.addresses = bytes([10]) + u24(number), bytes([198, 51, 100, 20])
        self.next, self.time = [1000, 2000], time

    def packet(self, side, flags, data=b""):
        ports = (40000, 5061) if side == 0 else (5061, 40000)
        tcp = struct.pack(">HHIIBBHHH", *ports, self.next[side] & 0xffffffff, self.next[1 - side] & 0xffffffff, 0x50, flags,
                          65535, 0, 0) + data
        self.next[side] += len(data) + bool(flags & (SYN | FIN))
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + self.addresses[side] + self.addresses[1 - side]
        frame = bytes(12) + b"\x08\0" + ip + tcp
        self.time += 1
        return struct.pack("<IIII", 1_700_000_000 + self.time // 1000000, self.time % 1000000, len(frame), len(frame)) + frame

    def open(self):
        return self.packet(0, SYN) + self.packet(1, SYN | ACK)

    def say(self, side, data):
        return b"".join(self.packet(side, ACK, data[at:at + SEGMENT]) for at in range(0, len(data), SEGMENT))


def half_open(count):
    """Connections that say hello and no more."""
    hello = records(client_hello())
    for number in range(count):
        flow = Flow(number)
        yield flow.open() + flow.say(0, hello)


def server_flight(said, number=0):
    flow = Flow(number)
    yield flow.open() + flow.say(0, records(client_hello())) + flow.say(1, records(server_hello())) + flow.say(1, said)


def tiny_records(count):
    """A message without an end, an octet a record."""
    return server_flight(records((bytes([CERTIFICATE]) + b"\xff\xff\xff" + bytes(count))[:count], 1))


def endless_messages(count):
    """Hello requests, as many as there are."""
    return server_flight(records(message(0, b"") * count))


def many_certificates(count):
    return server_flight(records(certificates(count) + request(b"") + message(DONE, b"")))


def many_names(count):
    """The name of a certificate authority can be empty: two octets."""
    return server_flight(records(certificates(1) + request(b"\0\x02\x30\0" * count) + message(DONE, b"")))


def huge_length(_):
    return server_flight(records(bytes([CERTIFICATE]) + b"\xff\xff\xff" + bytes(100000)))


def holes(count):
    """Every other segment is missing, as many holes as there can be."""
    flow = Flow()
    yield flow.open() + flow.say(0, records(client_hello()))
    for _ in range(count):
        flow.next[1] += 10
        yield flow.packet(1, ACK, b"\x16\x03\x03\0\x05")


def reused_port(count):
    """One connection behind the other on the same addresses and ports, with and without a FIN."""
    flow = Flow()
    for number in range(count):
        flow.next = [1000 + number * 100000, 2000 + number * 100000]
        yield flow.open() + flow.say(0, records(client_hello())) + \
            flow.say(1, records(server_hello() + certificates(1) + request(b"") + message(DONE, b"")))
        if number % 2:
            yield flow.packet(1, FIN | ACK) + flow.packet(0, FIN | ACK)


ATTACKS = {each.__name__: each for each in (half_open, tiny_records, endless_messages, many_certificates, many_names,
                                            huge_length, holes, reused_port)}


def write(path, packets):
    with open(path, "wb") as file:
        file.write(pcap_header())
        for each in packets:
            file.write(each)


def peak(command, **options):
    """The most memory of the command or a process of it in KiB, its exit status and output."""
    read, write_end = os.pipe()
    with tempfile.TemporaryFile() as out:
        pid = os.fork()
        if pid == 0:    # the resource usage of children is that of all there ever were: count in a process of its own
            status = subprocess.run(command, stdout=out, stderr=subprocess.DEVNULL, check=False, **options).returncode
            os.write(write_end, struct.pack("qq", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, status))
            os._exit(0)
        os.close(write_end)
        with open(read, "rb") as pipe:
            memory, status = struct.unpack("qq", pipe.read())
        os.waitpid(pid, 0)
        out.seek(0)
        return memory, status, out.read().decode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="siptls-attacks-") as folder:
        path = Path(folder, "capture.pcap")
        correct = True
        for count in (arguments.connections // 10, arguments.connections):
            write(path, half_open(count))
            memory, status, out = peak([arguments.scan, "--quiet", "--format", "ndjson", path])
            told = out.count('"type":"connection"')
            print(f"{count} half-open connections, {path.stat().st_size >> 20} MB: {memory >> 10} MB, exit status {status}, "
                  f"{told} told of", flush=True)
            correct = correct and told == count and '"status":"ok"' in out.splitlines()[-2]
        sys.exit(0 if correct else 1)


if __name__ == "__main__":
    sys.exit(main())
