#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive on a Slurm cluster of two nodes when everything goes wrong: its result against that of one machine.

    cluster.py BUILD [--files 2000] [--shards 20]

BUILD is the folder of the build (build/check). While tasks run, one node dies and Slurm has to find out, a task is
cancelled and submitted again, another is requeued, and a capture is corrupt. Fails unless records and report equal those
of one run over everything, record for record.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/capture"))

from slurm_cluster import cluster, wait_until       # noqa: E402 (the path comes first)

NOBODY = 65534
NOT_READ = 2
# Each task says that it has begun, and goes on when the folder of its number is there
WAITING = """#!/bin/sh
touch {folder}/$SLURM_ARRAY_TASK_ID.begun
while [ -e {folder}/hold ] && [ -n "$SLURM_ARRAY_TASK_ID" ]; do sleep 0.2; done
exec {scan} "$@"
"""


class Machine:
    """A folder that an ordinary user may read, with the programs and an archive."""

    def __init__(self, base, build, files):
        self.base, self.archive = base, base / "archive"
        base.chmod(0o755)
        self.unprivileged = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        self.programs = base / "programs"
        shutil.copytree(ROOT / "cluster", self.programs)
        self.scan = Path(shutil.copy(build / "siptls-scan", self.programs))
        self.environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "HOME": str(base), "LC_ALL": "C.UTF-8"}
        captures = sorted(path for path in (ROOT / "captures").glob("*.pcapng") if not path.name.startswith("no-keys-"))
        for number in range(files):
            folder = self.archive / f"{number // 200}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(captures[number % len(captures)], folder / f"{number}.pcapng")
        self.work = base / "work"
        self.work.mkdir()
        self.work.chmod(0o777)

    def run(self, *arguments):
        return subprocess.run([*self.unprivileged, self.scan, *arguments], env=self.environment, cwd=self.work,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def records(self, *logs):
        lines = self.run("--format", "ndjson", "--from-log", *logs).stdout.splitlines()
        return sorted(line for line in lines if '"type":"run"' not in line)


def status_of(folder):
    """Of the merge, when it has come to its end."""
    said = folder / "merge.out"
    lines = said.read_text().splitlines() if said.exists() else []
    return lines and "exit status" in lines[-1] and int(lines[-1].split("exit status ")[1].split(",")[0])


def submit(slurm, machine, folder, shards):
    began = time.monotonic()
    print(slurm.run(machine.programs / "siptls-slurm", "--folder", folder, "--shards", shards, machine.archive).stdout, end="")
    return began


def disturb(slurm, hold):
    """A node dies, a task of the other is cancelled and one is requeued."""
    tasks = wait_until("four tasks", lambda: len(found := slurm.tasks("RUNNING")) == 4 and found)
    wait_until("their beginning", lambda: all((hold / f"{shard}.begun").exists() for shard in tasks))
    dying = tasks[min(tasks)][1]
    cancelled, requeued = [shard for shard, (_, node) in tasks.items() if node != dying]
    slurm.kill(dying)
    slurm.run("scancel", tasks[cancelled][0])
    slurm.run("scontrol", "requeue", tasks[requeued][0])
    (hold / "hold").unlink()
    print(f"killed {dying} with shards {[s for s, (_, n) in tasks.items() if n == dying]}, cancelled {cancelled}, requeued {requeued}")
    return dying, cancelled


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--shards", type=int, default=20)
    options = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="siptls-cluster-"))
    try:
        machine = Machine(base, options.build, options.files)
        corrupt = machine.archive / "0/corrupt.pcapng"
        corrupt.write_bytes((machine.archive / "0/0.pcapng").read_bytes()[:700] + b"\xff" * 300)
        hold, folder = machine.work / "hold", machine.work / "audit"
        hold.mkdir()
        hold.chmod(0o777)
        (hold / "hold").touch()
        program = hold / "siptls-scan"
        program.write_text(WAITING.format(folder=hold, scan=machine.scan))
        program.chmod(0o755)
        with cluster(base / "slurm", machine.environment | {"SIPTLS_SCAN": str(program)}) as slurm:
            began = submit(slurm, machine, folder, options.shards)
            dying, cancelled = disturb(slurm, hold)
            first = wait_until("the merge", lambda: status_of(folder))
            said = (folder / "merge.out").read_text()
            print(f"first merge after {time.monotonic() - began:.0f} s: {said.splitlines()[-2]}")
            missing = said.count(": has no record")
            assert first == NOT_READ and missing and not (folder / f"logs/{cancelled}-of-{options.shards}.ndjson").exists()
            (folder / "merge.out").unlink()
            slurm.bring_back(dying)
            submit(slurm, machine, folder, options.shards)
            second = wait_until("the second merge", lambda: status_of(folder))
            print((folder / "merge.out").read_text().splitlines()[-2])
        whole = machine.work / "whole.ndjson"
        one = machine.run("--log", whole, machine.archive)
        merged = machine.records(*sorted((folder / "logs").glob("*.ndjson")))
        assert second == one.returncode == NOT_READ, (second, one.returncode)
        assert merged == machine.records(whole) and (folder / "report").read_text() == one.stdout
        print(f"{len(merged)} records and the report equal those of one run")
    finally:
        shutil.rmtree(base)


if __name__ == "__main__":
    main()
