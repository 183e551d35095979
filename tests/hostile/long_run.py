#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""long_run.py - siptls-scan over very many files, over a very long stream, and killed again and again.

    long_run.py --scan build/check/siptls-scan [--files 100000] [--gigabytes 20] [--kills 50]

Many files: every one has one record, and no process grows with their number. A stream on standard input, which is made
while it is read and stored nowhere: memory stays what it is for a tenth of it. Kills: SIGKILL at random times, and
--resume, until a run comes to its end: the log has every file exactly once. Exit status 1 where one of it is not so.
"""

import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import attacks

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
GROWTH = 1.3                    # of the peak, where the input is ten times as long
RTP = bytes(12) + b"\x08\x00" + bytes.fromhex("450000c80000400040110000c0000201c6336414") + \
    bytes.fromhex("4e204e2200b40000") + bytes([0x80, 0]) + bytes(170)


def fill(folder, count):
    """`count` names of the recorded captures, a thousand in a folder."""
    names = sorted(each for each in CAPTURES.glob("*.pcapng"))
    copies = folder / "captures"
    copies.mkdir(parents=True)
    for name in names:
        (copies / name.name).write_bytes(name.read_bytes())
    for number in range(count - len(names)):
        place = folder / str(number // 1000)
        place.mkdir(exist_ok=True)
        os.link(copies / names[number % len(names)].name, place / f"{number}.pcapng")


def check(what, holds):
    print(f"{'ok' if holds else 'FAILED'}: {what}", flush=True)
    return holds


def many_files(scan, folder, count):
    peaks, correct = [], True
    for number in (count // 10, count):
        place = folder / f"files-{number}"
        fill(place, number)
        memory, _, out = attacks.peak([scan, "--quiet", "--format", "ndjson", place])
        files = [json.loads(line)["file"] for line in out.splitlines() if '"type":"file"' in line]
        correct = check(f"{number} files, {len(set(files))} of them told of once, {memory >> 10} MB",
                        len(files) == len(set(files)) == number) and correct
        peaks.append(memory)
    return check("memory is flat", peaks[1] < GROWTH * peaks[0]) and correct


def stream(pipe, octets):
    """A call's media, and a SIP connection that is asked for a certificate in each 10 MB."""
    media = b"".join(struct.pack("<IIII", 1_700_000_000, 0, len(RTP), len(RTP)) + RTP for _ in range(48000))
    pipe.write(attacks.pcap_header())
    sent = calls = 0
    while sent < octets:
        flow = attacks.Flow(calls)
        hello = attacks.records(attacks.client_hello())
        flight = attacks.server_hello() + attacks.certificates(1) + attacks.request(b"") + attacks.message(attacks.DONE, b"")
        call = flow.open() + flow.say(0, hello) + flow.say(1, attacks.records(flight)) + flow.packet(1, attacks.FIN | attacks.ACK)
        pipe.write(call + media)
        sent += len(call) + len(media)
        calls += 1


def long_stream(scan, gigabytes):
    peaks, correct = [], True
    for size in (gigabytes / 10, gigabytes):
        started = time.monotonic()
        with subprocess.Popen([sys.executable, __file__, "--scan", scan, "--stream", str(int(size * (1 << 30)))],
                              stdout=subprocess.PIPE) as writer:
            memory, status, out = attacks.peak([scan, "--quiet", "--format", "ndjson", "--timeout", "0", "-"],
                                               stdin=writer.stdout)
        lines = [json.loads(line) for line in out.splitlines()]
        asked = sum(line["type"] == "connection" and line["client_auth"] == "requested" for line in lines)
        correct = check(f"{size:.1f} GB in {time.monotonic() - started:.0f} s, {asked} connections, {memory >> 10} MB, "
                        f"exit status {status}", status == 1 and asked == lines[-2]["connections"] > 0) and correct
        peaks.append(memory)
    return check("memory is flat", peaks[1] < GROWTH * peaks[0]) and correct


def kills(scan, folder, count, times):
    place, log, chance = folder / "killed", folder / "log.ndjson", random.Random(1)
    fill(place, count)
    command = [scan, "--quiet", "--log", log, "--resume", place]
    done = 0
    for _ in range(times):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(timeout=chance.uniform(0.05, 1.5))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            done += 1
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    files = {}
    for line in log.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue            # what a kill in the middle of a line leaves
        if record["type"] == "file":
            files[record["file"]] = files.get(record["file"], 0) + 1
    return check(f"{done} kills, {len(files)} of {count} files in the log, {sum(files.values()) - len(files)} of them twice",
                 len(files) == count == sum(files.values()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scan", type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--gigabytes", type=float, default=20)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stream", type=int, help=argparse.SUPPRESS)   # writes it to standard output, and no more
    arguments = parser.parse_args()
    if arguments.stream:
        stream(sys.stdout.buffer, arguments.stream)
        return
    with tempfile.TemporaryDirectory(prefix="siptls-long-") as folder:
        correct = [many_files(arguments.scan, Path(folder), arguments.files) if arguments.files else True,
                   long_stream(arguments.scan, arguments.gigabytes) if arguments.gigabytes else True,
                   kills(arguments.scan, Path(folder), arguments.files // 10 or 1000, arguments.kills)
                   if arguments.kills else True]
    sys.exit(0 if all(correct) else 1)


if __name__ == "__main__":
    main()
