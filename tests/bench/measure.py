# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs Wireshark's programs and ours as an ordinary user, and says what they took."""

import os
import subprocess
import time
from typing import NamedTuple

# Wireshark takes no plugin folder from root's environment: root gives its privileges up
UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []


class Usage(NamedTuple):
    wall: float         # seconds
    cpu: float          # seconds, user and system, of the process and all it waited for
    memory: float       # megabytes, of the largest of those processes
    output: bytes


class Host:
    """`home` is a folder for Wireshark to find nothing in; `plugins` the only ones it loads."""

    def __init__(self, home, plugins):
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8",
                            "WIRESHARK_PLUGIN_DIR": str(plugins)}

    def run(self, *command, statuses=(0,), output=False):
        """`statuses`: exit statuses that are no failure. Standard output is thrown away unless `output`."""
        start = time.monotonic()
        process = subprocess.Popen([*UNPRIVILEGED, *map(str, command)], env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE if output else subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        out = process.stdout.read() if output else b""
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in statuses, f"{command[0]} ended with {process.returncode}"
        return Usage(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, out)

    def loads_plugin(self):
        return b"siptls.so" in self.run("tshark", "-G", "plugins", output=True).output
