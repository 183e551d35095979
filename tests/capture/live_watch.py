# SPDX-License-Identifier: GPL-2.0-or-later
"""siptls-scan --watch behind a real dumpcap. Run by test_watch.py in a network of its own, not by ctest itself."""

import contextlib
import shutil
import signal
import socket
import subprocess

import pytest

from test_watch import AT_RISK, NOT_READ, going_on
from watching import LONG, Watch, changes

PORT, FILLER = 5061, 9
FEW, MANY = 8, 100      # packets in a file: a handshake has some twenty
END = b"the end of what is captured"


@pytest.fixture(name="base")
def make_base(host):
    base = host.work / "live-watch"
    (base / "ring").mkdir(parents=True)
    for folder in (base, base / "ring"):
        folder.chmod(0o777)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=sbc.customer.example", "-keyout", base / "key.pem", "-out", base / "cert.pem"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield base
    shutil.rmtree(base)


@contextlib.contextmanager
def ring_buffer(host, base, packets, *options):
    """dumpcap on lo that goes on with the next file every few packets."""
    process = subprocess.Popen(
        [*host.capturing(), "dumpcap", "-q", "-i", "lo", "-f", f"tcp port {PORT} or udp port {FILLER}", "-b",
         f"packets:{packets}", *options, "-w", base / "ring/sip.pcapng"], stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("File: "):
                break
        else:
            raise AssertionError(f"dumpcap does not capture: {said}")
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=LONG)


def handshake(base, *asking):
    """A call: openssl s_server, asking or not, and openssl s_client without a certificate."""
    server = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{PORT}", "-naccept", "1", "-cert", "cert.pem", "-key",
                               "key.pem", "-tls1_2", *asking], cwd=base, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    assert any(line.startswith("ACCEPT") for line in iter(server.stdout.readline, ""))
    subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{PORT}", "-servername", "sbc.customer.example"],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=LONG)
    server.communicate(timeout=LONG)


def fill(packets, octets=b"filler"):
    """What makes the ring buffer go on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(packets):
            sender.sendto(octets, ("127.0.0.1", FILLER))


def fill_to_the_end(dumpcap, base):
    """All that came before is in complete files then."""
    fill(2 * FEW, END)
    for line in dumpcap.stderr:
        if line.startswith("File: ") and any(END in file.read_bytes() for file in sorted((base / "ring").iterdir())[:-1]):
            return
    raise AssertionError("dumpcap has ended")


ASKING = "-Verify", "1", "-verify_return_error"


def test_each_change_is_told_once(host, base):
    """A server that does not ask, then asks, then not again; a run behind it has nothing new to tell."""
    with ring_buffer(host, base, FEW) as dumpcap, Watch(host, base / "ring", *going_on(base / "ring")) as watch:
        for asking, told in (((), (None, "unaffected")), (ASKING, ("unaffected", "failing")), ((), ("failing", "unaffected")),
                             (ASKING, ("unaffected", "failing"))):
            for _ in range(2):
                handshake(base, *asking)
            fill(2 * FEW)
            assert watch.change()[:2] == told
        fill_to_the_end(dumpcap, base)
        status, rest = watch.end()
        assert status in (AT_RISK, NOT_READ) and changes(rest) == [], watch.err()
    with Watch(host, base / "ring", *going_on(base / "ring"), "--format", "ndjson") as watch:
        assert changes(watch.mark()) == []
        assert watch.end()[0] == AT_RISK, watch.err()


def test_kill_loses_nothing(host, base):
    with ring_buffer(host, base, FEW):
        with Watch(host, base / "ring", *going_on(base / "ring")) as watch:
            handshake(base)
            fill(2 * FEW)
            assert watch.change()[:2] == (None, "unaffected")
            watch.kill()
        handshake(base, *ASKING)
        fill(2 * FEW)
        with Watch(host, base / "ring", *going_on(base / "ring")) as watch:
            known = watch.change()[:2]
            if known == (None, "unaffected"):       # killed between telling and noting it
                known = watch.change()[:2]
            assert known == ("unaffected", "failing")


def test_files_that_the_ring_removed_are_named(host, base):
    with ring_buffer(host, base, MANY, "-b", "files:3"), Watch(host, base / "ring") as watch:
        handshake(base)
        fill(MANY)
        assert watch.change()[:2] == (None, "unaffected")
        watch.stop()
        fill(12 * MANY)
        handshake(base, *ASKING)
        fill(MANY)
        watch.goes_on()
        lost = []
        while not changes(lost):
            lost.append(watch.next())
        files = [record["file"] for record in lost[:-1]]
        assert files and len(set(files)) == len(files)
        assert {record["error"] for record in lost[:-1]} == {"it was removed before it was read"}
        assert changes(lost) == [("unaffected", "failing")]
        status, rest = watch.end()
    assert status == NOT_READ and rest[-1]["unreadable"] >= len(files)
