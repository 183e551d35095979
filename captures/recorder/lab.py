# SPDX-License-Identifier: GPL-2.0-or-later
"""A network of one's own, programs in it, and dumpcap on its loopback.

The recorder runs in a fresh network namespace, so ports are free, nothing leaves the machine, and
every process ends with it. Waiting is always for a condition (a port that listens, a line of a log,
a packet in the capture), bounded by TIMEOUT seconds.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

CLIENT, CLIENT2, SERVER, SERVER2 = "192.0.2.10", "192.0.2.11", "198.51.100.20", "198.51.100.21"
CLIENT6, SERVER6 = "2001:db8:1::10", "2001:db8:2::20"
TIMEOUT = 20
MARKER_PORT = 9
DEBIAN13 = Path(os.environ.get("SIPTLS_DEBIAN13", "/var/tmp/siptls-debian13"))
DEBIAN13_PACKAGES = "gcc,libc6-dev,libmbedtls-dev,openssl"
IN_NAMESPACE = "SIPTLS_RECORDER_NAMESPACE"


class RecordingError(Exception):
    """What was recorded is not what the scenario says."""


def make_debian13():
    """Debian 13 in a folder of its own, for what Debian 12 has not: OpenSSL 3.5, mbedTLS 3.6."""
    if not (DEBIAN13 / "usr/include/mbedtls/ssl.h").exists():
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={DEBIAN13_PACKAGES}", "trixie", DEBIAN13], check=True,
                       stdout=subprocess.DEVNULL)


def enter_namespace(needs_debian13):
    """Starts this program again in a network namespace with the addresses above; returns inside it."""
    if os.environ.get(IN_NAMESPACE) != "1":
        if needs_debian13:
            make_debian13()
        environment = dict(os.environ, **{IN_NAMESPACE: "1"})
        os.execvpe("unshare", ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable,
                               "-B", *sys.argv], environment)
    commands = ["link set lo up mtu 1500 gso_max_segs 1"]
    commands += [f"address add {address}/32 dev lo" for address in (CLIENT, CLIENT2, SERVER, SERVER2)]
    commands += [f"-6 address add {address}/128 dev lo nodad" for address in (CLIENT6, SERVER6)]
    # The source address a program gets without asking: the client's, whatever it connects to.
    commands += [f"route replace local {address} dev lo src {CLIENT} table local" for address in (SERVER, SERVER2)]
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)


def wait_until(condition, what):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > deadline:
            raise RecordingError(f"waited {TIMEOUT} s in vain for {what}")
        time.sleep(0.005)


def is_listening(port):
    """Whether a TCP socket of the namespace listens on the port (state 0A of /proc/net/tcp)."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                return True
    return False


def open_connections():
    """TCP connections of the namespace in which a side can still send: neither listening nor in TIME_WAIT."""
    return sum(line.split()[3] not in ("0A", "06", "07")
               for table in ("/proc/net/tcp", "/proc/net/tcp6")
               for line in Path(table).read_text().splitlines()[1:])


class Program:
    """A started program; its output goes to a file that wait_for() watches."""

    def __init__(self, argv, log: Path, **options):
        self.argv, self.log = [str(word) for word in argv], log
        with log.open("wb") as out:
            self.process = subprocess.Popen(self.argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.PIPE,
                                            start_new_session=True, **options)

    def output(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, text, count=1):
        def seen():
            if self.output().count(text) >= count:
                return True
            if self.process.poll() is not None and self.output().count(text) < count:
                raise RecordingError(f"{self.argv[0]} ended without saying {text!r}:\n{self.output()}")
            return False
        wait_until(seen, f"{text!r} from {self.argv[:2]}:\n{self.output()}")

    def write(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def close_input(self):
        self.process.stdin.close()

    def finish(self):
        """Waits for the program's own end; returns its exit status."""
        try:
            return self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise RecordingError(f"{self.argv} does not end:\n{self.output()}") from error

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        if self.process.stdin and not self.process.stdin.closed:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass


class Sniffer:
    """dumpcap on the loopback. Packets are known to be in the file once a marker sent behind them is."""

    def __init__(self):
        self.data = bytearray()
        self.process = subprocess.Popen(
            ["dumpcap", "-q", "-i", "lo", "-s", "0", "-f", f"tcp or udp port {MARKER_PORT}", "-w", "-"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self._pass_marker("begin")

    def _read(self):
        while chunk := self.process.stdout.read1(65536):
            self.data += chunk

    def _pass_marker(self, word):
        marker = f"siptls-recorder {word}".encode()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            def seen():
                if self.process.poll() is not None:
                    raise RecordingError(f"dumpcap: {self.process.stderr.read().decode()}")
                sender.sendto(marker, (CLIENT, MARKER_PORT))
                time.sleep(0.02)
                return marker in self.data
            wait_until(seen, "dumpcap")

    def stop(self, raw: Path):
        """Ends the capture behind everything sent so far and writes it."""
        self._pass_marker("end")
        self.process.send_signal(signal.SIGINT)
        self.process.wait(TIMEOUT)
        self.reader.join(TIMEOUT)
        raw.write_bytes(self.data)


class Lab:
    """One recording: its folder, its programs, its capture and its key log."""

    def __init__(self, folder: Path, pki, tools: Path):
        self.folder, self.pki, self.tools = folder, pki, tools
        folder.mkdir(parents=True)
        folder.chmod(0o777)
        self.keys = folder / "keys.log"
        self.keys.touch()
        self.keys.chmod(0o666)
        self.programs = []
        self.sniffer = Sniffer()

    def environment(self, preload=None, **more):
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "TZ": "UTC",
                       "SSLKEYLOGFILE": str(self.keys), **more}
        if preload:
            environment["LD_PRELOAD"] = str(self.tools / f"{preload}.so")
        return environment

    def start(self, *argv, preload=None, environment=None, **options):
        """Starts a program in the lab; it is ended with the lab at the latest."""
        log = self.folder / f"{len(self.programs)}-{Path(str(argv[0])).name}.log"
        program = Program(argv, log, cwd=self.folder,
                          env=self.environment(preload, **(environment or {})), **options)
        self.programs.append(program)
        return program

    def wait_listening(self, port):
        def ready():
            program = self.programs[-1]
            if program.process.poll() not in (None, 0):
                raise RecordingError(f"{program.argv} failed:\n{program.output()}")
            return is_listening(port)
        wait_until(ready, f"a listener on port {port}")

    def end(self):
        """Ends the programs still running, the last started first, then the capture; returns its file."""
        for program in reversed(self.programs):
            program.end()
        wait_until(lambda: open_connections() == 0, "the last connection to close")
        raw = self.folder / "raw.pcapng"
        self.sniffer.stop(raw)
        return raw

    def abandon(self):
        for program in reversed(self.programs):
            program.end()
        self.sniffer.process.kill()
        self.sniffer.process.wait()
