# SPDX-License-Identifier: GPL-2.0-or-later
"""Variants of the recorded captures: the same connections with packets repeated, lost, cut or out of order.

A start of tshark costs as much as ten thousand packets. So the variants of many captures become one file, each
with addresses that tell its number, and one run says what becomes of all of them.
"""

import functools
import ipaddress
import itertools
import random
import struct

from conftest import CAPTURE_NAMES, EXPECTED
from transform import ETHERNET

CAPTURES = [name for name in CAPTURE_NAMES if "options" not in next(s for s in EXPECTED if s["file"] == name)]
SAMPLE = ("openssl-tls12-not-asked.pcapng", "openssl-tls12-both-accepted.pcapng", "openssl-tls12-required-empty.pcapng",
          "openssl-tls12-server-only-refused.pcapng", "openssl-tls12-cut-fin.pcapng", "jsse-openssl-tls12-not-asked.pcapng",
          "openssl-tls12-client-refuses-not-asked.pcapng", "openssl-tls12-resumed-session-id.pcapng",
          "openssl-tls12-anonymous.pcapng", "openssl-tls12-small-records.pcapng", "openssl-tls13-not-asked.pcapng",
          "openssl-tls13-required-empty.pcapng", "openssl-tls13-resumed-psk.pcapng", "openssl-tls12-renegotiated.pcapng")
IN_ORDER = "-o", "tcp.reassemble_out_of_order:TRUE"
NO_ANALYSIS = "-o", "tcp.analyze_sequence_numbers:FALSE"


# ---- packets -------------------------------------------------------------------------------------

INTERFACE, PACKET, SECRETS = 0x01, 0x06, 0x0A
FRAME = 28      # where the frame begins in an Enhanced Packet Block


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


def kind(block):
    return struct.unpack_from("<I", block)[0]


def frame(block):
    """The packet of an Enhanced Packet Block."""
    captured, _ = struct.unpack_from("<II", block, 20)
    return block[FRAME:FRAME + captured]


def block(head, packet, original=None):
    """An Enhanced Packet Block with another packet; time and interface of the old one."""
    padded = packet + b"\0" * (-len(packet) % 4)
    length = 32 + len(padded)
    return (struct.pack("<II", PACKET, length) + head[8:20] +
            struct.pack("<II", len(packet), original or len(packet)) + padded + struct.pack("<I", length))


@functools.cache
def blocks(host, name):
    return Blocks(host.capture(name).read_bytes())


def packets_of(host, name):
    return blocks(host, name).packets[:]


def swapped(packets, first):
    """Neighbours of one direction in each other's place."""
    packets = packets[:]
    for at in range(first, len(packets) - 1, 2):
        if frame(packets[at])[26:34] == frame(packets[at + 1])[26:34]:
            packets[at], packets[at + 1] = packets[at + 1], packets[at]
    return packets


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


# ---- many in one file ----------------------------------------------------------------------------

ETHERTYPE, VLAN, IPV4 = 12, b"\x81\x00", b"\x08\x00"
# first octet of the addresses that captures are recorded with: where two others tell the number, and what they are
TELLING = {192: (1, b"\0\2"), 198: (1, b"\x33\x64"), 0x20: (3, b"\xb8\0")}


def readdressed(packet, number, at=0):
    """The frame, which begins at an octet of `packet`, with addresses that tell the variant's number."""
    ip = at + (18 if packet[at + ETHERTYPE:at + 14] == VLAN else 14)
    changed, low, high = bytearray(packet), number & 0xff, number >> 8
    for address in (ip + 12, ip + 16) if packet[ip - 2:ip] == IPV4 else (ip + 8, ip + 24):
        first, _ = TELLING[packet[address]]
        changed[address + first] ^= low
        changed[address + first + 1] ^= high
    return bytes(changed)


def number_of(address):
    octets = ipaddress.ip_address(address).packed
    first, recorded_with = TELLING[octets[0]]
    low, high = (is_ ^ was for is_, was in zip(octets[first:], recorded_with))
    return low | high << 8


def as_before(address):
    """The address that the number was put into."""
    octets = bytearray(ipaddress.ip_address(address).packed)
    first, recorded_with = TELLING[octets[0]]
    octets[first:first + 2] = recorded_with
    return str(ipaddress.ip_address(bytes(octets)))


def in_turn(queues):
    """One of each queue, then the next of each, as long as there are any."""
    return [each for row in itertools.zip_longest(*queues) for each in row if each is not None]


def one_after_another(queues):
    return [each for queue in queues for each in queue]


def head_of(host, names, secrets=True, link=ETHERNET):
    """What stands before the packets of these captures in one file: an interface, and all their secrets."""
    first, *_ = names
    head = [each[:8] + struct.pack("<H", link) + each[10:] if kind(each) == INTERFACE else each
            for each in blocks(host, first).head if kind(each) != SECRETS]
    return head + [each for name in names for each in blocks(host, name).head if secrets and kind(each) == SECRETS]


def together(host, variants, secrets=True, mixed=one_after_another):
    """Capture -> label -> packets, as one file."""
    whole, queues = Blocks(b""), [packets for labelled in variants.values() for packets in labelled.values()]
    whole.head = head_of(host, variants, secrets)
    return whole.file(mixed([[readdressed(each, number, FRAME) for each in packets]
                             for number, packets in enumerate(queues, 1)]))


def judged(host, variants, *arguments, secrets=True, mixed=one_after_another):
    """Capture -> label -> packets in, capture -> label -> records out."""
    labels = [(name, label) for name in variants for label in variants[name]]
    found = {name: {label: [] for label in variants[name]} for name in variants}
    for record in host.records(host.file("changed.pcapng", together(host, variants, secrets, mixed)), *arguments):
        name, label = labels[number_of(record["client_ip"]) - 1]
        found[name][label].append(record)
    return found


def in_batches(names, *arguments, at_once=12, kept=1, secrets=True):
    """Of a function (host, name) -> label -> packets makes one (host, name) -> label -> records.

    `at_once` captures are judged in one run; the records of as many runs as `kept` stay in memory, of all if None.
    """
    def decorate(variants_of):
        @functools.lru_cache(kept)
        def batch(host, first):
            return judged(host, {name: variants_of(host, name) for name in names[first:first + at_once]}, *arguments,
                          secrets=secrets)

        return lambda host, name: batch(host, names.index(name) // at_once * at_once)[name]
    return decorate


DAMAGES, WAYS_TO_READ = 80, ((), IN_ORDER, NO_ANALYSIS)


def damaged_at_random(names, *arguments, secrets=True):
    """Options -> (host, name) -> number -> records: what was damaged at random, the same on every run."""
    def read_in(way):
        @in_batches(names, *arguments, *WAYS_TO_READ[way], secrets=secrets)
        def variants_of(host, name):
            chance, packets = random.Random(name), packets_of(host, name)
            every = [damaged(packets, chance) for _ in WAYS_TO_READ for _ in range(DAMAGES)]
            return dict(enumerate(every[way * DAMAGES:(way + 1) * DAMAGES]))
        return variants_of
    return {options: read_in(way) for way, options in enumerate(WAYS_TO_READ)}


# ---- what is said of them ------------------------------------------------------------------------

def as_recorded(host, names):
    return {name: {"": packets_of(host, name)} for name in names}


@functools.cache
def all_in_one(host, *arguments, mixed=one_after_another):
    """Capture -> records: every capture as it was recorded."""
    found = judged(host, as_recorded(host, CAPTURES), *arguments, mixed=mixed)
    return {name: records[""] for name, records in found.items()}


def recorded(host, name):
    """What is said of the capture as it was recorded; test_expected.py holds that it is the same when it is alone."""
    return all_in_one(host)[name]


PLACE = {"stream", "first_frame", "verdict_frame", "last_frame", "client_ip", "server_ip", "community_id", "filter"}


def apart_from_place(record):
    """What a record says that does not depend on where in a file the connection is, and on its addresses."""
    left = {key: value for key, value in record.items() if key not in PLACE}
    for key in ("alert", "certificate_request"):
        left[key] = left[key] and {fact: value for fact, value in left[key].items() if fact != "frame"}
    return left | {"resumed_from": left["resumed_from"] is not None}


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
