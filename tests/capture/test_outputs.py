# SPDX-License-Identifier: GPL-2.0-or-later
"""The same result however tshark is asked, and in whatever order frames are visited."""

import functools
import json
import os
import random
import subprocess

import pytest

from conftest import CAPTURE_NAMES, EXPECTED
from variants import CAPTURES, all_in_one, as_recorded, number_of, packets_of, together

FIELDS = ("stream", "client", "server", "sni", "alpn", "version", "cipher", "client_auth", "client_cert", "outcome",
          "server_data", "evidence", "impact", "reason", "alert", "alert.from", "alert.code", "resumed", "inferred",
          "certificate_request", "revised", "certificate_request.frame", "resumed_from", "certificate_request.authority",
          "cert.side", "cert.position", "cert.subject", "cert.issuer", "cert.san", "cert.sha256", "cert.not_before",
          "cert.not_after", "cert.eku", "cert.client_auth_eku")
EXPERTS = ("certificate_request.seen", "cert.client_auth_present", "cert.client_auth_absent", "rejected", "undetermined",
           "concluded_from_lengths")
ALL_FIELDS = [word for name in FIELDS for word in ("-e", f"siptls.{name}")]
# one capture of each kind is enough where every way of asking multiplies
SAMPLE = ("provider-renewal.pcapng", "openssl-tls12-not-asked.pcapng", "openssl-tls13-server-only-refused.pcapng",
          "openssl-tls12-renegotiated-keys.pcapng", "openssl-tls12-resumed-ticket.pcapng",
          "openssl-tls13-post-handshake.pcapng", "openssl-tls12-interleaved.pcapng",
          "openssl-tls12-port-reused.pcapng", "openssl35-tls13-compressed.pcapng", "openssl-tls13-payload.pcapng")


def options_of(name):
    return next(statement for statement in EXPECTED if statement["file"] == name).get("options", ())


def fields(host, capture, *arguments):
    """The siptls fields of every frame that has some."""
    out = host.tshark("-n", "-r", capture, *arguments, "-T", "fields", "-e", "frame.number", *ALL_FIELDS, "-E",
                      "separator=|").out
    return [line for line in out.splitlines() if line.strip("|0123456789")]


# ---- every capture, in one file but for those with options of their own ---------------------------

@functools.cache
def whole(host):
    return host.file("whole.pcapng", together(host, as_recorded(host, CAPTURES)))


@functools.cache
def fields_of_all(host, *arguments):
    """Capture -> the siptls fields of every frame that has some."""
    of_frame = [name for name in CAPTURES for _ in packets_of(host, name)]
    found = {name: [] for name in CAPTURES}
    for line in fields(host, whole(host), *arguments):
        found[of_frame[int(line.partition("|")[0]) - 1]].append(line)
    return found


def fields_of(host, name, *arguments):
    if name in CAPTURES:
        return fields_of_all(host, *arguments)[name]
    return fields(host, host.capture(name), *options_of(name), *arguments)


def records_of(host, name, *arguments):
    if name in CAPTURES:
        return all_in_one(host, *arguments)[name]
    return host.records(host.capture(name), *options_of(name), *arguments)


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_one_pass_and_two(host, name):
    once = fields_of(host, name)
    assert once
    assert fields_of(host, name, "-2") == once
    assert records_of(host, name, "-2") == records_of(host, name)


def verdicts(host, capture, records, *arguments):
    """Frame -> what its fields say: of the frames with the verdict of one of the records."""
    frames = ",".join(str(record["verdict_frame"]) for record in records if record["verdict_frame"] is not None)
    if not frames:
        return {}
    out = host.tshark("-n", "-r", capture, *arguments, "-Y", f"frame.number in {{{frames}}}", "-T", "fields", "-e",
                      "frame.number", "-e", "siptls.impact", "-e", "siptls.reason", "-e", "siptls.client_auth", "-e",
                      "siptls.client_cert", "-e", "siptls.outcome", "-e", "siptls.stream").out
    return {int(frame): said for frame, *said in (line.split("\t") for line in out.splitlines())}


@functools.cache
def verdicts_of_all(host):
    return verdicts(host, whole(host), [record for records in all_in_one(host).values() for record in records])


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_fields_are_those_of_the_record(host, name):
    """The verdict fields on the verdict frame say what the connection's record says."""
    records = records_of(host, name)
    shown = (verdicts_of_all(host) if name in CAPTURES else
             verdicts(host, host.capture(name), records, *options_of(name)))
    assert records
    for record in records:
        if record["verdict_frame"] is None:
            assert record["impact"] == "undetermined"
            continue
        assert shown[record["verdict_frame"]] == [record["impact"], record["reason"], record["client_auth"],
                                                  record["client_cert"], record["outcome"], str(record["stream"])]


CLEARTEXT = [name for name in CAPTURE_NAMES if "tls13" not in name and "keys" not in name]


def lines_through_a_pipe(host, path, *arguments):
    with path.open("rb") as stdin:
        return host.tshark("-n", "-q", "-i", "-", "-z", "siptls,json", *arguments, stdin=stdin).out.splitlines()


def lines_of_file(host, path, *arguments):
    return host.tshark("-n", "-q", "-r", path, "-z", "siptls,json", *arguments).out.splitlines()


@functools.cache
def live_and_stored(host):
    """Twice capture -> lines."""
    names = [name for name in CLEARTEXT if name in CAPTURES]
    path = host.file("live.pcapng", together(host, as_recorded(host, names)))
    ways = lines_through_a_pipe(host, path), lines_of_file(host, path)
    found = [{name: [] for name in names} for _ in ways]
    for way, of_name in zip(ways, found):
        for line in way[:-1]:
            of_name[names[number_of(json.loads(line)["client_ip"]) - 1]].append(line)
    assert ways[0][-1] == ways[1][-1]      # as many packets
    return found


@pytest.mark.parametrize("name", CLEARTEXT)
def test_live_from_a_pipe(host, name):
    """What comes in live through a pipe is judged as the file is."""
    if name in CAPTURES:
        live, stored = (lines[name] for lines in live_and_stored(host))
    else:
        live, stored = (way(host, host.capture(name), *options_of(name)) for way in (lines_through_a_pipe, lines_of_file))
    assert live and live == stored


# ---- every way of asking -------------------------------------------------------------------------

@pytest.mark.parametrize("name", SAMPLE)
def test_records_whatever_else_is_printed(host, name):
    capture = host.capture(name)
    plain = host.tshark("-n", "-q", "-r", capture, "-z", "siptls,json").out
    assert plain
    for also in (("-V",), ("-T", "fields", "-e", "frame.number"), ("-T", "json"), ("-Y", "tcp"), ("-2", "-R", "tcp")):
        out = host.tshark("-n", "-r", capture, "-z", "siptls,json", *also).out
        assert out.endswith(plain), also


def json_fields(host, capture, *arguments):
    """Frame number -> field -> values, out of -T json."""
    out = host.tshark("-n", "-r", capture, *arguments, "-T", "json", "--no-duplicate-keys", "-J", "siptls frame").out
    found = {}

    def walk(node, into):
        for key, value in node.items():
            if isinstance(value, dict):
                walk(value, into)
            elif isinstance(value, list):
                for each in value:
                    walk(each, into) if isinstance(each, dict) else into.setdefault(key, []).append(each)
            elif key.startswith("siptls."):
                into.setdefault(key, []).append(value)

    for packet in json.loads(out):
        layers = packet["_source"]["layers"]
        if "siptls" in layers:
            into = found[int(layers["frame"]["frame.number"])] = {}
            walk({"siptls": layers["siptls"]}, into)
    return found


@pytest.mark.parametrize("name", SAMPLE)
def test_json_fields_text_and_column_agree(host, name):
    capture = host.capture(name)
    expected = {}
    for line in host.tshark("-n", "-r", capture, "-T", "fields", "-e", "frame.number", "-e",
                            "siptls.impact").out.splitlines():
        frame, _, impact = line.partition("\t")
        if impact:
            expected[frame] = impact
    assert expected
    in_json = {str(frame): values["siptls.impact"][0] for frame, values in json_fields(host, capture).items()
               if "siptls.impact" in values}
    assert in_json == expected
    verbose = host.tshark("-n", "-r", capture, "-V").out
    assert [line.split(": ", 1)[1].rstrip("]") for line in verbose.splitlines()
            if "Impact of losing the clientAuth EKU:" in line] == list(expected.values())
    column = host.tshark("-n", "-r", capture, "-o",
                         'gui.column.format:"No","%m","Impact","%Cus:siptls.impact:0:R"').out
    assert {line.split()[0]: line.split()[1] for line in column.splitlines() if len(line.split()) > 1} == expected
    for impact in set(expected.values()):
        filtered = host.tshark("-n", "-r", capture, "-Y", f'siptls.impact == "{impact}"', "-T", "fields", "-e",
                               "frame.number").out.split()
        assert filtered == [frame for frame, each in expected.items() if each == impact]


@pytest.mark.parametrize("name", SAMPLE)
def test_frames_in_any_order(host, name):
    """sharkd loads the file, then shows its frames backwards and at random: each as tshark shows it."""
    capture = host.capture(name)
    by_frame = {}
    for line in fields(host, capture):
        frame, _, rest = line.partition("|")
        by_frame[int(frame)] = rest
    count = int(host.tshark("-n", "-r", capture, "-T", "fields", "-e", "frame.number").out.split()[-1])
    order = list(range(count, 0, -1)) + random.Random(name).sample(range(1, count + 1), count)
    requests = [{"jsonrpc": "2.0", "id": 1, "method": "load", "params": {"file": str(capture)}}]
    requests += [{"jsonrpc": "2.0", "id": 1 + n, "method": "frame", "params": {"frame": frame, "proto": True}}
                 for n, frame in enumerate(order, 1)]
    script = host.file("sharkd.in", "".join(json.dumps(each) + "\n" for each in requests).encode())
    with script.open("rb") as stdin:
        answers = [json.loads(line) for line in host.run("sharkd", "-", stdin=stdin).out.splitlines() if line.strip()]
    shown = {order[answer["id"] - 2]: answer["result"]["tree"] for answer in answers if answer["id"] > 1}
    assert len(answers) == len(requests) and len(shown) == count

    def labels(nodes):
        for node in nodes:
            yield node
            yield from labels(node.get("n", []))
    for answer in answers[1:]:
        frame = order[answer["id"] - 2]
        impacts = [node["l"].split(": ", 1)[1] for node in labels(answer["result"]["tree"])
                   if node["l"].startswith("Impact of losing")]
        expected = by_frame.get(frame, "|" * len(FIELDS)).split("|")[FIELDS.index("impact")]
        assert impacts == ([expected] if expected else []), frame


def test_live_on_loopback(host):
    """tshark -i lo, in a network of its own, sees a real handshake and judges it."""
    script = host.file("live.py", f'''
import select, signal, socket, subprocess, sys
sys.path.insert(0, {str(host.recorder)!r})
from pathlib import Path
from recorder import lab, peers, pki
lab.enter_namespace(needs_debian13=False)     # is in one already: gives it its addresses
here = Path({str(host.work)!r}) / "live"
here.mkdir()
authority = pki.Pki(here / "pki")
tshark = subprocess.Popen([*{host.capturing()!r}, "tshark", "-n", "-l", "-i", "lo", "-f", "tcp", "-c", "1000000", "-T", "fields", "-e",
    "tcp.dstport", "-z", "siptls,json"], env={host.environment(True)!r}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
def knock(port):
    socket.socket().connect_ex(("127.0.0.1", port))
while not select.select([tshark.stdout], [], [], 0.2)[0]:
    knock(7)        # when tshark shows one, it captures
room = lab.Lab(here / "room", authority, here)
peers.pair(room, "1.2", "require", "server-only")
room.end()
knock(9)            # when tshark shows this, it has seen all that was before
assert any(line == b"9\\n" for line in tshark.stdout)
tshark.send_signal(signal.SIGINT)
sys.stdout.write(tshark.stdout.read().decode())
sys.stderr.write(tshark.stderr.read().decode())
'''.encode())
    done = subprocess.run(host.own_network("/usr/bin/python3", "-B", script), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=os.environ | {"SIPTLS_RECORDER_NAMESPACE": "1"}, check=False, timeout=300, text=True)
    records = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [(each["impact"], each["reason"]) for each in records if each["type"] == "connection"] == [
        ("failing", "rejected_without_client_auth_eku")], done.stdout + done.stderr
