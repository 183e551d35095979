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

from measure import Host

HERE = Path(__file__).resolve().parent


def cpu_seconds(host, capture):
    return host.run("tshark", "-n", "-q", "-r", capture, "-z", "io,stat,0").cpu


def main():
    built, pairs = Path(sys.argv[1]).resolve(), int(sys.argv[3]) if len(sys.argv) > 3 else 11
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        none = Path(folder) / "no-plugins"
        plugins = Path(folder) / "plugins"
        none.mkdir()
        shutil.copytree(built, plugins)
        ways = {"without": Host(folder, none), "with": Host(folder, plugins)}
        assert ways["with"].loads_plugin(), "tshark does not load the plugin from there"
        assert not ways["without"].loads_plugin(), "tshark loads a plugin that is installed"
        capture = sys.argv[2] if len(sys.argv) > 2 else Path(folder) / "mixed.pcap"
        if len(sys.argv) <= 2:
            subprocess.run([sys.executable, HERE / "make_capture.py", capture], check=True)
        cpu_seconds(ways["without"], capture)                           # fills the page cache
        times = {"without": [], "with": []}
        for pair in range(pairs):
            for way in (("without", "with"), ("with", "without"))[pair % 2]:
                times[way].append(cpu_seconds(ways[way], capture))
    ratios = [a / b for a, b in zip(times["with"], times["without"])]
    for way, each in times.items():
        print(f"{way:8} {statistics.median(each):.3f} s CPU (median of {pairs})")
    print(f"ratio    {statistics.median(ratios):.3f} (median of {pairs} pairs, {min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
