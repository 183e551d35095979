# SPDX-License-Identifier: GPL-2.0-or-later
"""A siptls-scan --watch that runs, for tests: its lines as they come."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading

LONG = 120      # seconds: nothing here takes so long unless it is stuck


class Watch:
    """Ends with the `with` block at the latest."""

    def __init__(self, host, folder, *arguments, cwd=None):
        self.host, self.folder, self.marks = host, folder, 0
        self.errors = host.work / f"watch-{id(self)}.err"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*host.unprivileged(), host.scan, "--watch", folder, *map(str, arguments)], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, env=host.environment(True), cwd=cwd or host.work)
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.process.stdout.close()
        self.errors.unlink()

    def err(self):
        return self.errors.read_text(errors="surrogateescape")

    def next(self):
        """The next record; None at the end."""
        try:
            return self.lines.get(timeout=LONG)
        except queue.Empty:
            raise AssertionError(f"nothing came for {LONG} s:\n{self.err()}") from None

    def change(self):
        """The next change: (before, impact, the whole)."""
        record = self.next()
        assert record and record["type"] == "change", f"{record}\n{self.err()}"
        return record["before"], record["impact"], record

    def rest(self):
        """All records up to the end."""
        return list(iter(self.next, None))

    def mark(self, name="~mark"):
        """Puts a file that is no capture behind all others, in --format ndjson; returns the records up to its own."""
        self.marks += 1
        path = self.folder / f"{name}-{self.marks}"
        put(path, b"a mark\n")
        records = []
        while True:
            record = self.next()
            assert record, self.err()
            if record["type"] == "file" and record["file"] == str(path):
                return records
            records.append(record)

    def stop(self):
        """Stands still until goes_on()."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)

    def goes_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self.reader.join(LONG)

    def end(self, number=signal.SIGTERM):
        """Ends it; returns its exit status and the records that were left."""
        self.process.send_signal(number)
        status = self.process.wait(LONG)
        assert "AddressSanitizer" not in self.err() and "runtime error:" not in self.err(), self.err()
        return status, self.rest()


def put(path, octets):
    """A file that appears at once and whole."""
    aside = path.parent.parent / f"{path.name}.aside"
    aside.write_bytes(octets)
    aside.chmod(0o644)
    aside.rename(path)


def changes(records):
    return [(record["before"], record["impact"]) for record in records if record["type"] == "change"]
