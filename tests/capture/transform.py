# SPDX-License-Identifier: GPL-2.0-or-later
"""The same TCP connections on other links, in tunnels, and in other segments. Packets by dpkt."""

import random
import struct

import dpkt

ETHERNET, RAW_IP, LINUX_COOKED, LINUX_COOKED_2 = 1, 101, 113, 276    # link types, tcpdump.org/linktypes.html
PREFIX = bytes.fromhex("20010db8000300000000aaaa")      # of an IPv6 address that ends with an IPv4 one
TUNNEL = bytes([203, 0, 113, 1]), bytes([203, 0, 113, 2])


def ethernet(frame):
    return dpkt.ethernet.Ethernet(frame)


def payload(frame):
    """The EtherType and the octets of the IP packet."""
    link = ethernet(frame)
    return link.type, bytes(link.data)


def tunnelled(frame, protocol, data):
    """An Ethernet frame with an IPv4 packet between the ends of the tunnel."""
    packet = dpkt.ip.IP(src=TUNNEL[0], dst=TUNNEL[1], p=protocol, data=data)
    packet.len = len(packet)
    return frame[:12] + struct.pack(">H", dpkt.ethernet.ETH_TYPE_IP) + bytes(packet)


def double_tagged(frame):       # IEEE 802.1ad
    return frame[:12] + bytes.fromhex("88a80064 8100002a") + frame[12:]


def mpls(frame):                # RFC 3032: label 16, bottom of the stack
    return frame[:12] + struct.pack(">HI", 0x8847, 16 << 12 | 1 << 8 | 64) + payload(frame)[1]


def gre(frame):                 # RFC 2784
    kind, packet = payload(frame)
    return tunnelled(frame, dpkt.ip.IP_PROTO_GRE, struct.pack(">HH", 0, kind) + packet)


def vxlan(frame):               # RFC 7348
    inner = struct.pack(">II", 0x08000000, 42 << 8) + frame
    return tunnelled(frame, dpkt.ip.IP_PROTO_UDP, dpkt.udp.UDP(sport=49152, dport=4789, ulen=8 + len(inner), data=inner))


def raw_ip(frame):
    return payload(frame)[1]


def linux_cooked(frame):
    kind, packet = payload(frame)
    return struct.pack(">HHH8sH", 0, 1, 6, frame[6:12], kind) + packet


def linux_cooked_2(frame):
    kind, packet = payload(frame)
    return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, frame[6:12]) + packet


def ipv6(frame):
    link = ethernet(frame)
    if link.type != dpkt.ethernet.ETH_TYPE_IP:
        return frame
    segment = bytes(link.data.data)
    packet = dpkt.ip6.IP6(src=PREFIX + link.data.src, dst=PREFIX + link.data.dst, nxt=dpkt.ip.IP_PROTO_TCP, hlim=64,
                          plen=len(segment))
    return frame[:12] + struct.pack(">H", dpkt.ethernet.ETH_TYPE_IP6) + bytes(packet)[:40] + segment


LINKS = {"double tagged": (ETHERNET, double_tagged), "MPLS": (ETHERNET, mpls), "GRE": (ETHERNET, gre),
         "VXLAN": (ETHERNET, vxlan), "raw IP": (RAW_IP, raw_ip), "Linux cooked": (LINUX_COOKED, linux_cooked),
         "Linux cooked 2": (LINUX_COOKED_2, linux_cooked_2), "IPv6": (ETHERNET, ipv6)}


class Segment:
    """One frame with a TCP segment; `of` makes the same frame with other octets in it."""

    def __init__(self, frame):
        self.frame = frame
        self.tcp = ethernet(frame).data.data
        self.data = bytes(self.tcp.data)
        self.sequence, self.flags = self.tcp.seq, self.tcp.flags
        self.way = (self.tcp.sport, self.tcp.dport)

    def of(self, sequence, data, flags, acknowledgement=None):
        link = ethernet(self.frame)
        packet, segment = link.data, link.data.data
        segment.seq, segment.data, segment.flags, segment.sum = sequence & 0xffffffff, data, flags, 0
        if acknowledgement is not None:
            segment.ack = acknowledgement & 0xffffffff
        if link.type == dpkt.ethernet.ETH_TYPE_IP:
            packet.len, packet.sum = packet.hl * 4 + segment.off * 4 + len(data), 0
        else:
            packet.plen = segment.off * 4 + len(data)
        return self.frame[:14] + bytes(packet)


END = dpkt.tcp.TH_FIN | dpkt.tcp.TH_PUSH


def cut(frames, size):
    """Segments of at most `size` octets; yields (the frame it was cut from, the new frame)."""
    for at, frame in enumerate(frames):
        segment = Segment(frame)
        if len(segment.data) <= size:
            yield at, frame
            continue
        for start in range(0, len(segment.data), size):
            piece = segment.data[start:start + size]
            last = start + size >= len(segment.data)
            yield at, segment.of(segment.sequence + start, piece, segment.flags if last else segment.flags & ~END)


def merged(frames):
    """Segments that follow each other, one direction, as one: what an interface with offloading captures."""
    held, held_at = None, 0
    for at, frame in enumerate(frames):
        segment = Segment(frame)
        if held and held.data and segment.data and held.way == segment.way and not held.flags & dpkt.tcp.TH_FIN and \
                held.sequence + len(held.data) == segment.sequence and len(held.data) + len(segment.data) < 60000:
            held = Segment(segment.of(held.sequence, held.data + segment.data, segment.flags | held.flags))
            continue
        if held:
            yield held_at, held.frame
        held, held_at = segment, at
    if held:
        yield held_at, held.frame


def overlapping(frames, octets=7):
    """Every segment begins with the last octets of the one before, as some retransmissions do."""
    before = {}
    for at, frame in enumerate(frames):
        segment = Segment(frame)
        sequence, data = before.get(segment.way, (None, b""))
        if segment.data and sequence is not None and sequence + len(data) == segment.sequence:
            tail = data[-octets:]
            yield at, segment.of(segment.sequence - len(tail), tail + segment.data, segment.flags)
        else:
            yield at, frame
        if segment.data:
            before[segment.way] = segment.sequence, segment.data


def shuffled(frames, window, seed):
    """Data segments of a window in any order; the first of each direction and what carries none stay."""
    chance, seen, out, waiting = random.Random(seed), set(), [], []
    for at, frame in enumerate(frames):
        segment = Segment(frame)
        if segment.data and segment.way in seen:
            waiting.append((at, frame))
        else:
            chance.shuffle(waiting)
            out += [*waiting, (at, frame)]
            waiting = []
            if segment.data:
                seen.add(segment.way)
        if len(waiting) == window:
            chance.shuffle(waiting)
            out += waiting
            waiting = []
    return out + waiting


def on_port(frame, old, new):
    """The frame with another port in the place of the old one."""
    link = ethernet(frame)
    segment = link.data.data
    segment.sport, segment.dport = (new if port == old else port for port in (segment.sport, segment.dport))
    segment.sum = 0
    return frame[:14] + bytes(link.data)


def offering(hello, name=b"sip/2"):
    """A ClientHello that also offers a protocol by ALPN, RFC 7301 3.1; what is none, or not whole, stays."""
    def u16(at):
        return struct.unpack_from(">H", hello, at)[0]
    if len(hello) < 44 or hello[0] != 22 or hello[5] != 1 or 5 + u16(3) > len(hello) or \
            9 + int.from_bytes(hello[6:9], "big") > len(hello):
        return hello
    at = 44 + hello[43]         # behind the session id
    at += 2 + u16(at)           # the suites
    at += 1 + hello[at]         # the compression methods
    end = 9 + int.from_bytes(hello[6:9], "big")
    extension = struct.pack(">HHHB", 16, len(name) + 3, len(name) + 1, len(name)) + name
    extensions = extension + hello[at + 2:end]
    body = hello[9:at] + struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body + hello[end:5 + u16(3)]
    return hello[:3] + struct.pack(">H", len(message)) + message + hello[5 + u16(3):]


def edited(frames, edit, connections=lambda number: True):
    """The first data of each connection's client changed; what comes behind it in the stream moves on.

    `connections`: whether the one of that number, from 0, is changed.
    """
    grown, seen = {}, set()     # by direction
    for at, frame in enumerate(frames):
        segment = Segment(frame)
        back = segment.way[::-1]
        data, sequence = segment.data, segment.sequence + grown.get(segment.way, 0)
        if segment.flags & dpkt.tcp.TH_SYN:
            grown.pop(segment.way, None)
            sequence = segment.sequence
            if not segment.flags & dpkt.tcp.TH_ACK:
                grown.pop(back, None)
        elif data and segment.way not in grown and back not in grown:
            number = len(seen)
            seen.add(at)
            data = edit(data) if connections(number) else data
            grown[segment.way] = len(data) - len(segment.data)
        yield at, segment.of(sequence, data, segment.flags, segment.tcp.ack + grown.get(back, 0))


def rpcap(frames):
    """Captured at another machine: what comes from rpcapd, its requests on one connection, packets on another."""
    sequences = {}

    def said(source, target, data):
        sequence = sequences.get((source, target), 1)
        sequences[source, target] = sequence + len(data)
        segment = dpkt.tcp.TCP(sport=source, dport=target, seq=sequence, ack=sequences.get((target, source), 1),
                               flags=dpkt.tcp.TH_ACK | dpkt.tcp.TH_PUSH, data=data)
        return tunnelled(bytes(14), dpkt.ip.IP_PROTO_TCP, bytes(segment))
    yield 0, said(50000, 2002, struct.pack(">BBHI", 0, 3, 0, 4) + b"eth0")                   # open
    yield 0, said(2002, 50000, struct.pack(">BBHIII", 0, 128 + 3, 0, 8, ETHERNET, 0))
    for at, frame in enumerate(frames):
        header = struct.pack(">IIIII", 1, at, len(frame), len(frame), at + 1)
        yield at, said(50001, 50002, struct.pack(">BBHI", 0, 7, 0, len(header) + len(frame)) + header + frame)
