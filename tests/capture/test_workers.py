# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of a run when one of its processes crashes, hangs or grows, or when the run itself is ended.

The file that a worker is in the middle of is a named pipe to which nobody writes: it stays there until something happens.
"""

import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from test_archive import of_type
from variants import Blocks, frame

sys.path.insert(0, str(ROOT / "tests/hostile"))
import attacks  # noqa: E402

NOT_READ, INTERRUPTED = 2, 130
GOOD = "openssl-tls12-not-asked.pcapng", "provider-renewal.pcapng", "openssl-tls12-both-accepted.pcapng"


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def children(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    return []


def opens_pipe(pid):
    """A worker that waits for somebody to open the other end."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/wchan", encoding="ascii") as file:
            if "fifo" in file.read():
                return True
        with open(f"/proc/{pid}/syscall", encoding="ascii") as file:
            return file.read().split()[0] in ("257", "56")      # openat
    return False


class Run:
    """siptls-scan over a folder of captures and a named pipe, and over other captures behind these."""

    def __init__(self, host, *arguments, others=()):
        self.folder = host.work / "stuck"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.pipe = self.folder / "b-pipe"
        os.mkfifo(self.pipe)
        self.pipe.chmod(0o666)
        self.paths = [self.folder / f"a-{GOOD[0]}", self.pipe, self.folder / f"c-{GOOD[1]}", self.folder / f"d-{GOOD[2]}"]
        for path, name in zip((path for path in self.paths if path != self.pipe), GOOD):
            shutil.copy(host.capture(name), path)
        self.paths += others
        self.process = subprocess.Popen(
            [*host.unprivileged(), host.scan, "--format", "ndjson", *map(str, arguments), *self.paths],
            env=host.environment(True), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def stuck_worker(self):
        """The process that waits at the pipe."""
        found = []

        def look():
            found[:] = [pid for pid in children(self.process.pid) if opens_pipe(pid)]
            return found
        wait_until(look, "no worker waits at the pipe")
        return found[0]

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.fixture(name="begin")
def make_begin(host):
    runs = []

    def begin(*arguments, **options):
        runs.append(Run(host, *arguments, **options))
        return runs[-1]
    yield begin
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.process.pid, signal.SIGKILL)
        run.process.wait()
        run.process.stdout.close()
        run.process.stderr.close()
        shutil.rmtree(run.folder)


def statuses(lines):
    return [line["status"] for line in of_type(lines, "file")]


@pytest.mark.parametrize("jobs", (1, 3))
@pytest.mark.parametrize("number", (signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL))
def test_crash_costs_one_file(begin, jobs, number):
    run = begin("--jobs", jobs)
    os.kill(run.stuck_worker(), number)
    lines, err = run.end()
    assert run.process.returncode == NOT_READ
    assert [line["file"] for line in of_type(lines, "file")] == list(map(str, run.paths))
    assert statuses(lines) == ["ok", "crashed", "ok", "ok"]
    assert len(of_type(lines, "connection")) == 4
    assert f"{run.pipe}: Wireshark's dissectors crashed on it" in err


@pytest.mark.parametrize("jobs", (1, 3))
def test_hang_costs_one_file(begin, jobs):
    run = begin("--jobs", jobs, "--timeout", "1")
    lines, err = run.end()
    assert statuses(lines) == ["ok", "timeout", "ok", "ok"] and "took longer than 1 seconds (--timeout)" in err


def test_memory_costs_one_file(begin):
    run = begin("--max-memory", "1")
    lines, err = run.end()
    assert statuses(lines)[1] == "memory" and "took more than 1 MiB of memory (--max-memory)" in err
    assert len(statuses(lines)) == 4 and run.process.returncode == NOT_READ


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_interruption_reports_what_was_found(host, begin, number):
    log = host.work / "interrupted.ndjson"
    run = begin("--jobs", 2, "--log", log)
    run.stuck_worker()
    wait_until(lambda: log.exists() and log.read_text().count('"type":"file"') == 3, "the other files are not read")
    os.killpg(run.process.pid, number)      # as a terminal does
    lines, err = run.end()
    assert run.process.returncode == INTERRUPTED
    assert statuses(lines) == ["ok", "ok", "ok"] and lines[-1]["complete"] is False
    assert "interrupted: 1 of 4 files were not read" in err
    written = [json.loads(line) for line in log.read_text().splitlines()]
    assert statuses(written) == ["ok", "ok", "ok"]
    log.unlink()


def test_page_of_an_interrupted_run_says_so(host, begin):
    log = host.work / "interrupted.ndjson"
    run = begin("--jobs", 2, "--log", log, "--format", "html")
    run.stuck_worker()
    wait_until(lambda: log.exists() and log.read_text().count('"type":"file"') == 3, "the other files are not read")
    os.killpg(run.process.pid, signal.SIGINT)
    page, _ = run.process.communicate(timeout=60)
    assert b"The run was interrupted: 1 file not read." in page
    log.unlink()


def heavy(path):
    """A capture of few octets, and more than half of the records that may wait for the file in front of them."""
    names = b"".join(struct.pack(">H", 256) + bytes(256) for _ in range(100))       # no DER: they are told in hexadecimal
    asks = attacks.records(attacks.certificates(1) + attacks.request(names) + attacks.message(attacks.DONE, b""))
    attacks.write(path, (packets for number in range(700) for packets in attacks.server_flight(asks, number)))


def test_what_waits_for_a_file_is_bounded(host, begin):
    """Behind too many records no further file is read before them."""
    one, other, log = host.work / "heavy-1", host.work / "heavy-2", host.work / "waiting.ndjson"
    last = host.capture(GOOD[0])
    heavy(one)
    os.link(one, other)
    run = begin("--jobs", 2, "--log", log, others=(one, other, last))
    stuck = run.stuck_worker()
    wait_until(lambda: log.exists() and log.read_text().count('"type":"file"') == 5, "the heavy files are not read")
    os.kill(stuck, signal.SIGKILL)
    lines, _ = run.end()
    assert [line["file"] for line in of_type(lines, "file")] == list(map(str, run.paths))
    assert len(of_type(lines, "connection")) == 4 + 2 * 700 + 1
    read = [line["file"] for line in of_type(map(json.loads, log.read_text().splitlines()), "file")]
    assert read[-2:] == [str(run.pipe), str(last)]
    for path in (one, other, log):
        path.unlink()


def test_killed_run_leaves_no_process(begin):
    run = begin("--jobs", 3)
    run.stuck_worker()
    workers = children(run.process.pid)
    assert workers
    os.kill(run.process.pid, signal.SIGKILL)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in workers), "a worker outlives the run")


def test_kill_and_resume_lose_and_repeat_nothing(host, begin):
    """The log has what was finished; the next run reads the rest."""
    log = host.work / "killed.ndjson"
    run = begin("--jobs", 2, "--log", log)
    run.stuck_worker()
    wait_until(lambda: log.exists() and log.read_text().count('"type":"file"') == 3, "the other files are not read")
    os.kill(run.process.pid, signal.SIGKILL)
    run.process.wait()
    captures = [path for path in run.paths if path != run.pipe]
    done = host.run(host.scan, "--format", "ndjson", "--log", log, "--resume", *captures, check=False)
    written = [json.loads(line) for line in log.read_text().splitlines()]
    assert sorted(line["file"] for line in of_type(written, "file")) == sorted(map(str, captures))
    assert len(of_type([json.loads(line) for line in done.out.splitlines()], "connection")) == 4
    log.unlink()


def test_file_that_goes_away(host, begin):
    """Named, and gone when its turn comes."""
    run = begin("--jobs", 1)
    worker = run.stuck_worker()
    run.paths[3].unlink()
    os.kill(worker, signal.SIGKILL)
    lines, err = run.end()
    assert statuses(lines) == ["ok", "crashed", "ok", "unreadable"] and "no such file" in err


def test_empty_and_garbage_files(host):
    folder = host.work / "odd"
    folder.mkdir()
    for name, content in (("empty.pcap", b""), ("zeros.pcap", bytes(4096)), ("garbage.pcapng", bytes(range(256)) * 64),
                          ("head.pcapng", host.capture(GOOD[0]).read_bytes()[:20])):
        (folder / name).write_bytes(content)
    done = host.run(host.scan, "--format", "ndjson", *sorted(folder.iterdir()), check=False)
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert done.returncode == NOT_READ and len(of_type(lines, "file")) == 4 and not of_type(lines, "connection")
    for line in of_type(lines, "file"):
        if line["file"].endswith("empty.pcap"):     # a ring buffer's file that has just been begun
            assert (line["status"], line["packets"]) == ("ok", 0)
            continue
        assert line["status"] in ("not_a_capture", "cut_short", "unreadable") and line["error"], line
        assert line["file"] in done.err


def test_capture_cut_short_in_its_head_is_not_passed_over(host):
    """Wireshark takes some of these for files of other kinds; in a folder such are passed over."""
    whole = host.capture(GOOD[0]).read_bytes()
    packets = [frame(block) for block in Blocks(whole).packets]
    legacy = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1) + b"".join(
        struct.pack("<IIII", 1, 0, len(packet), len(packet)) + packet for packet in packets)
    heads = host.work / "heads"
    heads.mkdir()
    for name, content in (("pcapng", whole), ("pcap", legacy)):
        for length in range(4, 300):
            (heads / f"{length}.{name}").write_bytes(content[:length])
    done = host.run(host.scan, "--format", "ndjson", heads, check=False)
    lines = of_type([json.loads(line) for line in done.out.splitlines()], "file")
    assert len(lines) == 2 * 296 and done.returncode == NOT_READ
    whole_heads = [line for line in lines if line["status"] == "ok"]
    assert all(line["packets"] <= 3 and line["error"] is None for line in whole_heads) and len(whole_heads) < 20
    assert all(line["status"] == "cut_short" and line["error"] for line in lines if line not in whole_heads)
