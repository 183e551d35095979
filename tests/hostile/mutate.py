#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""mutate.py - damaged captures: nothing of ours breaks, and a server that asks is never "unaffected".

Every capture in which each connection is known to ask (captures/expected.ndjson) is damaged in many ways; a folder of
variants at a time goes through siptls-scan, and a sample of them through tshark. Prints what must not be, and totals.

    mutate.py --scan build/check/siptls-scan [--plugins build/check/plugins] [--way flips|noise|cuts] [--captures GLOB]
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
PACKET = 6                      # Enhanced Packet Block, draft-ietf-opsawg-pcapng 4.3
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


def packets(octets):
    """Where the octets of each packet are: (begin, end)."""
    at = 0
    while at + 12 <= len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        if kind == PACKET:
            captured = struct.unpack_from("<I", octets, at + 20)[0]
            yield at + 28, at + 28 + captured
        at += length


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


def cuts(octets, seed, most):
    """The first octets of the file: every number of them, or `most` at random."""
    chosen = range(len(octets))
    if most and most < len(octets):
        chosen = sorted(random.Random(seed).sample(chosen, most))
    for end in chosen:
        yield f"cut-{end}", octets[:end]


WAYS = {"flips": flips, "noise": noise, "cuts": cuts}


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


def wrong(lines, files):
    """What must not be in the output of siptls-scan --format ndjson over damaged files whose connections all ask."""
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
            if record["status"] not in ("ok", "damaged", "cut_short", "truncated", "unreadable", "not_a_capture"):
                yield f"{name}: {record['status']}: {record['error']}"
        elif record["type"] == "connection" and (record["impact"] == "unaffected" or
                                                 record["client_auth"] == "not_requested"):
            yield f"{name}: false {record['impact']}, {record['client_auth']} by {record['evidence']}"
    for name in files:
        if seen.get(name, 0) > 1:
            yield f"{name}: {seen[name]} file records"


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
    parser.add_argument("--way", choices=WAYS, default="flips")
    parser.add_argument("--captures", default="*", metavar="GLOB")
    parser.add_argument("--most", type=int, default=0, help="variants of a capture; 0: all bits or cuts, 1000 of noise")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", type=Path, help="a folder for the variants that are told wrongly")
    arguments = parser.parse_args()
    found = variants = connections = 0
    for capture in fnmatch.filter(asking(), arguments.captures):
        octets = (CAPTURES / capture).read_bytes()
        for piece in pieces(WAYS[arguments.way](octets, arguments.seed, arguments.most), 64 << 20):
            with tempfile.TemporaryDirectory(prefix="siptls-mutate-") as folder:
                for name, content in piece:
                    Path(folder, name).write_bytes(content)
                lines, failed = scan(arguments.scan, folder)
                connections += sum('"type":"connection"' in line for line in lines)
                for what in [*failed, *wrong(lines, [name for name, _ in piece])]:
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
