#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mutate.py - damaged captures: nothing of ours breaks, and a server that asks is never "unaffected".

Every capture is damaged in many ways, whole and with one direction only; a folder of variants at a time goes through
siptls-scan. Where each connection is known to ask (captures/expected.ndjson), none may be told not to. Prints what must
not be, and totals.

    mutate.py --scan build/sanitize/siptls-scan [--way heads|types|swallows|flips|noise|editcap|cuts] [--captures GLOB]
"""

import argparse
import fnmatch
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
TCP, HANDSHAKE = 6, 22
PACKET, SECRETS = 6, 10         # Enhanced Packet Block, Decryption Secrets Block, draft-ietf-opsawg-pcapng 4.3, 4.7
RATES = 0.0005, 0.002, 0.01, 0.05
ASKS = "optional", "required", "requested"


def asking():
    """The captures whose connections all ask, each with the number of its connections."""
    files = {}
    for line in (CAPTURES / "expected.ndjson").read_text().splitlines():
        statement = json.loads(line)
        files.setdefault(statement["file"], []).append(statement["facts"])
    return {name: len(connections) for name, connections in sorted(files.items())
            if all(facts.get("certificate_request_seen") or facts.get("client_auth") in ASKS for facts in connections)}


def blocks(octets):
    """The blocks of a pcapng file: (type, octets)."""
    at = 0
    while at + 12 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        yield kind, octets[at:at + length]
        at += length


def packets(octets):
    """Where the octets of each packet are: (begin, end)."""
    at = 0
    while at + 12 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        if kind == PACKET:
            captured = struct.unpack_from("<I", octets, at + 20)[0]
            yield at + 28, at + 28 + captured
        at += length


def payload(octets, begin, end):
    """Source port and place of the TCP payload of an Ethernet frame; None where there is none."""
    ip = begin + 14
    kind = octets[begin + 12:ip]
    if kind == b"\x08\x00" and octets[ip + 9] == TCP:
        tcp, end = ip + 4 * (octets[ip] & 15), min(end, ip + struct.unpack_from(">H", octets, ip + 2)[0])
    elif kind == b"\x86\xdd" and octets[ip + 6] == TCP:
        tcp, end = ip + 40, min(end, ip + 40 + struct.unpack_from(">H", octets, ip + 4)[0])
    else:
        return None
    if tcp + 20 > end:
        return None
    return struct.unpack_from(">H", octets, tcp)[0], tcp + 4 * (octets[tcp + 12] >> 4), end


def records_of(octets):
    """The TLS records of each packet that begin in it: lists of (begin, end)."""
    for begin, end in packets(octets):
        _, at, end = payload(octets, begin, end) or (None, 0, 0)
        found = []
        while at + 5 <= end and octets[at] in range(20, 24) and octets[at + 1] == 3:
            found.append((at, min(end, at + 5 + struct.unpack_from(">H", octets, at + 3)[0])))
            at = found[-1][1]
        yield found


def messages_of(octets, records):
    """The handshake messages that are whole in one of the records: (begin, end)."""
    for begin, end in records:
        at = begin + 5
        while octets[begin] == HANDSHAKE and at + 4 <= end:
            behind = at + 4 + int.from_bytes(octets[at + 1:at + 4], "big")
            if behind <= end:
                yield at, behind
            at = behind


def heads_of(octets):
    """Where the headers of TLS records and of handshake messages in them are, and the lengths a message begins with."""
    for records in records_of(octets):
        for begin, _ in records:
            yield from range(begin, begin + 5)
        for begin, end in messages_of(octets, records):
            yield from range(begin, min(begin + 8, end))


def one_side(octets, from_server, ports=(5061,)):
    """Only what one side sent."""
    kept, at = [], 0
    while at + 12 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        found = payload(octets, at + 28, at + 28 + struct.unpack_from("<I", octets, at + 20)[0]) if kind == PACKET else None
        if not found or (found[0] in ports) == from_server:
            kept.append(octets[at:at + length])
        at += length
    return b"".join(kept)


VIEWS = {"both": lambda octets: octets, "server": lambda octets: one_side(octets, True),
         "client": lambda octets: one_side(octets, False)}


def heads(octets, seed, most):
    """Variants with another value in an octet of a header: each value in turn, or `most` of them at random."""
    variants = [(at, value) for at in heads_of(octets) for value in range(256) if value != octets[at]]
    if most and most < len(variants):
        variants = sorted(random.Random(seed).sample(variants, most))
    for at, value in variants:
        yield f"head-{at}-{value}", octets[:at] + bytes([value]) + octets[at + 1:]


def types(octets, seed, most):
    """Variants with another type of a handshake message: each in turn, or `most` of them at random."""
    places = [begin for records in records_of(octets) for begin, _ in messages_of(octets, records)]
    variants = [(at, value) for at in places for value in range(256) if value != octets[at]]
    if most and most < len(variants):
        variants = sorted(random.Random(seed).sample(variants, most))
    for at, value in variants:
        yield f"type-{at}-{value}", octets[:at] + bytes([value]) + octets[at + 1:]


def swallows(octets, _seed, _most):
    """Variants in which the length of a message covers those behind it in the packet: one, two, ..."""
    for records in records_of(octets):
        found = list(messages_of(octets, records))
        for first, (begin, end) in enumerate(found):
            length = end - begin - 4
            for number, (other, other_end) in enumerate(found[first + 1:], 1):
                length += other_end - other
                yield f"swallow-{begin}-{number}", octets[:begin + 1] + length.to_bytes(3, "big") + octets[begin + 4:]


def flipped(octets, bit):
    """One bit of the packets is another: `bit` counts those of all packets."""
    for begin, end in packets(octets):
        if bit < 8 * (end - begin):
            changed = bytearray(octets)
            changed[begin + bit // 8] ^= 1 << bit % 8
            return bytes(changed)
        bit -= 8 * (end - begin)
    raise ValueError("no such bit")


def bits(octets):
    return sum(8 * (end - begin) for begin, end in packets(octets))


def flips(octets, seed, most):
    """Variants with one bit flipped: all of them in turn, or `most` of them at random."""
    count = bits(octets)
    chosen = range(count) if not most or most >= count else sorted(random.Random(seed).sample(range(count), most))
    for bit in chosen:
        yield f"bit-{bit}", flipped(octets, bit)


def noise(octets, seed, most):
    """Variants with each octet of the packets another one at a rate, as editcap -E does it."""
    for number in range(most or 1000):
        rate, chance = RATES[number % len(RATES)], random.Random(f"{seed} {number}")
        changed = bytearray(octets)
        for begin, end in packets(octets):
            for at in range(begin, end):
                if chance.random() < rate:
                    changed[at] = chance.randrange(256)
        yield f"noise-{number}", bytes(changed)


def edited(octets, seed, most):
    """Variants that editcap makes: -E at several rates, each time with another seed. Keys of TLS, which editcap up to
    4.0 does not write, go past it."""
    secrets = b"".join(block for kind, block in blocks(octets) if kind == SECRETS)
    with tempfile.TemporaryDirectory(prefix="siptls-editcap-") as folder:
        whole, changed = Path(folder, "whole"), Path(folder, "changed")
        whole.write_bytes(b"".join(block for kind, block in blocks(octets) if kind != SECRETS))
        for number in range(most or 1000):
            chance = random.Random(f"{seed} {number}").getrandbits(31)
            subprocess.run(["editcap", "-E", str(RATES[number % len(RATES)]), "--seed", str(chance), whole, changed],
                           stderr=subprocess.DEVNULL, check=True)
            (_, header), *rest = blocks(changed.read_bytes())
            yield f"editcap-{number}", header + secrets + b"".join(block for _, block in rest)


def cuts(octets, seed, most):
    """The first octets of the file: every number of them, or `most` at random."""
    chosen = range(len(octets))
    if most and most < len(octets):
        chosen = sorted(random.Random(seed).sample(chosen, most))
    for end in chosen:
        yield f"cut-{end}", octets[:end]


WAYS = {"heads": heads, "types": types, "swallows": swallows, "flips": flips, "noise": noise, "editcap": edited,
        "cuts": cuts}


def pieces(variants, size):
    """Lists of variants that hold about `size` octets."""
    piece, octets = [], 0
    for name, content in variants:
        piece.append((name, content))
        octets += len(content)
        if octets >= size:
            yield piece
            piece, octets = [], 0
    if piece:
        yield piece


def wrong(lines, files, asks=True):
    """What must not be in the output of siptls-scan --format ndjson over damaged files; asks: whose connections all do."""
    seen = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError as error:
            yield f"no JSON: {error}: {line!r}"
            continue
        name = os.path.basename(record.get("file") or "")
        if record["type"] == "file":
            seen[name] = seen.get(name, 0) + 1
            if record["status"] not in ("ok", "cut_short", "unreadable", "not_a_capture"):
                yield f"{name}: {record['status']}: {record['error']}"
        elif asks and record["type"] == "connection" and (record["impact"] == "unaffected" or
                                                          record["client_auth"] == "not_requested"):
            yield f"{name}: false {record['impact']}, {record['client_auth']} by {record['evidence']}"
    for name in files:
        if seen.get(name, 0) != 1:
            yield f"{name}: {seen.get(name, 0)} file records"


def scan(program, folder, environment=None, command=()):
    """The lines of its output, and what it died of, if it did."""
    done = subprocess.run([*command, str(program), "--quiet", "--format", "ndjson", str(folder)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment, check=False)
    errors = done.stderr.decode("utf-8", "replace")
    failed = [errors] if done.returncode not in (0, 1, 2, 3) or "Sanitizer" in errors or "runtime error" in errors else []
    return done.stdout.decode("utf-8", "strict").splitlines(), failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", type=Path, required=True)
    parser.add_argument("--way", choices=WAYS, default="heads")
    parser.add_argument("--view", choices=VIEWS, default="both", help="the directions that are left")
    parser.add_argument("--captures", default="*", metavar="GLOB")
    parser.add_argument("--most", type=int, default=0, help="variants of a capture; 0: all bits or cuts, 1000 of noise")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", type=Path, help="a folder for the variants that are told wrongly")
    arguments = parser.parse_args()
    found = variants = connections = 0
    asks = asking()
    for capture in fnmatch.filter(sorted(path.name for path in CAPTURES.glob("*.pcapng")), arguments.captures):
        octets = VIEWS[arguments.view]((CAPTURES / capture).read_bytes())
        for piece in pieces(WAYS[arguments.way](octets, arguments.seed, arguments.most), 64 << 20):
            with tempfile.TemporaryDirectory(prefix="siptls-mutate-") as folder:
                for name, content in piece:
                    Path(folder, name).write_bytes(content)
                lines, failed = scan(arguments.scan, folder)
                connections += sum('"type":"connection"' in line for line in lines)
                for what in [*failed, *wrong(lines, [name for name, _ in piece], capture in asks)]:
                    print(f"{capture}: {what}", flush=True)
                    found += 1
                    name = what.split(":")[0]
                    if arguments.keep and Path(folder, name).is_file():
                        arguments.keep.mkdir(exist_ok=True)
                        shutil.copy(Path(folder, name), arguments.keep / f"{Path(capture).stem}-{name}.pcapng")
            variants += len(piece)
        print(f"{capture}: {variants} variants, {connections} connections, {found} wrong so far", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
