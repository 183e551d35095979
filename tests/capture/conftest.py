# SPDX-License-Identifier: GPL-2.0-or-later
"""tshark with the plugin, over the recorded captures.

Wireshark ignores WIRESHARK_PLUGIN_DIR and the personal plugin folder for root, so a run as root
gives its privileges up first; captures and plugin are copied where anybody may read them.
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "captures"
NOBODY = 65534
CAPTURING = "+net_raw,+net_admin"


def load_expected():
    """The statements of captures/expected.ndjson, by file and connection."""
    lines = (CAPTURES / "expected.ndjson").read_text().splitlines()
    return [json.loads(line) for line in lines if line.strip()]


EXPECTED = load_expected()
CAPTURE_NAMES = sorted({statement["file"] for statement in EXPECTED})


@functools.cache
def address_sanitizer():
    """The library that gcc links, to be loaded before a program that is not built with it."""
    return subprocess.run(["gcc", "-print-file-name=libasan.so"], stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


class Host:
    """A place outside the source tree where an ordinary user runs Wireshark's programs."""

    def __init__(self, base: Path):
        self.base = base
        self.home = base / "home"
        self.captures = base / "captures"
        self.work = base / "work"
        self.recorder = CAPTURES
        for folder in (self.home, self.captures, self.work):
            folder.mkdir()
        base.chmod(0o755)
        self.home.chmod(0o777)
        self.work.chmod(0o777)
        shutil.copytree(os.environ["SIPTLS_PLUGINS"], base / "plugins")
        (base / "no-plugins").mkdir()
        for capture in CAPTURES.glob("*.pcapng"):
            shutil.copy(capture, self.captures)
        shutil.copytree(CAPTURES / "keys", base / "captures" / "keys")
        self.scan = base / "siptls-scan"
        shutil.copy(os.environ["SIPTLS_SCAN"], self.scan)
        if os.environ.get("SIPTLS_SANITIZE"):
            self.unpreload = shutil.copy(os.environ["SIPTLS_UNPRELOAD"], base)

    def capture(self, name: str) -> Path:
        return self.captures / name

    def environment(self, plugin: bool) -> dict:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            # Wireshark asks every helper there for its interfaces; androiddump hangs at times
            "WIRESHARK_EXTCAP_DIR": str(self.base / "no-plugins"),
            "WIRESHARK_PLUGIN_DIR": str(self.base / ("plugins" if plugin else "no-plugins")),
        }
        if "address" in os.environ.get("SIPTLS_SANITIZE", ""):
            environment["LD_PRELOAD"] = f"{address_sanitizer()} {self.unpreload}"
            # tshark itself leaks at exit; abort_on_error makes a finding a signal no test can miss
            environment["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1"
            environment["UBSAN_OPTIONS"] = "print_stacktrace=1:halt_on_error=1"
        return environment

    @staticmethod
    def unprivileged():
        """What a command begins with to be an ordinary user's."""
        if os.geteuid() != 0:
            return []
        return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    @staticmethod
    def own_network(*command):
        """The command in a network of its own, where loopback is all there is, and where who is no root may capture, too."""
        unshare = ["--net"] if os.geteuid() == 0 else ["--map-current-user", "--net", "--keep-caps"]
        return ["unshare", *unshare, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *map(str, command)]

    @classmethod
    def capturing(cls):
        """What a command begins with to be an ordinary user's who may capture in this network."""
        if os.geteuid() != 0:
            return []
        return [*cls.unprivileged(), "--inh-caps", CAPTURING, "--ambient-caps", CAPTURING]

    def run(self, program: str, *arguments, plugin=True, check=True, stdin=None, timeout=600, cwd=None):
        """Runs one of Wireshark's programs as an ordinary user; returns the finished process."""
        command = [*self.unprivileged(), str(program), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment(plugin), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=stdin if stdin is not None else subprocess.DEVNULL, timeout=timeout,
                              cwd=cwd or self.work, check=False)
        done.out = done.stdout.decode("utf-8", "surrogateescape")
        done.err = done.stderr.decode("utf-8", "surrogateescape")
        assert done.returncode >= 0, f"{program} died of signal {-done.returncode}:\n{done.err}"
        assert "ERROR: AddressSanitizer" not in done.err and "runtime error:" not in done.err, done.err
        if check:
            assert done.returncode == 0, f"{command}\n{done.err}"
        return done

    def tshark(self, *arguments, **options):
        return self.run("tshark", *arguments, **options)

    def records(self, capture, *arguments, **options):
        """The connection records of -z siptls,json; the file record is checked and left out."""
        done = self.tshark("-n", "-q", "-r", capture, "-z", "siptls,json", *arguments, **options)
        records = [json.loads(line) for line in done.out.splitlines()]
        assert [record["type"] for record in records].count("file") == 1
        assert records[-1]["type"] == "file"
        assert records[-1]["connections"] == len(records) - 1
        assert records[-1]["status"] == "ok"
        return records[:-1]

    @contextlib.contextmanager
    def archive(self, names):
        """A folder of captures, and of something else, as long as it is needed."""
        base = self.work / "archive"
        base.mkdir()
        for name in names:
            os.link(self.capture(name), base / name)
        (base / "README").write_text("no capture\n")
        try:
            yield base
        finally:
            shutil.rmtree(base)

    def file(self, name: str, content: bytes) -> Path:
        path = self.work / name
        path.write_bytes(content)
        path.chmod(0o644)
        return path


@pytest.fixture(scope="session")
def host():
    base = Path(tempfile.mkdtemp(prefix="siptls-test-"))
    try:
        yield Host(base)
    finally:
        shutil.rmtree(base, ignore_errors=True)
