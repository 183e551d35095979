# SPDX-License-Identifier: GPL-2.0-or-later
"""doc/many-machines.md by hand and on Kubernetes, whose Job is run here as its nodes would; siptls-task and siptls-merge."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

from conftest import CAPTURE_NAMES, ROOT
from recipes import DOCUMENT, RECIPES, recipe
from test_archive import ALL_DECIDED, AT_RISK, NOT_READ, UNDECIDED, records_of, scan

NAMES = [name for name in CAPTURE_NAMES if not name.startswith("no-keys-")][:50]
SCRIPTS = sorted(path.name for path in (ROOT / "cluster").glob("siptls-*"))
JOB = yaml.safe_load((ROOT / "cluster/kubernetes-job.yaml").read_text())

LIST = "touch x; siptls-scan --write-list list x"

# In place of kubectl, for a machine that is the only node
KUBECTL = """#!/bin/sh
case $1 in
apply) shift; exec /usr/bin/python3 -B {node} "$@" ;;
wait) [ "$*" = "wait --for=condition=complete --timeout=24h job/{job}" ] && [ -e {done} ] ;;
*) exit 2 ;;
esac
"""


@pytest.fixture(name="folder")
def make_folder(host):
    folder = host.work / "machines"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(name="archive", scope="module")
def make_archive(host):
    with host.archive(NAMES) as base:
        yield base


@pytest.fixture(name="programs", scope="module")
def copy_programs(host):
    """What the package installs into /usr/bin."""
    folder = host.base / "programs"
    folder.mkdir()
    for name in SCRIPTS:
        shutil.copy(ROOT / "cluster" / name, folder)
    shutil.copy(host.scan, folder / "siptls-scan")
    return folder


@pytest.fixture(name="run")
def make_run(host, programs, folder):
    """Runs a shell script as an ordinary user who has the package."""
    def run(script, path=(), check=True, **variables):
        environment = {name: value for name, value in host.environment(True).items() if name != "LD_PRELOAD"}
        environment["PATH"] = os.pathsep.join(map(str, [*path, programs, os.environ["PATH"]]))
        done = subprocess.run([*host.unprivileged(), "sh", "-c", script], env=environment | variables, cwd=folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              errors="surrogateescape", timeout=500, check=False)
        assert not check or done.returncode in (ALL_DECIDED, AT_RISK, UNDECIDED), done.stdout + done.stderr
        return done
    return run


def assert_equals_one_run(host, archive, audit):
    whole = host.work / "whole.ndjson"
    report = scan(host, "--log", whole, archive).out
    assert records_of(host, *sorted((audit / "logs").iterdir())) == records_of(host, whole)
    assert (audit / "report").read_text() == report
    whole.unlink()


# ---- the document


def test_every_recipe_is_run_by_a_test():
    tests = "".join(path.read_text() for path in (ROOT / "tests/capture").glob("test_*.py"))
    assert set(RECIPES) == {"by-hand", "slurm", "parallel", "kubernetes"}
    assert len(RECIPES) == DOCUMENT.count("```sh")
    for name in RECIPES:
        assert f'recipe("{name}"' in tests


def test_by_hand(host, run, archive, folder):
    done = run(recipe("by-hand", archive=archive))
    assert done.returncode == AT_RISK and "complete, 0 missing, 0 doubled, 0 failed" in done.stderr
    assert_equals_one_run(host, archive, folder / "audit")


# ---- Kubernetes


def container():
    (only,) = JOB["spec"]["template"]["spec"]["containers"]
    return only


def test_job_has_an_index_for_each_shard_and_writes_only_its_logs():
    spec, pod = JOB["spec"], JOB["spec"]["template"]["spec"]
    assert (JOB["apiVersion"], JOB["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    (shards,) = [each["value"] for each in container()["env"] if each["name"] == "SHARDS"]
    assert spec["completions"] == int(shards) == int(re.search(r"--plan (\d+)", RECIPES["kubernetes"])[1])
    assert f"job/{JOB['metadata']['name']}" in RECIPES["kubernetes"]
    mounts = {mount["mountPath"]: mount for mount in container()["volumeMounts"]}
    assert mounts["/archive"]["readOnly"] and not mounts["/audit"].get("readOnly")
    assert {mount["name"] for mount in mounts.values()} == {volume["name"] for volume in pod["volumes"]}
    assert pod["securityContext"]["runAsNonRoot"] and container()["securityContext"]["readOnlyRootFilesystem"]


def test_memory_of_the_container_is_above_that_of_the_workers():
    (jobs,), (most,) = (re.findall(rf"--{option} (\d+)", container()["command"][-1]) for option in ("jobs", "max-memory"))
    assert container()["resources"]["limits"]["memory"] == "3Gi" and int(jobs) * int(most) < 3 * 1024


def test_recipe_for_kubernetes(host, run, archive, folder):
    """The pods run one after the other, with the environment that Kubernetes gives to those of an Indexed Job."""
    (folder / "bin").mkdir()
    audit = folder / "audit"
    audit.mkdir()
    audit.chmod(0o777)
    node = folder / "node.py"
    node.write_text(f"""
import os, subprocess, sys, yaml
assert sys.argv[1:] == ["-f", "kubernetes-job.yaml"]
spec = yaml.safe_load(open(sys.argv[2]))["spec"]
container, = spec["template"]["spec"]["containers"]
command = [word.replace("/audit", {str(audit)!r}) for word in container["command"]]
for index in reversed(range(spec["completions"])):
    environment = {{each["name"]: each["value"] for each in container["env"]}} | {{"JOB_COMPLETION_INDEX": str(index)}}
    subprocess.run(command, env=os.environ | environment, cwd="/", check=True)
open({str(folder / "done")!r}, "w").close()
""")
    kubectl = folder / "bin/kubectl"
    kubectl.write_text(KUBECTL.format(node=node, job=JOB["metadata"]["name"], done=folder / "done"))
    kubectl.chmod(0o755)
    shutil.copy(ROOT / "cluster/kubernetes-job.yaml", folder)
    done = run("set -e\n" + recipe("kubernetes", archive=archive, audit=audit), path=[folder / "bin"])
    assert done.returncode == AT_RISK and "complete, 0 missing, 0 doubled, 0 failed" in done.stderr
    assert len(list((audit / "logs").iterdir())) == JOB["spec"]["completions"]
    assert_equals_one_run(host, archive, audit)


def test_image_has_what_the_job_runs():
    """The package, whose files test_packages.py knows, and nothing beside it."""
    lines = re.sub(r"\\\n\s*", "", (ROOT / "cluster/Containerfile").read_text()).splitlines()
    instructions = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert instructions == ["ARG", "FROM", "COPY", "RUN", "USER", "ENTRYPOINT"]
    assert "COPY siptls_*.deb /tmp/" in lines and any("install --yes --no-install-recommends /tmp/siptls_*.deb" in line for line in lines)
    assert "siptls-task" in container()["command"][-1].split() and "siptls-task" in SCRIPTS


# ---- siptls-task and siptls-merge


def test_finished_task_reads_nothing_again(run, archive, folder):
    run(recipe("by-hand", archive=archive))
    log = folder / "audit/logs/1-of-2.ndjson"
    before = log.stat().st_mtime_ns
    run("siptls-task audit 1/2", SIPTLS_SCAN="/no/such/program")
    assert log.stat().st_mtime_ns == before


def test_task_goes_on_from_the_longest_attempt_before(host, run, archive, folder):
    """Of attempts on several machines, one of which may still be writing: the files of none are doubled."""
    run(recipe("by-hand", archive=archive))
    logs = folder / "audit/logs"
    content = (logs / "1-of-2.ndjson").read_bytes()
    (logs / "1-of-2.ndjson").unlink()
    (logs / "1-of-2.elsewhere.7.part").write_bytes(content[:len(content) // 4])
    (logs / "1-of-2.elsewhere.8.part").write_bytes(content[:len(content) // 2])
    (logs / "1-of-2.elsewhere.9.part").write_bytes(b"")
    done = run("siptls-task audit 1/2; siptls-merge audit")
    assert "complete, 0 missing, 0 doubled" in done.stderr
    assert (logs / "1-of-2.ndjson").read_bytes().startswith(content[:len(content) // 2])
    assert sorted(path.name for path in logs.iterdir()) == ["1-of-2.ndjson", "2-of-2.ndjson"]
    assert_equals_one_run(host, archive, folder / "audit")


@pytest.mark.parametrize("end", ("exit 2", "exit 137", "kill -9 $$", ":"))
def test_log_without_its_end_gets_no_name(run, archive, folder, end):
    """Whatever way siptls-scan comes to its end, only a log with a complete run is whole."""
    (folder / "bin").mkdir()
    program = folder / "bin/cut"
    program.write_text(f'#!/bin/sh\nsiptls-scan "$@"\nwhile [ "$1" != --log ]; do shift; done\nsed -i "\\$d" "$2"\n{end}\n')
    program.chmod(0o755)
    run(f"siptls-scan --write-list list --plan 1 {archive}")
    assert run("siptls-task . 1/1", check=False, SIPTLS_SCAN=str(program)).returncode not in (ALL_DECIDED, AT_RISK, UNDECIDED)
    assert [path.suffix for path in (folder / "logs").iterdir()] == [".part"]
    assert run("siptls-merge .", check=False).returncode == NOT_READ
    run("siptls-task . 1/1")
    assert "complete" in run("siptls-merge .").stderr


def test_log_that_cannot_be_written_fails_the_task(run, archive, folder):
    run(f"siptls-scan --write-list list --plan 1 {archive}; mkdir logs; chmod 500 logs")
    try:
        assert run("siptls-task . 1/1", check=False).returncode == NOT_READ
        assert not list((folder / "logs").iterdir())
    finally:
        (folder / "logs").chmod(0o777)


def test_merge_gives_other_forms_of_the_report(host, run, archive, folder):
    run(recipe("by-hand", archive=archive))
    run("siptls-merge audit --format csv --by client")
    assert (folder / "audit/report").read_bytes() == scan(host, "--format", "csv", "--by", "client", archive).stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_tell_how_they_are_used(run, script):
    done = run(f"{script} --help")
    assert done.returncode == 0 and done.stdout.startswith(f"Usage: {script} ") and done.stderr == ""
    lines = done.stdout.splitlines()
    assert len(lines) <= 24 and max(map(len, lines)) <= 80


def test_scripts_are_clean():
    done = subprocess.run(["shellcheck", *(ROOT / "cluster" / name for name in SCRIPTS)], stdout=subprocess.PIPE, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command, message", (
    ("siptls-task", "wants a folder"), ("siptls-task . 1/2", "list: no such file"), ("siptls-merge", "wants a folder"),
    ("siptls-merge .", "no task has finished"), ("touch list; siptls-task . 1/2", "not made by"),
    (f"{LIST}; siptls-task . 2", "is not I/N"), (f"{LIST}; siptls-task . ../1", "is not I/N"),
    (f"{LIST}; siptls-task . 3/2", "not I/N with I from 1 to N"),
    (f"{LIST}; truncate -s 20 list; siptls-task . 1/2", "not whole"), (f"{LIST}; rm list; siptls-merge .", "no task has finished")))
def test_wrong_usage(run, command, message):
    done = run(command, check=False)
    assert done.returncode == NOT_READ and message in done.stderr
