# SPDX-License-Identifier: GPL-2.0-or-later
"""Ring buffers: every capture divided behind each of its packets, as dumpcap goes on with the next file."""

import collections
import json

import pytest

from variants import CAPTURES, Blocks, frame

FIRST, SECOND, THIRD = "ring_00001_20260309120000.pcapng", "ring_00002_20260309120500.pcapng", "ring_00003_20260309121000.pcapng"
SAID = ("client_auth", "client_cert", "outcome", "server_data", "impact", "reason", "evidence", "history", "end", "client_leaf",
        "server_leaf", "caveats")


def records(host, *arguments):
    done = host.run(host.scan, "--format", "ndjson", *arguments, check=False, timeout=3000)    # thousands of files
    assert done.returncode in (0, 1, 3), done.err
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert lines[-1]["type"] == "run" and lines[-1]["complete"]
    return lines


def connections(lines):
    return [line for line in lines if line["type"] == "connection"]


def pair(record):
    return frozenset(((record["client_ip"], record["client_port"]), (record["server_ip"], record["server_port"])))


def divide(folder, capture, *ends):
    """The capture's packets in as many files as there are ends, and one more."""
    folder.mkdir(parents=True)
    for name, (begin, end) in zip((FIRST, SECOND, THIRD), zip((0, *ends), (*ends, len(capture.packets)))):
        (folder / name).write_bytes(capture.file(capture.packets[begin:end]))


@pytest.fixture(scope="module")
def divided(host):
    """By capture and number of packets in the first file: the records of both; and those of the whole captures."""
    base = host.work / "divided"
    for name in CAPTURES:
        capture = Blocks(host.capture(name).read_bytes())
        for end in range(1, len(capture.packets)):
            divide(base / name / str(end), capture, end)
    by_place = collections.defaultdict(list)
    for record in connections(records(host, base)):
        name, end, file = record["file"].removeprefix(f"{base}/").split("/")
        by_place[name, int(end)].append(record | {"file": file})
    whole = collections.defaultdict(list)
    for record in connections(records(host, host.captures)):
        whole[record["file"].split("/")[-1]].append(record)
    return by_place, whole


@pytest.mark.parametrize("name", CAPTURES)
def test_divided_capture_says_what_the_whole_one_says_or_less(host, divided, name):
    by_place, whole = divided
    ends = [end for capture, end in by_place if capture == name]
    assert ends
    for end in ends:
        told = by_place[name, end]
        for record in told:
            assert record["file"] in (FIRST, SECOND)
            same = [full for full in whole[name] if pair(full) == pair(record)]
            if record["impact"] == "unaffected":
                later = [each["impact"] for each in told if pair(each) == pair(record) and each is not record]
                assert "unaffected" in [full["impact"] for full in same] or set(later) - {"unaffected"}, end
        for full in whole[name]:
            if full["first_frame"] > end:
                continue
            begun = [record for record in told if pair(record) == pair(full) and record["file"] == FIRST and
                     record["start"] == full["start"]]
            assert len(begun) <= 1, end
            if not begun:   # nothing of TLS yet
                assert SECOND in {record["file"] for record in told if pair(record) == pair(full)}
            if not begun or "continued_in" not in begun[0]:
                continue
            [record] = begun
            assert record["continued_in"] == [str(host.work / "divided" / name / str(end) / SECOND)]
            assert not [other for other in told if pair(other) == pair(full) and other["file"] == SECOND and
                        other["start"] <= record["end"]]
            assert {key: record[key] for key in SAID} == {key: full[key] for key in SAID}, end
            assert record["last_frame"] == full["last_frame"] - end
            assert "frame.number" not in record["filter"]


@pytest.mark.parametrize("name", CAPTURES)
def test_handshake_that_goes_on_in_the_next_file_is_followed(divided, name):
    """Where the handshake was under way at the end of the first file, and the connection was not closed there."""
    by_place, whole = divided
    followed = 0
    for full in whole[name]:
        for end in range(full["first_frame"], full["verdict_frame"] or 0):
            for record in by_place[name, end]:
                if pair(record) == pair(full) and record["file"] == FIRST and record["start"] == full["start"]:
                    followed += "continued_in" in record
                    assert record["impact"] == full["impact"] or record["outcome"] != "incomplete", end
    assert followed or all(full["impact"] == "undetermined" or not full["verdict_frame"] for full in whole[name])


def test_three_files(host):
    """A handshake in three files; the connection has one record, which says in which."""
    folder = host.work / "three"
    capture = Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes())
    [full] = connections(records(host, host.capture("openssl-tls12-both-accepted.pcapng")))
    divide(folder, capture, 5, 7)
    [record] = connections(records(host, folder))
    assert record["continued_in"] == [str(folder / SECOND), str(folder / THIRD)]
    assert {key: record[key] for key in SAID} == {key: full[key] for key in SAID}
    alone = connections(records(host, "--no-series", folder))
    assert len(alone) > 1 and "unaffected" not in [each["impact"] for each in alone]
    assert all("continued_in" not in each for each in alone)


def test_time_in_front_of_the_number(host):
    """The names that dumpcap gives with -b nametimenum:2."""
    folder = host.work / "time-number"
    divide(folder, Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes()), 5, 7)
    made = []
    for name in (FIRST, SECOND, THIRD):
        series, number, time = name.removesuffix(".pcapng").split("_")
        made.append((folder / name).rename(folder / f"{series}_{time}_{number}.pcapng"))
    [record] = connections(records(host, folder))
    assert record["file"] == str(made[0]) and record["continued_in"] == [str(made[1]), str(made[2])]


def test_command_shows_the_packets_of_all_files(host):
    folder = host.work / "command"
    capture = Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes())
    divide(folder, capture, 5, 7)
    done = host.run(host.scan, folder, check=False)
    command = done.out.splitlines()[-1].strip()
    assert command.startswith("mergecap")
    # mergecap hangs at its end under a preloaded sanitizer
    shown = host.run("env", "-u", "LD_PRELOAD", "sh", "-c", command, plugin=False)
    assert len(shown.out.splitlines()) == len(capture.packets)


def test_order_of_the_names_given_does_not_matter(host):
    folder = host.work / "order"
    divide(folder, Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes()), 5, 7)
    forwards = connections(records(host, *(folder / name for name in (FIRST, SECOND, THIRD))))
    assert forwards == connections(records(host, *(folder / name for name in (THIRD, FIRST, SECOND)))) and len(forwards) == 1


def test_missing_file_of_a_series_is_not_bridged(host):
    folder = host.work / "missing"
    divide(folder, Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes()), 5, 7)
    (folder / SECOND).unlink()
    assert all("continued_in" not in record for record in connections(records(host, folder)))


def used_again(packet):
    """The same segment an hour later, the client's sequence numbers others."""
    sequence = 28 + 14 + 20 + (4 if frame(packet)[26:30] == bytes([192, 0, 2, 10]) else 8)
    number = (int.from_bytes(packet[sequence:sequence + 4], "big") + 123456789) % 2**32
    time = int.from_bytes(packet[12:16], "little") + 1
    return packet[:12] + time.to_bytes(4, "little") + packet[16:sequence] + number.to_bytes(4, "big") + packet[sequence + 4:]


def test_port_used_again_in_the_next_file_is_a_connection_of_its_own(host):
    """What follows with the same ports behind the first connection's end is another one."""
    folder = host.work / "again"
    capture = Blocks(host.capture("openssl-tls12-both-accepted.pcapng").read_bytes())
    divide(folder, capture, 5)
    with (folder / SECOND).open("ab") as file:
        file.write(b"".join(map(used_again, capture.packets)))
    told = connections(records(host, folder))
    assert [("continued_in" in record) for record in told] == [True, False]
    assert [record["impact"] for record in told] == ["at_risk", "at_risk"]


def test_connection_that_goes_on_belongs_to_the_endpoint_of_its_beginning(host):
    """Long connections are in many files; only the first of them has the server's name."""
    folder = host.work / "long"
    capture = Blocks(host.capture("openssl-tls12-not-asked.pcapng").read_bytes())
    divide(folder, capture, len(capture.packets) - 7, len(capture.packets) - 6)
    assert [record["sni"] for record in connections(records(host, folder))] == ["sbc.customer.example", None, None]
    done = host.run(host.scan, "-q", folder, check=False)
    assert done.returncode == 0 and "1 endpoint: 0 failing, 0 at risk, 0 undetermined, 0 tolerant, 1 unaffected" in done.out
    (folder / SECOND).unlink()
    assert "2 endpoints" in host.run(host.scan, "-q", folder, check=False).out


@pytest.mark.parametrize("ends", ((5, 12),      # the handshake was followed into the second file
                                  (14, 14)))    # the second has nothing of the connection
def test_server_name_is_known_beyond_the_next_file(host, ends):
    folder = host.work / f"beyond-{ends[0]}"
    divide(folder, Blocks(host.capture("openssl-tls12-not-asked.pcapng").read_bytes()), *ends)
    told = connections(records(host, folder))
    assert [(record["file"], record["impact"]) for record in told] == [
        (str(folder / FIRST), "unaffected"), (str(folder / THIRD), "undetermined")]
    done = host.run(host.scan, "-q", folder, check=False)
    assert done.returncode == 0 and "1 endpoint: 0 failing, 0 at risk, 0 undetermined, 0 tolerant, 1 unaffected" in done.out
