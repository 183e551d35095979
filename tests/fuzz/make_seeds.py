#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make_seeds.py CAPTURES FOLDER - inputs for the fuzz targets, out of the recorded captures.

FOLDER/capture: the smaller files. FOLDER/sieve: their packets, in the form that fuzz-sieve.c reads.
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


def sieve_input(link, found):
    framed = b''.join(struct.pack('>H', len(packet)) + packet for packet in found)
    return struct.pack('>BH', LINKS[link], len(found[0]) // 2) + framed


def main(captures, folder):
    for name in ('capture', 'sieve'):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
    written = 0
    for path in sorted(captures.glob('*.pcapng')):
        octets = path.read_bytes()
        if len(octets) > LARGEST_CAPTURE:
            continue
        link, found = packets(octets)
        (folder / 'capture' / path.name).write_bytes(octets)
        if link in LINKS and found:
            (folder / 'sieve' / path.stem).write_bytes(sieve_input(link, found[:MOST_PACKETS]))
            written += 1
    if not written:
        sys.exit(f'{sys.argv[0]}: no capture in {captures} of which seeds could be made')


if __name__ == '__main__':
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
