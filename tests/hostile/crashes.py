#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""crashes.py - tshark over damaged captures: what it dies of with the plugin, it dies of without it, too.

Variants of the recorded captures (mutate.py) are read with -V, with -2 and with fields, with Wireshark's strict memory
allocator. What crashes is read again without the plugin: a crash of Wireshark's own is counted, one of ours is printed,
and so is a record that is no JSON. A plugin with sanitizers needs their library before anything else.

    crashes.py --plugins build/check/plugins [--ways editcap heads cuts] [--most 6] [--captures GLOB] [--seed 1] [--one]
    crashes.py --plugins build/sanitize/plugins --preload "$(gcc -print-file-name=libasan.so)" ...
"""

import argparse
import fnmatch
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mutate

READINGS = {"-V": ["-V"], "-2": ["-2", "-Y", "siptls", "-z", "siptls,json", "-z", "siptls,stat"],
            "fields": ["-T", "fields", "-e", "siptls.impact", "-e", "siptls.reason", "-e", "siptls.cert.subject",
                       "-e", "_ws.expert.message", "-o", "tcp.reassemble_out_of_order:TRUE"]}
REFUSALS = 0, 1, 2              # of tshark: what it says of files that it cannot read


class Tshark:
    """tshark of the system, with the plugins of a folder."""

    def __init__(self, folder, preload, plugins=None):
        (folder / "home").mkdir(parents=True)
        if plugins:
            shutil.copytree(plugins, folder / "plugins")
        else:
            (folder / "plugins").mkdir()
        self.environment = {**os.environ, "HOME": str(folder / "home"), "WIRESHARK_PLUGIN_DIR": str(folder / "plugins"),
                            # helpers that it asks for interfaces; androiddump hangs at times
                            "WIRESHARK_EXTCAP_DIR": str(folder / "home"),
                            "WIRESHARK_DEBUG_WMEM_OVERRIDE": "strict", "G_SLICE": "always-malloc"}
        if preload:             # Wireshark's own leaks are not of interest; a find is to be a signal
            self.environment |= {"LD_PRELOAD": preload, "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
                                 "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
        # Wireshark loads no plugins of a folder of root's choice
        self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []

    def run(self, *arguments):
        return subprocess.run([*self.user, "tshark", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=self.environment, timeout=120, check=False)

    def read(self, capture, reading):
        return self.run("-n", *reading, "-r", str(capture))

    def has_plugin(self):
        return b"siptls" in self.run("-G", "plugins").stdout


def readable(path):
    for each in [path, *path.rglob("*")]:
        each.chmod(0o755 if each.is_dir() else 0o644)


def is_record(line):
    try:
        return json.loads(line).get("type") in ("connection", "file")
    except ValueError:
        return False


def variants(arguments):
    for capture in fnmatch.filter(sorted(path.name for path in mutate.CAPTURES.glob("*.pcapng")), arguments.captures):
        octets = (mutate.CAPTURES / capture).read_bytes()
        for way in arguments.ways:
            for name, content in mutate.WAYS[way](octets, f"{arguments.seed} {capture}", arguments.most):
                yield f"{capture} {name}", content


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plugins", type=Path, required=True)
    parser.add_argument("--ways", nargs="+", choices=mutate.WAYS, default=["editcap", "heads", "cuts"])
    parser.add_argument("--captures", default="*", metavar="GLOB")
    parser.add_argument("--most", type=int, default=6, help="variants of a capture and way")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--one", action="store_true", help="reads each variant in one of the ways, in turn")
    parser.add_argument("--preload", metavar="LIBRARY", help="loaded before anything else")
    arguments = parser.parse_args()
    count = theirs = ours = records = 0
    turns = itertools.cycle(READINGS)
    with tempfile.TemporaryDirectory(prefix="siptls-crashes-") as base:
        folder = Path(base)
        with_plugin, without = [Tshark(folder / name, arguments.preload, plugins)
                                 for name, plugins in (("with", arguments.plugins), ("without", None))]
        readable(folder)
        for each in (folder / "with/home", folder / "without/home"):
            each.chmod(0o777)
        if not with_plugin.has_plugin() or without.has_plugin():
            sys.exit("crashes.py: the plugin is not loaded, or loaded where it should not be")
        capture = folder / "capture.pcapng"
        for what, content in variants(arguments):
            capture.write_bytes(content)
            capture.chmod(0o644)
            for reading in [next(turns)] if arguments.one else READINGS:
                options = READINGS[reading]
                count += 1
                done = with_plugin.read(capture, options)
                if done.returncode in REFUSALS:
                    lines = [line for line in done.stdout.splitlines() if line.startswith(b"{")]
                    records += len(lines)
                    for line in itertools.filterfalse(is_record, lines):
                        ours += 1
                        print(f"{what}, {reading}: no record: {line}", flush=True)
                    continue
                plain = [] if reading != "-V" else options   # what asks for the plugin by name is refused without it
                same = without.read(capture, plain or ["-V", "-2"]).returncode == done.returncode
                theirs, ours = theirs + same, ours + (not same)
                print(f"{what}, {reading}: exit status {done.returncode}, {'the same' if same else 'NOT'} without the "
                      f"plugin: {done.stderr[-400:].decode('utf-8', 'replace')}", flush=True)
    print(f"{count} readings, {records} records, {theirs} crashes of Wireshark's own, {ours} with the plugin only")
    sys.exit(1 if ours else 0)


if __name__ == "__main__":
    main()
