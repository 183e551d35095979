# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive on a handful of hosts by GNU parallel and ssh: two of them on loopback, each with an sshd of its own."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess

import pytest

from conftest import CAPTURE_NAMES, ROOT
from recipes import RECIPES, recipe
from slurm_cluster import free_ports, wait_until
from test_archive import AT_RISK, NOT_READ, records_of, scan

NAMES = [name for name in CAPTURE_NAMES if not name.startswith("no-keys-")][:60]
SHARDS = 8
SSHD = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/key
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
MaxStartups 100
SetEnv PATH={path} SIPTLS_SCAN={scan} {sanitizer}
"""
SSH = """
Host {name}
    HostName 127.0.0.1
    Port {port}
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
"""
# sshd wants this folder when it is root's
WITH_RUN = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /run && mkdir /run/sshd && exec "$@"', "sh"]

# In place of siptls-scan: stops in the middle as long as there is a file that says so
FAILING = """#!/bin/sh
{scan} "$@"
status=$?
case "$*" in
*"--shard 3/8 "*) [ -e {folder}/ill ] || exit $status ;;
*) exit $status ;;
esac
while [ "$1" != --log ]; do shift; done
truncate -s $(($(wc -c <"$2") / 2)) "$2"
kill -9 $$
"""


class Hosts:
    """Hosts "one" and "two" that the current user logs into."""

    def __init__(self, folder, host):
        self.folder, self.daemons = folder, {}
        self.path = f"{folder}/bin:{os.environ['PATH']}:/usr/sbin"
        for program in ("siptls-task", "siptls-merge"):
            (folder / "bin").mkdir(exist_ok=True)
            shutil.copy(ROOT / "cluster" / program, folder / "bin")
        shutil.copy(host.scan, folder / "bin/siptls-scan")
        self.program = folder / "siptls-scan"
        self.program.write_text(FAILING.format(scan=folder / "bin/siptls-scan", folder=folder))
        self.program.chmod(0o755)
        variables = {name: value for name, value in host.environment(True).items() if name.endswith("SAN_OPTIONS")}
        self.sanitizer = " ".join(f"{name}={value}" for name, value in variables.items())
        self.environment = {"PATH": self.path, "HOME": str(folder), "LC_ALL": "C.UTF-8", "SIPTLS_SCAN": str(self.program),
                            "PARALLEL_SSH": f"ssh -F {folder}/ssh_config", "PARALLEL_HOME": str(folder / "parallel"),
                            "USER": pwd.getpwuid(os.getuid()).pw_name} | variables
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
        (folder / "parallel").mkdir()
        (folder / "parallel/will-cite").touch()

    def start(self, name):
        """An sshd that answers; a port that is taken meanwhile is given up."""
        for _ in range(5):
            (port,) = free_ports(1)
            configuration = self.folder / f"sshd-{name}"
            configuration.write_text(SSHD.format(port=port, folder=self.folder, path=self.path, scan=self.program,
                                                 sanitizer=self.sanitizer))
            with open(self.folder / "ssh_config", "a", encoding="utf-8") as file:
                file.write(SSH.format(name=name, port=port, folder=self.folder))
            as_root = WITH_RUN if os.geteuid() == 0 else []
            with open(self.folder / f"{name}.log", "ab") as log:
                daemon = subprocess.Popen([*as_root, "/usr/sbin/sshd", "-D", "-e", "-f", configuration],
                                          stdin=subprocess.DEVNULL, stderr=log)
            with contextlib.suppress(AssertionError):
                wait_until(f"sshd of {name}", lambda at=port: answers(at), [daemon])
                self.daemons[name] = daemon
                return
        raise AssertionError((self.folder / f"{name}.log").read_text())

    def end(self, name):
        self.daemons[name].terminate()
        self.daemons.pop(name).wait()

    def run(self, script, cwd, check=True):
        done = subprocess.run(["bash", "-c", script], cwd=cwd, env=self.environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="surrogateescape",
                              timeout=500, check=False)
        logs = "".join((self.folder / f"{name}.log").read_text() for name in ("one", "two"))
        assert not check or done.returncode in (0, AT_RISK), f"{done.returncode}\n{done.stdout}{done.stderr}{logs}"
        return done


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60) as there:
        return there.recv(4) == b"SSH-"
    return False


@pytest.fixture(name="hosts", scope="module")
def start_hosts(host):
    folder = host.base / "hosts"
    folder.mkdir()
    hosts = Hosts(folder, host)
    try:
        hosts.start("one")
        hosts.start("two")
        yield hosts
    finally:
        for name in list(hosts.daemons):
            hosts.end(name)


@pytest.fixture(name="archive", scope="module")
def make_archive(host):
    with host.archive(NAMES) as base:
        yield base


@pytest.fixture(name="folder")
def make_folder(host, hosts):
    folder = hosts.folder / "work"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def jobs(folder):
    """Shard, host, exit status of each line of the job log."""
    lines = [line.split("\t") for line in (folder / "audit/joblog").read_text().splitlines()[1:]]
    return [(int(line[0]), line[1], int(line[6]), int(line[7])) for line in lines]


def assert_equals_one_run(host, archive, folder):
    whole = host.work / "whole.ndjson"
    report = scan(host, "--log", whole, archive).out
    logs = sorted((folder / "audit/logs").iterdir())
    assert [log.suffix for log in logs] == [".ndjson"] * SHARDS
    assert records_of(host, *logs) == records_of(host, whole)
    assert (folder / "audit/report").read_text() == report
    whole.unlink()


def test_recipe_reads_the_archive_on_both_hosts(host, hosts, archive, folder):
    done = hosts.run(recipe("parallel", archive=archive), folder)
    assert done.returncode == AT_RISK and "complete, 0 missing, 0 doubled, 0 failed" in done.stderr
    assert sorted(shard for shard, *_ in jobs(folder)) == list(range(1, SHARDS + 1))
    assert {name for _, name, *_ in jobs(folder)} == {"one", "two"}
    assert_equals_one_run(host, archive, folder)


def test_task_that_fails_everywhere_is_missed_and_done_the_next_time(host, hosts, archive, folder):
    (hosts.folder / "ill").touch()
    done = hosts.run(recipe("parallel", archive=archive), folder, check=False)
    assert done.returncode == NOT_READ and "NOT COMPLETE" in done.stderr and ": has no record" in done.stderr
    assert {shard for shard, _, status, killed in jobs(folder) if status or killed} == {3}
    (hosts.folder / "ill").unlink()
    before = len(jobs(folder))
    (line,) = [line for line in RECIPES["parallel"].replace("\\\n", "").splitlines() if "parallel" in line]
    hosts.run(line, folder)
    assert [(shard, status) for shard, _, status, _ in jobs(folder)[before:]] == [(3, 0)]
    log = (folder / "audit/logs/3-of-8.ndjson").read_text()
    assert log.count('"type":"run"') == log.count('"complete":false') + 1 >= 3      # went on from the halves
    assert hosts.run("siptls-merge audit", folder).returncode == AT_RISK
    assert_equals_one_run(host, archive, folder)


def test_host_that_is_gone_leaves_its_work_to_the_other(host, hosts, archive, folder):
    hosts.end("two")
    done = hosts.run(recipe("parallel", archive=archive), folder)
    assert done.returncode == AT_RISK and {name for _, name, *_ in jobs(folder)} == {"one"}
    assert_equals_one_run(host, archive, folder)
