# SPDX-License-Identifier: GPL-2.0-or-later
"""siptls-slurm on a real cluster of two nodes: what comes of it is what one run over everything gives, record for record,
whatever happens to nodes and tasks on the way."""

import json
import os
import re
import shutil

import pytest

from conftest import CAPTURE_NAMES, ROOT
from recipes import recipe
from slurm_cluster import cluster, wait_until
from test_archive import AT_RISK, NOT_READ, of_type, records_of, scan

NAMES = [name for name in CAPTURE_NAMES if not name.startswith("no-keys-")]
FILES = 300
SHARDS = 6

# In place of siptls-scan: the first attempt at some shards stops in the middle of its work, as the log then shows
HOLDING = """#!/bin/sh
for shard in {held}; do
    case "$*" in
    *"--shard $shard/{shards} "*)
        mkdir {folder}/$shard 2>/dev/null || continue
        {scan} "$@"
        while [ "$1" != --log ]; do shift; done
        head -c $(($(wc -c <"$2") / 2)) "$2" >{folder}/$shard/half
        cat {folder}/$shard/half >"$2"
        touch {folder}/$shard/reached
        exec sleep 3600
        ;;
    esac
done
exec {scan} "$@"
"""


@pytest.fixture(name="slurm", scope="module")
def start_cluster(host):
    environment = {name: value for name, value in host.environment(True).items() if name != "LD_PRELOAD"}
    with cluster(host.base / "slurm", environment) as there:
        there.environment["SIPTLS_SCAN"] = str(host.scan)
        yield there


@pytest.fixture(name="programs", scope="module")
def copy_programs(host):
    """Where the cluster's user may read them."""
    folder = host.base / "cluster"
    shutil.copytree(ROOT / "cluster", folder)
    return folder


@pytest.fixture(name="archive", scope="module")
def make_archive(host):
    """Captures in folders, a ring buffer, names that need care, and a text."""
    base = host.work / "arc hive's"
    for number in range(FILES):
        folder = base / f"{number // 100}"
        folder.mkdir(parents=True, exist_ok=True)
        os.link(host.capture(NAMES[number % len(NAMES)]), folder / f"{number}.pcapng")
    for number in range(10):
        os.link(host.capture(NAMES[0]), base / f"ring_{number:05}_20260309120{number}00.pcapng")
    os.link(host.capture(NAMES[0]), os.fsencode(base) + b"/\xff.pcapng")
    os.link(host.capture(NAMES[0]), os.fsencode(base) + b"/\xfe.pcapng")
    (base / "README").write_text("no capture\n")
    yield base
    shutil.rmtree(base)


@pytest.fixture(name="folder")
def make_folder(host):
    folder = host.work / "audit"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(name="hold_shards")
def make_holding(host, slurm):
    """Makes the first attempts at some shards stop in the middle; gives the folder that tells when they are there."""
    hold = host.work / "hold"
    hold.mkdir()
    hold.chmod(0o777)

    def hold_shards(*held):
        program = hold / "siptls-scan"
        program.write_text(HOLDING.format(held=" ".join(map(str, held)), shards=SHARDS, folder=hold, scan=host.scan))
        program.chmod(0o755)
        slurm.environment["SIPTLS_SCAN"] = str(program)
        return hold
    yield hold_shards
    slurm.environment["SIPTLS_SCAN"] = str(host.scan)
    shutil.rmtree(hold)


def assert_equals_one_run(host, folder, archive):
    """Records and report are those of one run on one machine."""
    whole = host.work / "whole.ndjson"
    whole.unlink(missing_ok=True)
    one = scan(host, "--log", whole, archive)
    merged, expected = records_of(host, *sorted((folder / "logs").glob("*.ndjson"))), records_of(host, whole)
    assert [line for line in merged if line not in expected] == [line for line in expected if line not in merged] == []
    assert merged == expected
    assert (folder / "report").read_text() == one.out
    return one


def submit(slurm, programs, folder, *words, check=True):
    return slurm.run(programs / "siptls-slurm", "--folder", folder, *words, cwd=folder.parent, check=check)


def merged(folder):
    """What the merge has said, as soon as it has come to its end, and its exit status."""
    said = folder / "merge.out"

    def status():
        return said.exists() and re.search(r"^siptls-merge: \d+ logs, exit status (\d+)", os.fsdecode(said.read_bytes()), re.MULTILINE)
    return int(wait_until("the end of the merge", status)[1]), os.fsdecode(said.read_bytes())


def test_shards_of_a_cluster_are_one_run(host, slurm, programs, archive, folder):
    """The recipe of doc/many-machines.md."""
    slurm.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    said = slurm.run("sh", "-c", recipe("slurm", archive=archive), cwd=folder.parent).stdout
    assert f"shards 1-8 of 8 ({FILES + 13} files" in said
    status, said = merged(folder)
    assert status == AT_RISK and "complete, 0 missing, 0 doubled, 0 failed" in said
    assert_equals_one_run(host, folder, archive)
    logs = sorted(path.name for path in (folder / "logs").iterdir() if path.suffix != ".out")
    assert logs == [f"{number}-of-8.ndjson" for number in range(1, 9)]
    other = submit(slurm, programs, folder, "--shards", 8, archive, "--", "--any-port", check=False)
    assert other.returncode == NOT_READ and "begun with other paths or options" in other.stderr


def test_killed_node_and_requeued_task_and_corrupt_file(host, slurm, programs, archive, folder, hold_shards):
    """Two tasks are stopped in the middle, one by the death of its node, one by requeueing; a file cannot be read."""
    corrupt = archive / "1" / "corrupt.pcapng"
    corrupt.write_bytes(host.capture(NAMES[0]).read_bytes()[:700] + b"\xff" * 300)
    hold = hold_shards(2, 3)
    submit(slurm, programs, folder, "--shards", SHARDS, archive)
    wait_until("both tasks", lambda: all((hold / shard / "reached").exists() for shard in "23"))
    tasks = slurm.tasks("RUNNING")
    slurm.run("scontrol", "requeue", tasks[3][0])
    slurm.lose(tasks[2][1])
    status, said = merged(folder)
    slurm.bring_back(tasks[2][1])
    assert status == assert_equals_one_run(host, folder, archive).returncode == NOT_READ
    assert f"--expect: {corrupt}: was not read" in said and "0 missing, 0 doubled, 1 failed" in said
    for shard in (2, 3):    # went on from the half that there was
        log = (folder / "logs" / f"{shard}-of-{SHARDS}.ndjson").read_bytes()
        half = (hold / str(shard) / "half").read_bytes()
        assert log.startswith(half) and len(half) > 1000
        runs = [json.loads(line)["complete"] for line in log.splitlines() if line.startswith(b'{"type":"run"')]
        assert runs == [False, False, True]
    corrupt.unlink()


def test_task_that_did_not_finish_is_told_by_the_merge(host, slurm, programs, archive, folder, hold_shards):
    """A cancelled task leaves its files without a record: the merge names them, and its status is 2; again goes on."""
    hold = hold_shards(4)
    submit(slurm, programs, folder, "--shards", SHARDS, archive)
    wait_until("the task", (hold / "4" / "reached").exists)
    slurm.run("scancel", slurm.tasks("RUNNING")[4][0])
    status, said = merged(folder)
    (folder / "merge.out").unlink()
    before = {path: path.stat().st_mtime_ns for path in (folder / "logs").glob("*.ndjson")}
    planned = re.search(r"^ +4 +(\d+) ", (folder / "plan").read_text(), re.MULTILINE)[1]
    assert status == NOT_READ and said.count(": has no record") == int(planned) > 0
    assert f"shards 4 of {SHARDS}" in submit(slurm, programs, folder, "--shards", SHARDS, archive).stdout
    assert merged(folder)[0] == AT_RISK
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert_equals_one_run(host, folder, archive)


@pytest.mark.parametrize("words, message", (
    ((), "no capture named"), (("--shards", "0", "x"), "not a number from 1"), (("--shards", "5000", "x"), "MaxArraySize"),
    (("--cpus", "", "x"), "not a number from 1"), (("/no/such",), "no such file")))
def test_wrong_usage(slurm, programs, folder, words, message):
    done = submit(slurm, programs, folder, *words, check=False)
    assert done.returncode == NOT_READ and message in done.stderr and "job" not in done.stdout


def test_options_of_sbatch_and_of_siptls_scan_get_there(host, slurm, programs, archive, folder):
    done = submit(slurm, programs, folder, "--shards", 1, "--sbatch=--comment=it's mine", "--cpus", 2, "--wait", archive / "0", "--",
                  "--any-port", "--keylog", host.captures / "keys" / "provider-renewal.log", check=False)
    assert done.returncode == AT_RISK, done.stdout + done.stderr + slurm.said()     # the merge's, by --wait
    log = [json.loads(line) for line in (folder / "logs" / "1-of-1.ndjson").read_text().splitlines()]
    assert {(run["any_port"], run["keylog"]) for run in of_type(log, "run")} == {
        (True, str(host.captures / "keys" / "provider-renewal.log"))}
    jobs = slurm.run("squeue", "--states=all", "--noheader", "--format=%k|%c").stdout.splitlines()
    assert jobs.count("it's mine|2") == 1 and jobs.count("it's mine|1") == 1
