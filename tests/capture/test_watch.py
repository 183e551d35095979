# SPDX-License-Identifier: GPL-2.0-or-later
"""siptls-scan --watch: what comes into a folder is read when it is complete, and what is new of an endpoint is told once."""

import contextlib
import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT
from test_series import FIRST, SECOND, THIRD, divide
from variants import Blocks
from watching import LONG, Watch, changes, put

ALL_DECIDED, AT_RISK, NOT_READ, UNDECIDED = 0, 1, 2, 3
NOT_ASKED, RENEWAL, ACCEPTED = ("openssl-tls12-not-asked.pcapng", "provider-renewal.pcapng",
                                "openssl-tls12-both-accepted.pcapng")     # all of them of one endpoint and one client
OF_RENEWAL = [("at_risk", None), ("failing", "at_risk")]


@pytest.fixture(name="folder")
def make_folder(host):
    base = host.work / "watched"
    folder = base / "ring"
    folder.mkdir(parents=True)
    base.chmod(0o777)
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(base)


def copy(host, name, folder, to=None):
    put(folder / (to or name), host.capture(name).read_bytes())


def log_of(folder):
    return folder.parent / "log.ndjson"


def going_on(folder):
    return "--log", log_of(folder), "--resume"


# ---- which files, when


def test_what_was_there_before_and_what_comes(host, folder):
    copy(host, NOT_ASKED, folder)
    with Watch(host, folder) as watch:
        assert watch.change()[:2] == (None, "unaffected")
        copy(host, RENEWAL, folder)
        assert [watch.change()[:2] for _ in range(2)] == [("unaffected", "at_risk"), ("at_risk", "failing")]
        status, rest = watch.end()
    assert status == AT_RISK
    assert [record["type"] for record in rest] == ["run"] and rest[0]["complete"] and rest[0]["files"] == 2


def test_change_says_what_is_known(host, folder):
    names = host.file("names.csv", b"198.51.100.20,Munich\n")
    copy(host, RENEWAL, folder)
    with Watch(host, folder, "--names", names, "--own", "198.51.100.0/24") as watch:
        watch.change()
        before, impact, record = watch.change()
    [_, expected] = [json.loads(line)["facts"] for line in (host.recorder / "expected.ndjson").read_text().splitlines()
                     if json.loads(line)["file"] == RENEWAL]
    assert list(record) == """type schema file server_ip server_port sni name before impact reason text advice client_ip start
        filter clients undecided_clients last_asked last_not_asked""".split()
    assert (before, impact) == ("at_risk", "failing") and record["file"] == str(folder / RENEWAL)
    assert {key: record[key] for key in ("server_ip", "server_port", "sni", "client_ip", "impact", "reason")} == {
        key: expected[key] for key in ("server_ip", "server_port", "sni", "client_ip", "impact", "reason")}
    assert record["name"] == "Munich" and record["clients"] == 1 and record["last_not_asked"] is None
    assert record["last_asked"] == record["start"]
    assert "turn off client certificate verification on 198.51.100.20:5061" in record["advice"]


def test_file_that_is_written_is_read_when_it_is_closed(host, folder):
    octets = host.capture(NOT_ASKED).read_bytes()
    with Watch(host, folder, "--format", "ndjson") as watch:
        watch.mark()
        with (folder / "writing.pcapng").open("wb") as file:
            file.write(octets[:1000])
            file.flush()
            assert watch.mark() == []
            file.write(octets[1000:])
        records = watch.mark()
    assert [record["type"] for record in records] == ["connection", "change", "file"]
    assert records[-1]["status"] == "ok" and changes(records) == [(None, "unaffected")]


def test_later_file_of_the_ring_buffer_completes_one_that_is_open(host, folder):
    octets = host.capture(NOT_ASKED).read_bytes()
    with Watch(host, folder) as watch, (folder / FIRST).open("wb") as first:
        first.write(octets)
        first.flush()
        with (folder / SECOND).open("wb"):
            assert watch.change()[:2] == (None, "unaffected")


def test_newest_of_a_ring_buffer_that_was_there_is_read_on_when_it_is_closed(host, folder):
    """It may be the one that is being written: half of a packet at its end is no damage yet."""
    octets = host.capture(RENEWAL).read_bytes()
    with (folder / FIRST).open("wb") as file:
        file.write(octets[:len(octets) // 2 + 1])
        file.flush()
        with Watch(host, folder) as watch:
            assert watch.change()[:2] == (None, "at_risk")
            file.write(octets[len(octets) // 2 + 1:])
            file.close()
            assert watch.change()[:2] == ("at_risk", "failing")
            status, rest = watch.end()
    assert status == AT_RISK and [record["type"] for record in rest] == ["run"]


def test_what_is_no_capture_is_passed_over(host, folder):
    with Watch(host, folder) as watch:
        put(folder / "notes.txt", b"nothing\n")
        copy(host, NOT_ASKED, folder)
        assert watch.change()[:2] == (None, "unaffected")
        status, [run] = watch.end()
    assert status == ALL_DECIDED and run["not_captures"] == 1 and run["unreadable"] == 0


def test_damaged_file_is_named(host, folder):
    with Watch(host, folder) as watch:
        put(folder / "cut.pcapng", host.capture(NOT_ASKED).read_bytes()[:-10])
        records = [watch.next(), watch.next()]
        status, _ = watch.end()
    assert changes(records) == [(None, "unaffected")]
    assert [(record["file"], record["status"]) for record in records if record["type"] == "file"] == [
        (str(folder / "cut.pcapng"), "cut_short")]
    assert status == NOT_READ


def test_removed_before_it_was_read_is_named_and_counted(host, folder):
    with Watch(host, folder, "--log", log_of(folder)) as watch:
        copy(host, NOT_ASKED, folder, "first")
        watch.change()
        watch.stop()
        copy(host, RENEWAL, folder, "lost.pcapng")
        (folder / "lost.pcapng").unlink()
        watch.goes_on()
        record = watch.next()
        status, [run] = watch.end()
    assert (record["type"], record["file"], record["status"]) == ("file", str(folder / "lost.pcapng"), "unreadable")
    assert record["error"] == "it was removed before it was read"
    assert status == NOT_READ and run["unreadable"] == 1
    assert any(json.loads(line) == record for line in log_of(folder).read_text().splitlines())


def test_renamed_before_it_was_read_is_not_lost(host, folder):
    with Watch(host, folder) as watch:
        watch.stop()
        copy(host, NOT_ASKED, folder, "part.tmp")
        (folder / "part.tmp").rename(folder / "whole.pcapng")
        watch.goes_on()
        assert watch.change()[2]["file"] == str(folder / "whole.pcapng")
        assert watch.end()[0] == ALL_DECIDED


def test_more_events_than_the_kernel_keeps(host, folder):
    """Those behind the bound are lost; the folder is listed anew."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with Watch(host, folder, "--format", "ndjson") as watch:
        watch.mark("a")
        watch.stop()
        one, other = folder / "a-1", folder / "b-1"
        for _ in range(most // 4 + 2):      # two events each way
            one.rename(other)
            other.rename(one)
        copy(host, NOT_ASKED, folder)
        watch.goes_on()
        assert changes(first_change(watch)) == [(None, "unaffected")]
        assert "more has happened than the kernel keeps" in watch.err()
        assert watch.end()[0] == ALL_DECIDED


def first_change(watch):
    """The records up to the first change."""
    records = []
    while not changes(records):
        records.append(watch.next())
    return records


def test_folders_within_are_said_not_to_be_followed(host, folder):
    (folder / "before").mkdir()
    copy(host, NOT_ASKED, folder / "before")
    with Watch(host, folder) as watch:
        copy(host, ACCEPTED, folder)
        assert watch.change()[:2] == (None, "at_risk")
        (folder / "later").mkdir()
        copy(host, RENEWAL, folder, "z.pcapng")
        watch.change()
        for name in ("before", "later"):
            assert f"{folder / name}: a folder within the one that is watched is not followed" in watch.err()


def test_own_log_and_output_are_not_read(host, folder):
    with Watch(host, folder, "--format", "ndjson", "--log", folder / "log") as watch:
        copy(host, NOT_ASKED, folder)
        records = watch.mark()
        assert str(folder / "log") not in [record["file"] for record in records]


def test_folder_that_goes_ends_it(host, folder):
    with Watch(host, folder) as watch:
        copy(host, NOT_ASKED, folder)
        watch.change()
        shutil.rmtree(folder)
        records = watch.rest()
        assert watch.process.wait(LONG) == NOT_READ
        assert records[-1]["type"] == "run" and "the folder itself was removed" in watch.err()
    folder.mkdir()


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_signal_ends_it(host, folder, number):
    with Watch(host, folder, "--format", "ndjson") as watch:
        watch.mark()
        status, [run] = watch.end(number)
    assert status == UNDECIDED and run["type"] == "run" and run["complete"]


# ---- ring buffers


def divided(host, name, *ends):
    """By name, the octets of the files of a ring buffer."""
    aside = host.work / "divided-for-watch"
    shutil.rmtree(aside, ignore_errors=True)
    divide(aside, Blocks(host.capture(name).read_bytes()), *ends)
    return {path.name: path.read_bytes() for path in sorted(aside.iterdir())}


def test_handshake_is_followed_into_the_next_file(host, folder):
    files = divided(host, ACCEPTED, 5, 7)
    with Watch(host, folder, "--format", "ndjson") as watch:
        for name in (FIRST, SECOND):
            put(folder / name, files[name])
            assert watch.mark() == []
        put(folder / THIRD, files[THIRD])
        records = watch.mark()
    [connection] = [record for record in records if record["type"] == "connection"]
    assert connection["continued_in"] == [str(folder / SECOND), str(folder / THIRD)]
    assert changes(records) == [(None, "at_risk")]
    assert [record["file"] for record in records if record["type"] == "file"] == [
        str(folder / name) for name in (FIRST, SECOND, THIRD)]


def test_what_had_ended_in_a_file_is_told_at_once(host, folder):
    files = divided(host, RENEWAL, 26)      # 19 packets are the first connection's
    with Watch(host, folder, "--format", "ndjson") as watch:
        put(folder / FIRST, files[FIRST])
        assert [(record["type"], record.get("impact")) for record in watch.mark()] == [("change", "at_risk")]
        put(folder / SECOND, files[SECOND])
        assert changes(watch.mark()) == [("at_risk", "failing")]
        status, rest = watch.end()
    assert status == AT_RISK and changes(rest) == []


@pytest.mark.parametrize("first_run_ends", (False, True))
def test_file_that_was_read_while_it_was_empty_belongs_to_the_endpoints_of_the_one_before(host, folder, first_run_ends):
    """The newest of a ring buffer when the watch begins; a connection whose handshake is over goes on in it."""
    files = divided(host, NOT_ASKED, 14, 14)
    header, whole = files[SECOND], files[THIRD]
    assert whole.startswith(header)
    put(folder / FIRST, files[FIRST])
    arguments = *going_on(folder), "--format", "ndjson"
    with (folder / SECOND).open("wb") as second, contextlib.ExitStack() as runs:
        second.write(header)
        second.flush()
        watch = runs.enter_context(Watch(host, folder, *arguments))
        assert changes(watch.mark()) == [(None, "unaffected")]
        if first_run_ends:
            watch.end()
            watch = runs.enter_context(Watch(host, folder, *arguments))
            watch.mark("~later")
        second.write(whole[len(header):])
        second.close()
        records = watch.mark("~last")
    [rest] = [record for record in records if record["type"] == "connection"]
    assert rest["file"] == str(folder / SECOND) and rest["reason"] == "handshake_not_captured"
    assert changes(records) == []


def test_held_file_that_is_removed_counts_for_what_it_told(host, folder):
    files = divided(host, ACCEPTED, 7)
    with Watch(host, folder, "--format", "ndjson") as watch:
        put(folder / FIRST, files[FIRST])
        assert watch.mark() == []
        (folder / FIRST).unlink()
        records = watch.mark()
    assert [record["status"] for record in records if record["type"] == "file"] == ["ok"]
    [(before, impact)] = changes(records)
    assert before is None and impact in ("undetermined", "at_risk")


def test_watch_tells_what_an_archive_tells(host, folder):
    """The same connections, however the files came."""
    with Watch(host, folder, "--format", "ndjson") as watch:
        for end in (5, 12, 18):
            for name, octets in divided(host, RENEWAL, end, end + 2).items():
                put(folder / f"{end}-{name}", octets)
        watched = [record for record in watch.mark() if record["type"] == "connection"]
    done = host.run(host.scan, "--format", "ndjson", folder, check=False)
    archived = [record for record in map(json.loads, done.out.splitlines()) if record["type"] == "connection"]

    def key(record):
        return record["file"], record["first_frame"]
    assert archived and sorted(watched, key=key) == sorted(archived, key=key)


# ---- going on


def test_another_run_tells_nothing_anew(host, folder):
    copy(host, RENEWAL, folder)
    with Watch(host, folder, *going_on(folder)) as watch:
        assert [watch.change()[:2] for _ in range(2)] == [(None, "at_risk"), ("at_risk", "failing")]
        watch.end()
    with Watch(host, folder, *going_on(folder), "--format", "ndjson") as watch:
        assert watch.mark() == []
        copy(host, NOT_ASKED, folder)       # of the same client, and earlier than what is known: no repair
        assert changes(watch.mark()) == []
        status, _ = watch.end()
    assert status == AT_RISK
    done = host.run(host.scan, "--quiet", "--from-log", log_of(folder), check=False)
    assert "3 of 3" in done.out and "left out" not in done.err


def test_file_that_was_held_is_gone_on_with(host, folder):
    files = divided(host, ACCEPTED, 7)
    put(folder / FIRST, files[FIRST])
    with Watch(host, folder, *going_on(folder), "--format", "ndjson") as watch:
        assert watch.mark() == []
        watch.kill()
    put(folder / SECOND, files[SECOND])
    with Watch(host, folder, *going_on(folder), "--format", "ndjson") as watch:
        records = watch.mark()
    assert changes(records) == [(None, "at_risk")]
    assert [record["continued_in"] for record in records if record["type"] == "connection"] == [[str(folder / SECOND)]]


class Gate:
    """Named pipes by which a command says that it has come, and waits to be let go on. Nobody waits to open them."""

    def __init__(self, folder):
        self.paths = folder / "come", folder / "go"
        self.come, self.go = map(self._make, self.paths)
        self.command = f"echo come > {self.paths[0]}; read word < {self.paths[1]}"

    @staticmethod
    def _make(path):
        os.mkfifo(path)
        path.chmod(0o666)
        return os.open(path, os.O_RDWR)

    def wait(self):
        ready, _, _ = select.select([self.come], [], [], LONG)
        assert ready, "no command has come"
        assert os.read(self.come, len(b"come\n")) == b"come\n"

    def open(self):
        os.write(self.go, b"go\n")

    def close(self):
        os.close(self.come)
        os.close(self.go)


def test_killed_in_the_middle_of_telling_tells_it_again(host, folder):
    """What was noted as told is not told again; what was not, is."""
    copy(host, RENEWAL, folder)
    with contextlib.closing(Gate(folder.parent)) as gate:
        with Watch(host, folder, *going_on(folder), "--on-change", gate.command) as watch:
            assert watch.change()[:2] == (None, "at_risk")
            gate.wait()
            gate.open()
            assert watch.change()[:2] == ("at_risk", "failing")
            gate.wait()
            watch.kill()
            gate.open()     # the command outlives it
        with Watch(host, folder, *going_on(folder), "--format", "ndjson") as watch:
            assert changes(watch.mark()) == [("at_risk", "failing")]
            watch.end()
        with Watch(host, folder, *going_on(folder), "--format", "ndjson") as watch:
            assert changes(watch.mark()) == []


def test_killed_before_it_has_told_anything_loses_nothing(host, folder):
    with Watch(host, folder, *going_on(folder)) as watch:
        watch.stop()
        copy(host, RENEWAL, folder)
        watch.kill()
        assert changes(watch.rest()) == []
    with Watch(host, folder, *going_on(folder)) as watch:
        assert [watch.change()[:2] for _ in range(2)] == [(None, "at_risk"), ("at_risk", "failing")]


# ---- commands


def with_name(octets, name):
    """The capture with another server name of the same length."""
    old = b"sbc.customer.example"
    assert len(name) == len(old) and old in octets
    return octets.replace(old, name)


def test_command_gets_the_change(host, folder):
    told = folder.parent / "told"
    copy(host, RENEWAL, folder)
    command = f'cat >> {told}; echo "$SIPTLS_SERVER|$SIPTLS_SNI|$SIPTLS_BEFORE|$SIPTLS_IMPACT|$SIPTLS_REASON|$SIPTLS_FILE" >> {told}'
    with Watch(host, folder, "--on-change", command) as watch:
        records = [watch.change()[2] for _ in range(2)]
        status, _ = watch.end()
    assert status == AT_RISK
    lines = told.read_text().splitlines()
    assert [json.loads(line) for line in lines[::2]] == records
    assert lines[1::2] == ["|".join(("198.51.100.20:5061", record["sni"], record["before"] or "", record["impact"],
                                     record["reason"], record["file"])) for record in records]


def test_what_a_capture_holds_is_no_part_of_the_command(host, folder):
    name = b"$(touch${IFS}owned);"
    put(folder / "evil.pcapng", with_name(host.capture(NOT_ASKED).read_bytes(), name))
    with Watch(host, folder, "--on-change", 'echo "<$SIPTLS_SNI>"; cat', cwd=folder.parent) as watch:
        assert watch.change()[2]["sni"] == name.decode()
        assert watch.end()[0] == ALL_DECIDED
        assert f"<{name.decode()}>" in watch.err()
    assert not list(folder.parent.glob("**/owned"))


def test_command_that_fails_is_named_and_run_again_by_the_next_run(host, folder):
    copy(host, NOT_ASKED, folder)
    with Watch(host, folder, *going_on(folder), "--on-change", "exit 7") as watch:
        watch.change()
        assert watch.end()[0] == NOT_READ
        assert "--on-change: ended with status 7" in watch.err()
    with Watch(host, folder, *going_on(folder), "--on-change", "true") as watch:
        assert watch.change()[:2] == (None, "unaffected")
        assert watch.end()[0] == ALL_DECIDED


def test_service_and_its_command_are_as_the_manual_shows_them(host, folder):
    text = (ROOT / "doc/recipes.md").read_text()
    words = shlex.split(re.search(r"^ExecStart=(.*)$", text, re.MULTILINE)[1])
    [script] = [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "logger" in block]
    told = folder.parent / "told"
    command = host.file("siptls-changed", script.replace("logger -t siptls", f"cat >> {told}").encode())
    command.chmod(0o755)
    places = {"/var/ring": folder, "/var/lib/siptls/watch.ndjson": log_of(folder), "/usr/local/bin/siptls-changed": command}
    assert words[:3] == ["/usr/bin/siptls-scan", "--watch", "/var/ring"] and set(places) < set(words)
    copy(host, RENEWAL, folder)
    with Watch(host, folder, *(places.get(word, word) for word in words[3:])) as watch:
        [watch.change() for _ in range(2)]
        assert watch.end()[0] == AT_RISK, watch.err()
    assert [line.split(": ")[0] for line in told.read_text().splitlines()] == [
        "198.51.100.20:5061 new -> at_risk", "198.51.100.20:5061 at_risk -> failing"]


@pytest.mark.parametrize("arguments, what", (
    (("--watch", "{}", "x.pcapng"), "no PATH"), (("--watch", "{}", "--from-log", "x"), "no PATH"),
    (("--watch", "{}", "--shard", "1/2"), "no PATH"), (("--watch", "{}", "--format", "csv"), "csv"),
    (("--watch", "{}", "--by", "client"), "--by client"), (("--on-change", "true", "x"), "needs --watch"),
    (("--watch", "{}/none"), "No such file"), (("--watch", "{}/file"), "Not a directory")))
def test_wrong_usage(host, folder, arguments, what):
    put(folder / "file", b"")
    done = host.run(host.scan, *(word.format(folder) for word in arguments), check=False)
    assert done.returncode == NOT_READ and what in done.err and done.out == ""


# ---- live


def test_real_ring_buffers(host):
    """dumpcap on a loopback of its own: live_watch.py."""
    command = host.own_network("/usr/bin/python3", "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider",
                               Path(__file__).with_name("live_watch.py"))
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and "skipped" not in done.stdout
