# SPDX-License-Identifier: GPL-2.0-or-later
"""siptls-scan over archives: which files are read, logs and resuming, selection, the ways of showing what was found."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess

import pytest

from conftest import CAPTURE_NAMES

ALL_DECIDED, AT_RISK, NOT_READ, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 130
NAMES = CAPTURE_NAMES[:40]


def scan(host, *arguments, status=None, **options):
    done = host.run(host.scan, *arguments, check=False, **options)
    assert status is None or done.returncode == status, done.out + done.err
    return done


def ndjson(host, *arguments, **options):
    return [json.loads(line) for line in scan(host, "--format", "ndjson", *arguments, **options).out.splitlines()]


def of_type(lines, kind):
    return [line for line in lines if line["type"] == kind]


def records_of(host, *logs):
    """Those that count in the logs: what was cut off in the middle of a file does not."""
    lines = scan(host, "--format", "ndjson", "--from-log", *logs).out.splitlines()
    return sorted(line for line in lines if '"type":"run"' not in line)


def logged(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture(name="archive", scope="module")
def make_archive(host):
    """A folder with captures in two levels."""
    base = host.work / "archive"
    for number, name in enumerate(NAMES):
        folder = base / f"{number % 3}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(host.capture(name), folder)
    return base


@pytest.fixture(name="log")
def make_log(host):
    path = host.work / "log.ndjson"
    yield path
    path.unlink(missing_ok=True)


# ---- which files


def test_every_file_has_one_record_and_the_run_one(host, archive):
    lines = ndjson(host, archive)
    assert sorted(line["file"] for line in of_type(lines, "file")) == sorted(str(path) for path in archive.rglob("*.pcapng"))
    assert [line["type"] for line in lines].count("run") == 1 and lines[-1]["type"] == "run"
    assert lines[-1]["files"] == len(NAMES) and lines[-1]["connections"] == len(of_type(lines, "connection"))
    for line in of_type(lines, "file"):
        assert line["connections"] == sum(each["file"] == line["file"] for each in of_type(lines, "connection"))
        assert line["size"] == os.stat(line["file"]).st_size and line["status"] == "ok"


def test_number_of_workers_changes_nothing(host, archive):
    assert ndjson(host, "--jobs", "1", archive) == ndjson(host, "--jobs", "5", archive)


def test_links_lead_to_no_file_twice(host, archive):
    folder = host.work / "links"
    shutil.copytree(archive, folder)
    (folder / "up").symlink_to(folder)                      # a loop
    (folder / "again").symlink_to(folder / "0")             # another way to the same folder
    (folder / "0" / "latest.pcapng").symlink_to(folder / "0" / NAMES[0])
    files = [line["file"] for line in of_type(ndjson(host, folder), "file")]
    assert len(files) == len(NAMES)
    assert not [file for file in files if "latest" in file or "/up/" in file]
    named = of_type(ndjson(host, folder / "0" / "latest.pcapng"), "file")
    assert [line["status"] for line in named] == ["ok"]


@pytest.mark.parametrize("separator", ("\n", "\0"))
def test_files_from(host, archive, separator):
    paths = sorted(str(path) for path in archive.rglob("*.pcapng"))[:5]
    listed = host.file("list", (separator.join(paths) + separator).encode())
    assert [line["file"] for line in of_type(ndjson(host, "--files-from", listed), "file")] == paths
    with listed.open("rb") as file:
        assert [line["file"] for line in of_type(ndjson(host, "--files-from", "-", stdin=file), "file")] == paths


def test_standard_input(host):
    with host.capture("provider-renewal.pcapng").open("rb") as file:
        done = scan(host, "-", stdin=file, status=AT_RISK)
    assert "rejected_without_client_auth_eku" in done.out


def test_shards_are_all_of_it_and_do_not_overlap(host, archive):
    parts = [[line["file"] for line in of_type(ndjson(host, "--shard", f"{i}/3", archive), "file")] for i in (1, 2, 3)]
    assert all(parts)
    assert sorted(sum(parts, [])) == sorted(str(path) for path in archive.rglob("*.pcapng"))


def test_series_stays_in_one_shard(host):
    folder = host.work / "sharded"
    folder.mkdir()
    for number in range(8):
        for base in "abcd":
            shutil.copy(host.capture("openssl-tls12-not-asked.pcapng"), folder / f"{base}_{number:05}_20260309120{number}00.pcapng")
    parts = [{line["file"] for line in of_type(ndjson(host, "--shard", f"{i}/4", folder), "file")} for i in (1, 2, 3, 4)]
    assert sum(map(len, parts)) == 32
    for base in "abcd":
        assert sorted(len([file for file in part if f"/{base}_" in file]) for part in parts) == [0, 0, 0, 8]


# ---- logs


def test_log_has_what_ndjson_prints(host, archive, log):
    printed = ndjson(host, "--log", log, archive)
    written = logged(log)
    assert [line["type"] for line in written if line["type"] == "run"] == ["run", "run"]
    assert [line["complete"] for line in of_type(written, "run")] == [False, True]
    by_file = sorted(written, key=lambda line: line["file"] or "")
    for kind in ("connection", "file"):
        assert of_type(by_file, kind) == sorted(of_type(printed, kind), key=lambda line: line["file"])


def test_report_from_logs_is_that_of_the_run(host, archive, log):
    report = scan(host, "--log", log, archive).out
    assert scan(host, "--from-log", log).out == report
    rows = scan(host, "--format", "csv", archive).out
    assert scan(host, "--format", "csv", "--from-log", log).out == rows


def test_logs_of_shards_merge(host, archive, log):
    report = scan(host, archive).out
    logs = [host.work / f"shard-{i}.ndjson" for i in (1, 2, 3)]
    for i, path in enumerate(logs, 1):
        scan(host, "--shard", f"{i}/3", "--log", path, archive)
    log.write_text("".join(path.read_text() for path in reversed(logs)))
    assert scan(host, "--from-log", log).out == report
    assert scan(host, "--from-log", *logs).out == report
    for path in logs:
        path.unlink()


def test_resume_reads_what_is_not_in_the_log(host, archive, log):
    whole = scan(host, "--log", log, archive).out
    lines = log.read_text().splitlines(keepends=True)
    assert scan(host, "--log", log, "--resume", archive).out == whole
    assert len(logged(log)) == len(lines) + 2               # two lines of the run and nothing else
    log.write_text("".join(lines[:len(lines) // 2]))
    assert scan(host, "--log", log, "--resume", archive).out == whole
    files = [line["file"] for line in of_type(logged(log), "file")]
    assert sorted(files) == sorted(set(files)) and len(files) == len(NAMES)


def test_half_a_line_and_records_without_their_file_count_for_nothing(host, archive, log):
    """What a kill in the middle of writing leaves, at every octet of the last records."""
    scan(host, "--log", log, archive)
    content = log.read_bytes()
    whole = scan(host, archive).out
    lines = content.splitlines(keepends=True)
    for end in (1, len(lines[0]) + 1, len(lines[0]) + len(lines[1]), len(content) // 2, len(content) - len(lines[-1]) - 1):
        log.write_bytes(content[:end])
        assert scan(host, "--log", log, "--resume", archive).out == whole
        kept = []
        for line in log.read_bytes().splitlines():
            try:
                kept.append(json.loads(line))
            except json.JSONDecodeError:
                assert content[:end].endswith(line)
        files = [line["file"] for line in of_type(kept, "file")]
        assert sorted(files) == sorted(set(files)) and len(files) == len(NAMES)


def test_changed_file_is_read_again(host, log):
    path = host.file("changing.pcapng", host.capture("openssl-tls12-not-asked.pcapng").read_bytes())
    assert scan(host, "--log", log, path).returncode == ALL_DECIDED
    host.file("changing.pcapng", host.capture("openssl-tls12-both-accepted.pcapng").read_bytes())
    done = scan(host, "--log", log, "--resume", path, status=AT_RISK)
    assert "1 connection in 1 file" in done.out
    assert scan(host, "--from-log", log).out == done.out    # the later account counts
    path.unlink()


def test_log_of_other_options_is_not_resumed(host, archive, log):
    scan(host, "--log", log, archive)
    done = scan(host, "--log", log, "--resume", "--any-port", archive, status=NOT_READ)
    assert "was written with other --ports" in done.err and not done.out


def test_same_name_on_another_machine_is_another_file(host, log):
    path = host.file("same.pcapng", host.capture("openssl-tls12-not-asked.pcapng").read_bytes())
    scan(host, "--log", log, path)
    lines = [line for line in log.read_text().splitlines() if '"type":"run"' not in line]
    elsewhere = [json.dumps(json.loads(line) | ({"host": "elsewhere", "size": 1} if '"type":"file"' in line else {}))
                 for line in lines]
    log.write_text("\n".join(lines + elsewhere) + "\n")
    assert "(2 connections in 2 files)" in scan(host, "--from-log", log).out
    log.write_text("\n".join(lines + lines) + "\n")
    assert "(1 connection in 1 file)" in scan(host, "--from-log", log).out
    path.unlink()


def test_what_is_no_log_is_said(host, log):
    log.write_text("no record\n")
    done = scan(host, "--from-log", log, status=UNDECIDED)
    assert "1 line was left out" in done.err and "no all-clear" in done.out
    assert "/no/such" in scan(host, "--from-log", "/no/such", status=NOT_READ).err


@pytest.mark.parametrize("option", ("--log", "--output"))
def test_capture_is_not_written_over(host, option):
    content = host.capture("openssl-tls12-not-asked.pcapng").read_bytes()
    path = host.file("precious.pcapng", content)
    link = host.work / "link"
    link.symlink_to(path)
    for name in (path, link):
        assert "one of the files to be read" in scan(host, option, name, path, status=NOT_READ).err
        assert path.read_bytes() == content
    link.unlink()


@pytest.mark.parametrize("words, message", (
    (("--log", "/dev/full", "x.pcapng"), "--log: /dev/full: No space left on device"),
    (("--log", "/no/such/log", "x.pcapng"), "--log: /no/such/log: No such file"),
    (("--output", "/no/such/out", "x.pcapng"), "--output: /no/such/out: No such file"),
    (("--output", "/dev/full", "x.pcapng"), "the output could not be written")))
def test_full_disk_and_wrong_places(host, words, message):
    host.file("x.pcapng", host.capture("openssl-tls12-not-asked.pcapng").read_bytes())
    assert message in scan(host, *words, status=NOT_READ).err


def test_output(host, archive):
    out = host.work / "out.txt"
    done = scan(host, "--output", out, archive)
    assert done.out == "" and out.read_text() == scan(host, archive).out
    out.unlink()


# ---- which connections


def test_client_selects_by_address(host):
    capture = host.capture("provider-renewal.pcapng")
    assert "(2 connections in 1 file)" in scan(host, "--client", "192.0.2.0/24", capture).out
    done = scan(host, "--client", "203.0.113.0/24", capture, status=UNDECIDED)
    assert "(0 connections in 1 file; 2 left out by --client, --since, --until)" in done.out and "no all-clear" in done.out


def test_since_and_until(host):
    capture = host.capture("provider-renewal.pcapng")
    day = json.loads(scan(host, "--format", "ndjson", capture).out.splitlines()[0])["start"][:10]
    for words, found in ((("--since", day), 2), (("--until", day), 2), (("--since", day, "--until", day), 2),
                         (("--since", "2099-01-01"), 0), (("--until", "2001-01-01"), 0),
                         (("--since", f"{day}T23:59:59Z"), 0), (("--until", f"{day}T00:00:00Z"), 0)):
        assert f"({found} connections in 1 file" in scan(host, *words, capture).out, words


# ---- ways of showing it


def test_names(host):
    names = host.file("names.csv", 'address,name\n198.51.100.20,"SBC ""Munich"""\n2001:DB8:2::20, Berlin\n'.encode())
    out = scan(host, "--quiet", "--names", names, host.captures).out
    assert '198.51.100.20:5061 (sbc.customer.example) SBC "Munich"' in out and "[2001:db8:2::20]:5061 (sbc.customer.example) Berlin" in out
    wrong = host.file("wrong.csv", b"192.0.2.1,a\nsomewhere\n")
    assert "wrong.csv: line 2 is not" in scan(host, "--names", wrong, host.captures, status=NOT_READ).err


def test_by_client(host):
    out = scan(host, "--by", "client", "--quiet", host.capture("provider-renewal.pcapng"), status=AT_RISK).out
    assert re.search(r"^failing +2 of 2 +1 +2 +1/1 +1 .* 192\.0\.2\.10$", out, re.MULTILINE)
    assert "SERVERS" in out and "198.51.100.20:5061 (sbc.customer.example), failing" in out


def test_csv(host, archive):
    rows = list(csv.DictReader(io.StringIO(scan(host, "--format", "csv", archive).out, newline="")))
    table = scan(host, "--quiet", archive).out
    assert len(rows) == int(re.search(r"^(\d+) endpoint", table, re.MULTILINE)[1])
    for row in rows:
        assert row["impact"] in ("failing", "at_risk", "undetermined", "tolerant", "unaffected")
        assert int(row["decided"]) <= int(row["connections"])
        assert row["command"].startswith("tshark -r ") and " frames " in row["evidence"]
    clients = list(csv.DictReader(io.StringIO(scan(host, "--format", "csv", "--by", "client", archive).out, newline="")))
    assert {row["client_ip"] for row in clients} >= {"192.0.2.10"}


def test_csv_begins_no_formula(host):
    names = host.file("formula.csv", b"198.51.100.20,=cmd|' /C calc'!A0\n")
    out = scan(host, "--format", "csv", "--names", names, host.capture("provider-renewal.pcapng")).out
    assert "\"'=cmd|' /C calc'!A0\"" in out


def test_path_that_needs_quotes(host):
    folder = host.work / "a b'c"
    folder.mkdir()
    shutil.copy(host.capture("provider-renewal.pcapng"), folder)
    command = scan(host, folder, status=AT_RISK).out.splitlines()[-1].strip()
    assert len(host.run("sh", "-c", command).out.splitlines()) == 16


def test_help_fits_a_screen(host):
    lines = scan(host, "--help", status=ALL_DECIDED).out.splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80


def test_version(host):
    assert re.fullmatch(r"siptls-scan \d+\.\d+\.\d+, libwireshark \d+\.\d+\.\d+\S*\n", scan(host, "--version", status=ALL_DECIDED).out)


@pytest.mark.parametrize("words", (
    ("--format", "xml", "x"), ("--by", "name", "x"), ("--shard", "0/3", "x"), ("--shard", "4/3", "x"), ("--shard", "2", "x"),
    ("--since", "yesterday", "x"), ("--until", "2026-13-01", "x"), ("--client", "here", "x"), ("--resume", "x"),
    ("--jobs", "0", "x"), ("--timeout", "-1", "x"), ("--from-log", "a", "--log", "b"), ("--names", "/no/such", "x")))
def test_wrong_usage(host, words):
    done = scan(host, *words, status=NOT_READ)
    assert "siptls-scan: " in done.err and not done.out


def on_terminal(host, *arguments):
    """What a run over captures writes to a terminal as its standard error."""
    terminal, end = os.openpty()
    command = [*host.unprivileged(), host.scan, *arguments, *map(host.capture, NAMES)]
    subprocess.run(list(map(str, command)), env=host.environment(True), cwd=host.work, stdout=subprocess.DEVNULL, stderr=end,
                   check=False)
    os.close(end)
    written = b""
    with contextlib.suppress(OSError):      # Linux: nobody else has it open
        while piece := os.read(terminal, 65536):
            written += piece
    os.close(terminal)
    return written.decode()


def test_progress_is_shown_on_a_terminal_and_leaves_nothing_there(host):
    written = on_terminal(host)
    first, *_, last = written.split("\r\x1b[K")[1:]
    assert re.fullmatch(rf"\d+ of {len(NAMES)} files, .+ of .+B, .+B/s, \d+ at risk or failing(, \d+ s left)?", first)
    assert last == ""
    assert on_terminal(host, "--quiet") == ""
    assert "files," not in host.run(host.scan, *map(host.capture, NAMES), check=False).err


def test_reader_that_has_seen_enough_ends_it_quietly(host, archive):
    done = subprocess.run([*host.unprivileged(), "sh", "-c", '"$0" --format ndjson "$1" | head -1', host.scan, archive],
                          env=host.environment(True), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 0 and done.stderr == b"" and done.stdout.count(b"\n") == 1
