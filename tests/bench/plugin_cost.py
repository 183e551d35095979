#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the plugin costs: CPU time of `tshark -q -z io,stat,0` with it and without it, in pairs, one after the other.

    plugin_cost.py FOLDER [CAPTURE] [PAIRS]

FOLDER holds the plugin as the build leaves it (build/check/plugins). Without CAPTURE, make_capture.py writes
100 MB; 11 pairs. Prints the median times and the median of the pairs' ratios.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Wireshark takes no plugin folder from root's environment: root gives its privileges up
UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []


def cpu_seconds(capture, plugins, home):
    environment = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8", "WIRESHARK_PLUGIN_DIR": str(plugins)}
    process = subprocess.Popen([*UNPRIVILEGED, "tshark", "-n", "-q", "-r", str(capture), "-z", "io,stat,0"], env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, "tshark failed"
    return usage.ru_utime + usage.ru_stime


def loads(plugins, home):
    environment = dict(os.environ, HOME=home, WIRESHARK_PLUGIN_DIR=str(plugins))
    listed = subprocess.run([*UNPRIVILEGED, "tshark", "-G", "plugins"], env=environment, stdout=subprocess.PIPE, check=True,
                            stderr=subprocess.DEVNULL).stdout
    return b"siptls.so" in listed


def main():
    built, pairs = Path(sys.argv[1]).resolve(), int(sys.argv[3]) if len(sys.argv) > 3 else 11
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        none = Path(folder) / "no-plugins"
        plugins = Path(folder) / "plugins"
        none.mkdir()
        shutil.copytree(built, plugins)
        assert loads(plugins, folder), "tshark does not load the plugin from there"
        assert not loads(none, folder), "tshark loads a plugin that is installed"
        capture = sys.argv[2] if len(sys.argv) > 2 else Path(folder) / "mixed.pcap"
        if len(sys.argv) <= 2:
            subprocess.run([sys.executable, HERE / "make_capture.py", capture], check=True)
        ways = {"without": none, "with": plugins}
        cpu_seconds(capture, none, folder)                              # fills the page cache
        times = {"without": [], "with": []}
        for pair in range(pairs):
            for way in (("without", "with"), ("with", "without"))[pair % 2]:
                times[way].append(cpu_seconds(capture, ways[way], folder))
    ratios = [a / b for a, b in zip(times["with"], times["without"])]
    for way, each in times.items():
        print(f"{way:8} {statistics.median(each):.3f} s CPU (median of {pairs})")
    print(f"ratio    {statistics.median(ratios):.3f} (median of {pairs} pairs, {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
