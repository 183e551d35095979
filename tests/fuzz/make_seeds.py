#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make_seeds.py CAPTURES FOLDER - inputs for the fuzz targets, out of the recorded captures.

FOLDER/capture: the smaller files. FOLDER/plain: the beginning of some, in each form that scan/plain-capture.c reads.
FOLDER/sieve: their packets, in the form that fuzz-sieve.c reads.
FOLDER/connection: handshakes without a capture, spelled the way fuzz-connection.c reads them.
"""
import pathlib
import shutil
import struct
import sys

LARGEST_CAPTURE = 12 << 10
LINKS = {1: 1, 113: 2, 276: 3, 101: 4, 228: 4, 229: 4, 0: 5, 108: 5}  # LINKTYPE_... -> enum sieve_link
MOST_PACKETS = 24


def packets(octets):
    """The link type of a little-endian pcapng file's first interface, and its packets."""
    at, link, found = 0, None, []
    while at + 12 <= len(octets):
        kind, length = struct.unpack_from('<II', octets, at)
        if kind == 1 and link is None:
            link = struct.unpack_from('<H', octets, at + 8)[0]
        elif kind == 6:
            captured = struct.unpack_from('<I', octets, at + 20)[0]
            found.append(octets[at + 28:at + 28 + captured])
        at += length
    return link, found


def pcap(order, magic, link, found):
    head = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 262144, link)
    return head + b''.join(struct.pack(order + 'IIII', 1767225600, number, len(packet), len(packet)) + packet
                           for number, packet in enumerate(found))


def pcapng(order, link, found):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + 'II', kind, len(body) + 12) + body + struct.pack(order + 'I', len(body) + 12)

    nanoseconds = struct.pack(order + 'HHBxxxHH', 9, 1, 9, 0, 0)
    octets = block(0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1))
    octets += block(1, struct.pack(order + 'HHI', link, 0, 262144) + nanoseconds)
    octets += block(1, struct.pack(order + 'HHI', link, 0, 0))  # microseconds
    for number, packet in enumerate(found):
        time = 1767225600 * (10 ** 6 if number % 2 else 10 ** 9)
        octets += block(6, struct.pack(order + 'IIIII', number % 2, time >> 32, time & 0xffffffff, len(packet),
                                       len(packet) + number) + packet)
        octets += block(6, struct.pack(order + 'IIIIIHHIHH', 0, 0, number, 0, number, 2, 4, 1, 0, 0))
    statistics = struct.pack(order + 'HHQHH', 4, 8, len(found), 0, 0)
    return octets + block(5, struct.pack(order + 'III', 0, 0, 0) + statistics)


def write_plain(folder, name, link, found):
    for order in '<>':
        word = 'little' if order == '<' else 'big'
        (folder / f'{name}-{word}.pcapng').write_bytes(pcapng(order, link, found))
        (folder / f'{name}-{word}.pcap').write_bytes(pcap(order, 0xa1b2c3d4, link, found))
        (folder / f'{name}-{word}-nanoseconds.pcap').write_bytes(pcap(order, 0xa1b23c4d, link, found))


def sieve_input(link, found):
    framed = b''.join(struct.pack('>H', len(packet)) + packet for packet in found)
    return struct.pack('>BH', LINKS[link], len(found[0]) // 2) + framed


MESSAGES = ['ch', 'sh', 'cert', 'cr', 'shd', 'cke', 'fin', 'ee', 'cv', 'ske', 'hr', 'nst', 'url', 'ccert', 'hrr']
HELLO = {'aes': 1 << 3, 'anon': 3 << 3, 'ssl3': 2, '13': 1 << 6, 'hrr': 1 << 7, 'psk': 1 << 8, 'early': 1 << 9,
         'pha': 1 << 10, 'anon-offered': 1 << 11, 'id': 1 << 12, 'ticket': 1 << 13}
SESSION = b'\x04name'

# The words of tests/unit/test-connection.c; a digit in front is the number of the connection.
SCENES = {
    'not-asked': '>SYN|<SYN|>ch|<sh cert shd|>cke ccs efin|<ccs efin|>data|<data',
    'asked': '>SYN|<SYN|>ch|<sh cert cr+shd|>cert cke cv ccs efin|<ccs efin|>data|<data',
    'asked-refused': '>SYN|<SYN|>ch|<sh cert cr+shd|>cert:empty cke ccs efin|<alert FIN',
    'asked-13': '>SYN|<SYN|>ch|<sh:13:aes ee/+cr/+cert/+fin/|>cert/ fin/|>data/|<data/',
    'not-asked-13': '>SYN|<SYN|>ch|<sh:13:aes ee/+cert/+cv/+fin/|>fin/|>data/|<data/',
    'retry-13': '>SYN|<SYN|>ch|<sh:hrr:13 ccs|>ch|<sh:13:aes ee/+cr/+cert/+fin/|>cert/ fin/|>data/|<data/',
    'lengths-not-asked': '>SYN|<SYN|>ch|<sh:13:aes ccs hidden:27 hidden:917 hidden:281 hidden:53|>ccs hidden:53|'
                         '>hidden:400|<hidden:250|<hidden:400|>hidden:19 FIN',
    'lengths-empty': '>SYN|<SYN|>ch|<sh:13:aes hidden:27 hidden:80 hidden:917 hidden:281 hidden:53|'
                     '>ccs hidden:25|>hidden:53|>hidden:400|<hidden:250',
    'post-handshake': '>SYN|<SYN|>ch:pha|<sh:13:aes ee/+cert/+fin/|>fin/|<data/|<cr/|>cert/ fin/|<data/',
    'resumed': '>SYN|<SYN|>ch:id|<sh:id cert shd|>cke ccs efin|<ccs efin|1>SYN|1<SYN|1>ch:id|1<sh:id ccs efin|'
               '1>ccs efin|1>data|1<data',
    'ticket': '>SYN|<SYN|>ch|<sh cert cr shd|>cert cke ccs efin|<nst:ticket ccs efin|1>SYN|1<SYN|1>ch:ticket:id|'
              '1<sh:id ccs efin|1>ccs efin|1>data',
    'client-only': '>SYN|>ch|>cke ccs efin|>data',
    'renegotiated': '>ch|<sh cert shd|>cke ccs efin|<ccs efin|>ch/|<sh/ cert/ cr/ shd/|>cert/ cke/ ccs efin|<ccs efin',
    'ssl3': '>SYN|<SYN|>ch:ssl3|<sh:ssl3 cert cr+shd|>alert41|>cke ccs efin|<ccs efin',
    'anonymous': '>ch:anon-offered|<sh:anon ske shd|>cke ccs efin|<ccs efin|>data',
    'two-connections': '>ch|2>ch|<sh cert shd|2<sh cert cr shd|>cke ccs efin|2>cert cke ccs efin|<ccs efin|2<ccs efin',
}


def message(word):
    name, *options = word.rstrip('/').split(':')
    head, behind = MESSAGES.index(name), b''
    if name == 'cert' or name == 'ccert':
        head |= 64
        behind = b'\x01' if options else b'\x18\x03DER'
    elif options:
        head |= 32
        bits = sum(HELLO[option] for option in options)
        behind = struct.pack('>H', bits) + SESSION * (('id' in options) + ('ticket' in options))
    return bytes([head]) + behind


def record(word):
    name, _, value = word.rstrip('/').partition(':')
    decrypted = 16 * word.endswith('/')
    plain = {'ccs': b'\x02', 'data': bytes([3 | decrypted]), 'efin': b'\x06', 'alert': b'\x85\x02\x2a',
             'alert41': b'\x85\x01\x29'}
    if name in plain:
        return plain[name]
    if name == 'hidden':
        return b'\x04' + struct.pack('>H', int(value))
    words = word.split('+')
    return bytes([decrypted | len(words) - 1 << 6]) + b''.join(map(message, words))


def segment(line):
    number, line = (int(line[0]), line[1:]) if line[0].isdigit() else (0, line)
    words = line[1:].split()
    flags = {'SYN': 2, 'FIN': 1, 'RST': 4}
    flag = sum(flags[word] for word in words if word in flags)
    records = [record(word) for word in words if word not in flags]
    head = (line[0] == '<') | number << 1 | 8 * bool(flag) | len(records) << 5
    return bytes([head]) + (bytes([flag]) if flag else b'') + b''.join(records)


def main(captures, folder):
    for name in ('capture', 'plain', 'sieve', 'connection'):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    for name, scene in SCENES.items():
        (folder / 'connection' / name).write_bytes(b'\0' + b''.join(map(segment, scene.split('|'))))
    written = 0
    for path in sorted(captures.glob('*.pcapng')):
        octets = path.read_bytes()
        if len(octets) > LARGEST_CAPTURE:
            continue
        link, found = packets(octets)
        (folder / 'capture' / path.name).write_bytes(octets)
        if link in LINKS and found:
            (folder / 'sieve' / path.stem).write_bytes(sieve_input(link, found[:MOST_PACKETS]))
            if written % 16 == 0:
                write_plain(folder / 'plain', path.stem, link, found[:4])
            written += 1
    if not written:
        sys.exit(f'{sys.argv[0]}: no capture in {captures} of which seeds could be made')


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
