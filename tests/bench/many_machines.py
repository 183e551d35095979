#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive that is too large to have: what its list, a plan, a task and the merge cost, with files that are not there.

    many_machines.py BUILD [--files 10000000] [--octets 1000000000000000] [--shards 1000] [--no-logs] [--folder FOLDER]

BUILD is the folder of the build (build/check). Writes a list of so many files in ring buffers of 100 and alone, and the
logs that tasks would have written: one file of ten has a connection of SIP over TLS. Prints seconds of processor and of
clock, the most memory, and sizes. Fails when the merge does not find all of them.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPREAD = 4                  # a file has a quarter of the mean to almost twice as much
RING = 100
A_CONNECTION_IN = 10
MTIME = 1773057600123456789


def files(count, octets):
    """Path and size of each: half of them alone, half in ring buffers."""
    sizes = random.Random(5061)
    mean = octets // count
    for number in range(count):
        day = f"/archive/site-{number % 50:02}/sbc-{number % 7}/2026-{number // 50 % 12 + 1:02}"
        name = (f"ring-{number // (2 * RING)}_{number % RING + 1:05}_20260309{number % RING:06}.pcapng" if number // RING % 2
                else f"capture-{number:08}.pcapng")
        if number // RING % 2:
            day = f"/archive/site-{number // RING % 50:02}/ring"
        yield f"{day}/{name}", sizes.randrange(mean // SPREAD, 2 * mean - mean // SPREAD)


def write_list(path, count, octets):
    with open(path, "wb", buffering=1 << 20) as out:
        out.write(b"siptls-files 1\0")
        for name, size in files(count, octets):
            out.write(b"f %d %d %s\0" % (size, MTIME, name.encode()))
        out.write(b"end %d\0" % count)


def connection_record(scan, root):
    """A real one, of which copies make the logs."""
    out = subprocess.run([scan, "--format", "ndjson", root / "captures/openssl-tls12-both-accepted.pcapng"],
                         stdout=subprocess.PIPE, check=False, text=True).stdout
    return json.loads(out.splitlines()[0])


def write_logs(folder, count, octets, logs, connection):
    """Each file's records as siptls-scan writes them, divided among so many logs."""
    outs = [open(folder / f"{number + 1}-of-{logs}.ndjson", "w", buffering=1 << 16, encoding="utf-8") for number in range(logs)]
    template = json.dumps(connection | {"file": "FILE", "client_port": 0}, separators=(",", ":"))
    head, tail = template.split("FILE")
    for number, (name, size) in enumerate(files(count, octets)):
        out = outs[number * logs // count]
        has_one = number % A_CONNECTION_IN == 0
        if has_one:
            out.write(f"{head}{name}{tail}\n".replace('"client_port":0', f'"client_port":{number % 60000 + 1}'))
        out.write(f'{{"type":"file","schema":1,"file":"{name}","host":"node-{number % 40}","size":{size},'
                  f'"mtime":"2026-03-09T12:00:00.{MTIME % 10**9}Z","packets":150000,"connections":{int(has_one)},'
                  '"status":"ok","error":null}\n')
    for out in outs:
        out.close()


def measured(label, command, statuses=(0,)):
    """Runs it, and tells what it took."""
    began = time.monotonic()
    process = subprocess.Popen(["/usr/bin/env", *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    print(f"{label:<24} {usage.ru_utime + usage.ru_stime:8.1f} s of processor {time.monotonic() - began:8.1f} s of clock"
          f" {usage.ru_maxrss / 1024:8.0f} MB", flush=True)
    if process.returncode not in statuses:
        sys.exit(f"{label}: exit status {process.returncode}")
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--files", type=int, default=10_000_000)
    parser.add_argument("--octets", type=int, default=10**15)
    parser.add_argument("--shards", type=int, default=1000)
    parser.add_argument("--no-logs", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    scan, root = options.build / "siptls-scan", Path(__file__).resolve().parents[2]
    folder = Path(tempfile.mkdtemp(prefix="siptls-many-", dir=options.folder))
    try:
        listed, logs = folder / "list", folder / "logs"
        write_list(listed, options.files, options.octets)
        print(f"{options.files} files, {options.octets / 1e12:.0f} TB, {options.shards} shards; list {listed.stat().st_size / 1e6:.0f} MB")
        plan = measured(f"--plan {options.shards}", [scan, "--files-from", listed, "--plan", options.shards])
        print(f"  {plan.splitlines()[-1]}")
        task = [scan, "--files-from", listed, "--shard", f"1/{options.shards}", "--format", "none", "--jobs", 1]
        measured("a task (no file is there)", task, statuses=(2,))
        if options.no_logs:
            return
        logs.mkdir()
        write_logs(logs, options.files, options.octets, options.shards, connection_record(scan, root))
        size = sum(log.stat().st_size for log in logs.iterdir())
        print(f"logs {size / 1e6:.0f} MB, {size / options.files:.0f} octets a file")
        measured("--from-log --expect", [scan, "--expect", listed, "--format", "none", "--from-log", *sorted(logs.iterdir())],
                 statuses=(1,))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
