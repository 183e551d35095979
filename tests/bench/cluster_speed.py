#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much faster two nodes of a Slurm cluster are than one, on 2,000 captures.

    cluster_speed.py BUILD [--files 2000] [--copies 20] [--rounds 3]

BUILD is the folder of the build (build/check). Each node runs one task at a time with one worker; the machine needs two
free processors. Each capture has so many copies of its packets' files, so that reading outweighs scheduling. Prints the
seconds from the first task's beginning to the last one's end, and the ratio, which is to be 1.7 at least.
"""

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from cluster import Machine, wait_until
from slurm_cluster import cluster

SHARDS = 8
TIMED = """#!/bin/sh
date +%s.%N >>{folder}/begun
{scan} "$@"
status=$?
date +%s.%N >>{folder}/ended
exit $status
"""


def seconds(slurm, machine, folder, node):
    """From the first beginning to the last end of a task; on one node, or on both."""
    timed = machine.work / "timed"
    shutil.rmtree(timed, ignore_errors=True)
    timed.mkdir()
    timed.chmod(0o777)
    program = timed / "siptls-scan"
    program.write_text(TIMED.format(folder=timed, scan=machine.scan))
    program.chmod(0o755)
    slurm.environment["SIPTLS_SCAN"] = str(program)
    only = [f"--sbatch=--nodelist={node}"] if node else []
    slurm.run(machine.programs / "siptls-slurm", "--folder", folder, "--shards", SHARDS, "--cpus", 2, *only, machine.archive,
              "--", "--jobs", 1)
    wait_until("the report", lambda: (folder / "merge.out").exists() and "exit status" in (folder / "merge.out").read_text())
    assert "complete, 0 missing" in (folder / "merge.out").read_text()
    times = {name: [float(line) for line in (timed / name).read_text().split()] for name in ("begun", "ended")}
    return max(times["ended"][:SHARDS]) - min(times["begun"])


def enlarge(machine, copies):
    """Puts a capture's packets many times into one file: sections of pcapng follow one another."""
    for path in machine.archive.rglob("*.pcapng"):
        path.write_bytes(path.read_bytes() * copies)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--copies", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="siptls-speed-"))
    try:
        machine = Machine(base, options.build, options.files)
        enlarge(machine, options.copies)
        with cluster(base / "slurm", machine.environment) as slurm:
            ratios = []
            for number in range(options.rounds):
                one = seconds(slurm, machine, machine.work / f"one-{number}", "n1")
                two = seconds(slurm, machine, machine.work / f"two-{number}", None)
                ratios.append(one / two)
                print(f"one node {one:6.1f} s, two nodes {two:6.1f} s: {one / two:.2f}", flush=True)
        print(f"two nodes are {statistics.median(ratios):.2f} times as fast")
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
