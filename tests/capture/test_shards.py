# SPDX-License-Identifier: GPL-2.0-or-later
"""One archive, many tasks: a list that all share, shards of it, and the proof that every file of the list was read once."""

import json
import os
import re
import shutil
import urllib.parse

import pytest

from conftest import CAPTURE_NAMES
from test_archive import ALL_DECIDED, AT_RISK, NOT_READ, ndjson, of_type, scan
from variants import Blocks

NAMES = [name for name in CAPTURE_NAMES if not name.startswith("no-keys-")][:30]
TEXTS = 3
SHARDS = 4
RING = 8


@pytest.fixture(name="archive", scope="module")
def make_archive(host):
    """Captures, the files of a ring buffer of which one is larger, and texts that are no captures."""
    base = host.work / "shared"
    (base / "deep/er").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        shutil.copy(host.capture(name), base / ("deep/er" if number % 2 else "deep"))
    for number in range(RING):
        shutil.copy(host.capture("openssl-tls12-not-asked.pcapng"), base / f"ring_{number:05}_20260309120{number}00.pcapng")
    for number in range(TEXTS):
        (base / f"{number}.txt").write_text("no capture\n")
    yield base
    shutil.rmtree(base)


@pytest.fixture(name="folder")
def make_folder(host):
    """Where lists and logs are."""
    folder = host.work / "tasks"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(name="listed")
def make_list(host, archive, folder):
    path = folder / "list"
    scan(host, "--write-list", path, archive, status=ALL_DECIDED)
    return path


def records(*logs):
    """What the logs tell of files and connections, in an order that does not depend on who read what."""
    lines = [line for log in logs for line in log.read_text().splitlines() if '"type":"run"' not in line]
    return sorted(lines)


def files_of(path):
    return sorted(str(each) for each in path.rglob("*") if each.is_file())


def run_shards(host, listed, folder, numbers=range(1, SHARDS + 1)):
    logs = {number: folder / f"{number}.ndjson" for number in numbers}
    for number, log in logs.items():
        scan(host, "--files-from", listed, "--shard", f"{number}/{SHARDS}", "--log", log, "--format", "none")
    return list(logs.values())


def entries(listed):
    head, *lines, end, nothing = listed.read_bytes().split(b"\0")
    assert head == b"siptls-files 1" and end == b"end %d" % len(lines) and nothing == b""
    return lines


# ---- the list and the plan


def test_list_has_every_file_with_size_and_time(archive, listed):
    told = [line.split(b" ", 3) for line in entries(listed)]
    assert [os.fsdecode(path) for *_, path in told] == files_of(archive)
    for kind, size, modified, path in told:
        state = os.stat(path)
        assert (kind, int(size), int(modified)) == (b"f", state.st_size, state.st_mtime_ns)


def test_what_is_named_stays_named(host, archive, folder):
    """A text that the user names is a file that cannot be read; one in a folder is passed over."""
    listed = folder / "named"
    scan(host, "--write-list", listed, archive / "0.txt", archive, status=ALL_DECIDED)
    assert [line[:1] for line in entries(listed)].count(b"n") == 1
    again = scan(host, "--files-from", listed, "--format", "none", status=NOT_READ).err
    assert again == scan(host, archive / "0.txt", archive, "--format", "none", status=NOT_READ).err
    assert again.count("0.txt") == 1 and "1.txt" not in again


def test_path_that_comes_again_is_one_file(host, archive, folder):
    path = archive / "deep" / NAMES[0]
    assert [line["file"] for line in of_type(ndjson(host, path, path), "file")] == [str(path)]
    scan(host, "--write-list", folder / "twice", archive, path, archive)
    assert len(entries(folder / "twice")) == len(files_of(archive))


def test_list_that_was_cut_short_is_refused(host, listed, folder):
    content = listed.read_bytes()
    for end in (len(content) - 1, len(content) // 2, len(b"siptls-files 1\0")):
        listed.write_bytes(content[:end])
        for words in (("--files-from", listed), ("--plan", "2", "--files-from", listed), ("--expect", listed, "x")):
            done = scan(host, *words, status=NOT_READ)
            assert "whole" in done.err and not done.out
        scan(host, "--files-from", listed, "--log", folder / "log", status=NOT_READ)
        assert not (folder / "log").exists()
    listed.write_bytes(content.replace(b"end ", b"end 1"))
    assert "not whole" in scan(host, "--files-from", listed, status=NOT_READ).err


def test_list_that_cannot_be_written_is_said(host, archive):
    assert "/no/such/list: No such file" in scan(host, "--write-list", "/no/such/list", archive, status=NOT_READ).err


def test_list_is_not_written_over_a_capture(host, archive):
    capture = archive / "deep" / NAMES[0]
    content = capture.read_bytes()
    assert "one of the files" in scan(host, "--write-list", capture, archive, status=NOT_READ).err
    assert capture.read_bytes() == content


def test_plan_tells_files_and_octets_of_each_shard(host, archive, listed):
    out = scan(host, "--plan", SHARDS, "--files-from", listed, status=ALL_DECIDED).out
    assert out == scan(host, "--plan", SHARDS, archive, status=ALL_DECIDED).out
    told = re.findall(r"^ +(\d+) +(\d+) +(\d+)$", out, re.MULTILINE)
    assert [int(number) for number, _, _ in told] == list(range(1, SHARDS + 1))
    for number, count, octets in told:
        part = of_type(ndjson(host, "--files-from", listed, "--shard", f"{number}/{SHARDS}"), "file")
        assert len(part) == int(count) and sum(line["size"] for line in part) == int(octets)
    assert sum(int(count) for _, count, _ in told) == len(files_of(archive))
    assert sum(int(octets) for *_, octets in told) == sum(os.stat(path).st_size for path in files_of(archive))


def test_shards_follow_from_the_list_and_not_from_what_came_since(host, archive, listed, folder):
    """Files that appear, grow or go after the list was made move nothing from one shard to another."""
    growing, going = archive / "deep" / NAMES[2], archive / "deep" / NAMES[4]
    kept, grown = going.read_bytes(), growing.read_bytes()
    before = [{line["file"] for line in of_type(ndjson(host, "--files-from", listed, "--shard", f"{i}/3"), "file")} for i in (1, 2, 3)]
    (archive / "new.pcapng").write_bytes(kept * 9)
    going.unlink()
    growing.write_bytes(grown * 9)
    after = [{line["file"] for line in of_type(ndjson(host, "--files-from", listed, "--shard", f"{i}/3"), "file")} for i in (1, 2, 3)]
    (archive / "new.pcapng").unlink()
    going.write_bytes(kept)
    growing.write_bytes(grown)
    assert before == after and sum(map(len, before)) == len(files_of(archive))


def test_shards_merged_are_one_run_record_for_record(host, archive, listed, folder):
    logs = run_shards(host, listed, folder)
    whole = folder / "whole.ndjson"
    report = scan(host, "--log", whole, archive).out
    assert records(*logs) == records(whole)
    assert scan(host, "--from-log", *logs).out == report
    assert len(of_type(map(json.loads, records(*logs)), "file")) == len(NAMES) + RING + TEXTS


def test_format_none_prints_nothing_and_its_status_says_the_same(host, archive, folder):
    done = scan(host, "--format", "none", "--log", folder / "log", archive)
    assert (done.out, done.err) == ("", "") and done.returncode == scan(host, archive).returncode == AT_RISK
    assert scan(host, "--from-log", folder / "log", "--format", "none").out == ""


# ---- the proof


def expect(host, listed, *logs, status):
    done = scan(host, "--from-log", *logs, "--expect", listed, "--format", "none", status=status)
    return [line.removeprefix("siptls-scan: --expect: ") for line in done.err.splitlines() if "--expect" in line]


def test_complete(host, listed, folder):
    files = len(entries(listed))
    assert expect(host, listed, *run_shards(host, listed, folder), status=AT_RISK) == [
        f"{files} files in the list: complete, 0 missing, 0 doubled, 0 failed, 0 outdated, 0 not in it"]


def test_scan_itself_is_proved(host, archive, listed, folder):
    last = scan(host, "--expect", listed, "--log", folder / "log", archive, status=AT_RISK).err.splitlines()[-1]
    assert "complete, 0 missing" in last
    last = scan(host, "--expect", listed, "--log", folder / "log", "--resume", archive, status=AT_RISK).err.splitlines()[-1]
    assert "complete, 0 missing" in last
    assert "missing" in scan(host, "--expect", listed, archive / "deep", status=NOT_READ).err


def test_task_that_did_not_run_is_missing_with_every_file(host, listed, folder):
    *logs, lost = run_shards(host, listed, folder)
    missing = {json.loads(line)["file"] for line in records(lost) if '"type":"file"' in line}
    *lines, last = expect(host, listed, *logs, status=NOT_READ)
    assert {line.removesuffix(": has no record") for line in lines} == missing and missing
    assert f"NOT COMPLETE, {len(missing)} missing, 0 doubled" in last


def test_file_record_that_is_lost_from_a_log_is_missed(host, listed, folder):
    """No file is too small to be missed, also one that is no capture."""
    *others, log = run_shards(host, listed, folder)
    content = log.read_text().splitlines(keepends=True)
    numbers = [number for number, line in enumerate(content) if '"type":"file"' in line]
    for number in numbers[:2] + numbers[-2:]:
        log.write_text("".join(content[:number] + content[number + 1:]))
        lines = expect(host, listed, *others, log, status=NOT_READ)
        assert lines[0] == f"{json.loads(content[number])['file']}: has no record" and len(lines) == 2


def test_task_that_ran_twice_is_doubled(host, listed, folder):
    logs = run_shards(host, listed, folder)
    twice = folder / "again.ndjson"
    shutil.copy(logs[0], twice)
    doubled = {json.loads(line)["file"] for line in records(twice) if '"type":"file"' in line}
    *lines, last = expect(host, listed, *logs, twice, status=NOT_READ)
    assert {line.removesuffix(": has several records") for line in lines} == doubled
    assert f"0 missing, {len(doubled)} doubled, 0 failed" in last


def test_file_that_was_not_read_has_failed(host, archive, listed, folder):
    broken = archive / "deep" / NAMES[0]
    content = broken.read_bytes()
    state = os.stat(broken)
    broken.write_bytes(content[:len(content) // 2] + b"\xff" * 40)
    gone = archive / "deep" / NAMES[2]
    os.rename(gone, folder / "aside")
    logs = run_shards(host, listed, folder)
    *lines, last = expect(host, listed, *logs, status=NOT_READ)
    assert sorted(lines) == sorted(f"{path}: was not read" for path in (broken, gone))
    assert "0 missing, 0 doubled, 2 failed" in last
    os.rename(folder / "aside", gone)
    broken.write_bytes(content)
    os.utime(broken, ns=(state.st_atime_ns, state.st_mtime_ns))
    for number, log in enumerate(logs, 1):   # what is repaired is read again, and the repair counts
        scan(host, "--files-from", listed, "--shard", f"{number}/{SHARDS}", "--log", log, "--resume", "--format", "none")
    assert "complete, 0 missing" in expect(host, listed, *logs, status=AT_RISK)[-1]


def test_record_of_an_earlier_state_is_outdated(host, archive, folder):
    log, listed = folder / "log", folder / "late"
    scan(host, "--log", log, archive)
    changed = archive / "deep" / NAMES[0]
    state = os.stat(changed)
    os.utime(changed, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    scan(host, "--write-list", listed, archive)
    lines = expect(host, listed, log, status=NOT_READ)
    assert lines[0] == f"{changed}: was read before it became what the list has" and "1 outdated" in lines[1]
    scan(host, "--log", log, "--resume", archive)
    assert "complete" in expect(host, listed, log, status=AT_RISK)[-1]


def test_record_of_another_archive_is_not_in_the_list(host, archive, listed, folder):
    logs = run_shards(host, listed, folder)
    scan(host, "--log", folder / "other", host.capture(NAMES[0]))
    assert expect(host, listed, *logs, folder / "other", status=NOT_READ)[0] == f"{host.capture(NAMES[0])}: is not in the list"


@pytest.mark.parametrize("words", (
    ("--plan", "0", "x"), ("--plan", "x", "x"), ("--plan", "2", "--from-log", "x"), ("--write-list", "l", "--from-log", "x"),
    ("--shard", "1/2", "--from-log", "x"), ("--expect", "l", "--shard", "1/2", "x"), ("--expect", "l", "--plan", "2", "x"),
    ("--expect", "/no/such/list", "--from-log", "x")))
def test_wrong_usage(host, words):
    done = scan(host, *words, status=NOT_READ)
    assert "siptls-scan: " in done.err and not done.out


# ---- names


ODD = [b"\xff", b"\xfe", b"\xff\xfe", b"%FF", "\ufffd".encode(), b"a b'\"\\", b"new\nline", b"\x1b[31m", b"\xc3\x28"]


@pytest.fixture(name="odd")
def make_odd(host):
    """The same capture under names that are no UTF-8, that look like one another, and that need care."""
    folder = host.work / "odd"
    folder.mkdir()
    for name in ODD:
        shutil.copy(host.capture("openssl-tls12-both-accepted.pcapng"), os.fsencode(folder) + b"/" + name + b".pcapng")
    yield folder
    shutil.rmtree(folder)


def path_of(record):
    """A reader's way from a record to the file."""
    return urllib.parse.unquote_to_bytes(record["file_octets"]) if "file_octets" in record else os.fsencode(record["file"])


def test_two_files_never_look_like_one(host, odd, folder):
    there = sorted(os.fsencode(odd) + b"/" + name + b".pcapng" for name in ODD)
    lines = ndjson(host, "--log", folder / "log", odd)
    for kind in ("file", "connection"):
        assert sorted(path_of(line) for line in of_type(lines, kind)) == there
    listed = folder / "list"
    scan(host, "--write-list", listed, odd)
    assert f"({len(ODD)} connections in {len(ODD)} files)" in scan(host, "--from-log", folder / "log").out
    assert "complete, 0 missing" in scan(host, "--from-log", folder / "log", "--expect", listed, status=AT_RISK).err
    size = os.path.getsize(folder / "log")
    scan(host, "--log", folder / "log", "--resume", odd)
    assert b'"type":"file"' not in (folder / "log").read_bytes()[size:]     # all are known again
    logs = run_shards(host, listed, folder)
    assert records(*logs) == records(folder / "log")
    assert expect(host, listed, *logs, status=AT_RISK)[-1].startswith(f"{len(ODD)} files in the list: complete")


def test_ring_buffer_without_utf8_is_followed_as_another_is(host, folder):
    """A handshake that goes on in the next file has one record, also when the report is made from the log."""
    capture = Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes())
    ring = folder / "ring"
    ring.mkdir()
    for number, packets in enumerate((capture.packets[:6], capture.packets[6:]), 1):
        with open(os.fsencode(ring) + b"/r\xff_%05d_2026030912000%d.pcapng" % (number, number), "wb") as file:
            file.write(capture.file(packets))
    report = scan(host, "--log", folder / "log", ring).out
    assert "(1 connection in " in report
    assert scan(host, "--from-log", folder / "log").out == report
