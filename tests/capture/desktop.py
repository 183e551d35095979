# SPDX-License-Identifier: GPL-2.0-or-later
"""A desktop without a screen, in which an ordinary user runs Wireshark with the plugin and the profile.

It has namespaces of its own for processes, mounts, users (for who is not root already) and the network, where only
loopback is: Wireshark may capture there, and whatever happens, it all ends with its first process.
"""

import json
import os
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

from conftest import NOBODY, ROOT

HERE = Path(__file__).resolve().parent
LIMIT = 180                                 # seconds, for any one thing to happen
PAUSE = 0.1                                 # before it is looked at again
CAPABILITIES = "-all,+net_raw,+net_admin"   # of whoever may capture
PROFILE = "SIP-TLS client auth"
SCREEN = "1600x1000x24"
# All windows but dialogs fill the screen.
OPENBOX = """<?xml version="1.0"?><openbox_config xmlns="http://openbox.org/3.4/rc"><applications>
<application type="normal"><maximized>yes</maximized></application></applications></openbox_config>"""
START = """
ip link set lo up
mkdir -p -m 1777 /tmp/.X11-unix
mount -t tmpfs -o mode=1777 tmpfs /tmp/.X11-unix
exec "$@" 3>&1 >&2
"""
# In the profile, not by "-o": Wireshark 4.0 compares every "-o" with each preference that a dialog changes, and reads
# beyond the end of the shorter one (cl_find_custom), which the sanitizer takes for what it is.
PREFERENCES = "gui.update.enabled: FALSE\ngui.ask_unsaved: FALSE\n"
AGAIN = re.compile("UnknownObject|UnknownInterface|cannot be chosen yet")
# What Wireshark says of the machine it is run on, and not of us.
OF_THE_HOST = re.compile(r"nl80211 not found\.|.*\[Capture MESSAGE\] -- .*|.*(QXcbConnection: XCB error|Qt AtSpiAdaptor): .*|"
                         r".*\[GUI WARNING\] -- Could not find accessible on path: .*|"
                         r".*\[GUI WARNING\] -- QThreadStorage: Thread 0x[0-9a-f]+ exited after QThreadStorage \d+ destroyed")


class Desktop:
    """Every command of gui_session.Session is a method here: desktop.rows("", "Packet list")."""

    def __init__(self, host, name, screen=SCREEN):
        self.host = host
        self.base = host.base / name
        self.home = self.base / "home"
        self.stderr = self.base / "wireshark.err"
        profiles = self.home / ".config/wireshark/profiles"
        for folder in (self.base / "run", profiles, self.home / ".config/openbox"):
            folder.mkdir(parents=True)
        (self.home / ".config/openbox/rc.xml").write_text(OPENBOX)
        shutil.copytree(ROOT / "profiles" / PROFILE, profiles / PROFILE)
        with (profiles / PROFILE / "preferences").open("a") as file:
            file.write("\n" + PREFERENCES)
        script = shutil.copy(HERE / "gui_session.py", self.base)
        if os.geteuid() == 0:
            for path in (self.base, *self.base.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        (self.base / "run").chmod(0o700)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.base / "run"),
                       "LC_ALL": "C.UTF-8", "TZ": "UTC",
                       "GSETTINGS_BACKEND": "memory", "QT_ACCESSIBILITY": "1", "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1"}
        self.process = subprocess.Popen(
            [*self.namespaces(), "sh", "-euc", START, "sh", *self.user(), "dbus-run-session", "--", "/usr/bin/python3",
             "-B", script, screen],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(self.base / "session.err").open("w"),
            cwd=self.base, text=True)
        assert self.answer() == "ready"

    @staticmethod
    def namespaces():
        own = ["unshare", "--mount", "--propagation", "private", "--net", "--pid", "--fork", "--kill-child"]
        return own if os.geteuid() == 0 else [*own, "--user", "--map-current-user", "--keep-caps"]

    @staticmethod
    def user():
        may_capture = ["setpriv", "--pdeathsig=KILL", f"--inh-caps={CAPABILITIES}", f"--ambient-caps={CAPABILITIES}"]
        if os.geteuid() != 0:
            return may_capture
        return [*may_capture, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    # ---- talking to it

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], LIMIT)
        line = self.process.stdout.readline() if ready else ""
        assert line, f"the desktop does not answer:\n{(self.base / 'session.err').read_text()}\n{self.complaints()}"
        answer = json.loads(line)
        if "error" in answer:
            raise LookupError(answer["error"])
        return answer["result"]

    def __getattr__(self, command):
        def ask(*arguments):
            """Once more when a window changed while it was looked through, and until a menu offers what is chosen:
            nothing has been done then."""
            end = time.monotonic() + LIMIT
            while True:
                self.process.stdin.write(json.dumps([command, *arguments]) + "\n")
                self.process.stdin.flush()
                try:
                    return self.answer()
                except LookupError as error:
                    if not AGAIN.search(str(error)) or time.monotonic() > end:
                        raise
                    time.sleep(PAUSE)
        return ask

    def until(self, condition, what=""):
        """Waits for what the condition returns to be true; what it looks for may not be there yet."""
        end = time.monotonic() + LIMIT
        while True:
            why = None
            try:
                result = condition()
            except LookupError as error:
                result, why = None, error
            if result:
                return result
            assert self.status() is None, f"Wireshark ended, {self.status()}:\n{self.complaints()}"
            assert time.monotonic() < end, f"waited in vain for {what or condition}: {why}"
            time.sleep(PAUSE)

    def soon(self, condition, seconds=2):
        """Whether that is true soon: for what is tried again when it is not."""
        end = time.monotonic() + seconds
        while not (result := condition()) and time.monotonic() < end:
            time.sleep(PAUSE)
        return result

    # ---- Wireshark in it

    def open(self, capture, *arguments):
        """Starts Wireshark, and waits for the capture to be loaded."""
        command = ["wireshark", "-C", PROFILE, "-r", str(capture), *arguments]
        environment = {**self.host.environment(plugin=True), "HOME": str(self.home)}
        self.start(command, environment, str(self.stderr))
        self.until(self.windows, "Wireshark to join the accessibility bus")
        self.until(lambda: self.is_loaded(capture), "the capture to be loaded")

    def is_loaded(self, capture):
        return Path(capture).name in self.windows()[0] and self.displayed()

    def status_line(self):
        return " ".join(text for text in self.texts("") if text.startswith("Packets: "))

    def details(self):
        return [line for line, in self.rows("", "Packet details")]

    def go_to(self, frame):
        """Selects a packet, and shows all that is in it."""
        if not self.details()[:1] or not self.details()[0].startswith(f"Frame {frame}:"):
            numbers = [row[0] for row in self.rows("", "Packet list")]
            self.select("", "Packet list", numbers.index(str(frame)))
            self.until(lambda: self.details()[0].startswith(f"Frame {frame}:"), f"frame {frame}")
        self.choose("View", "Expand All")
        return self.until(lambda: [line for line in self.details() if "clientAuth" in line] and self.details(),
                          "our tree to be expanded")

    def displayed(self):
        """How many packets the display filter lets through; later than 4.0, it is only told when there is one."""
        found = re.search(r"Displayed: (\d+)", self.status_line()) or re.search(r"Packets: (\d+)$", self.status_line())
        return int(found[1]) if found else None

    def complaints(self):
        lines = self.stderr.read_text(errors="replace").splitlines() if self.stderr.exists() else []
        return "\n".join(line for line in lines if not OF_THE_HOST.fullmatch(line))

    def quit(self):
        """Ends Wireshark as a user does; it must have had nothing to complain of."""
        self.choose("File", "Quit")
        end = time.monotonic() + LIMIT
        while self.status() is None:
            assert time.monotonic() < end, "Wireshark does not end"
            time.sleep(PAUSE)
        assert self.status() == 0 and not self.complaints(), f"Wireshark ended, {self.status()}:\n{self.complaints()}"

    def open_menu(self, *path):
        """Shows a menu, as some are filled only then."""
        for depth in range(1, len(path) + 1):
            self.choose(*path[:depth])
        self.until(lambda: self.entries(*path), f"the menu {path}")

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(LIMIT)
        finally:
            self.process.kill()            # and all that is in its namespace
        self.process.stdout.close()
