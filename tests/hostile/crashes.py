#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""crashes.py - tshark over damaged captures: what it dies of with the plugin, it dies of without it, too.

Variants of the recorded captures (mutate.py) are read with -V, with -2 and with fields, with Wireshark's strict memory
allocator. What crashes or hangs is read again without the plugin: a crash of Wireshark's own is counted, one of ours is
printed, and so is a record that is no JSON. A plugin with sanitizers needs their library before anything else.

Each tshark starts once, with forked.c loaded, and forks where it opens its file: ten times the variants in the same time.

    crashes.py --plugins build/check/plugins [--ways editcap heads cuts] [--most 6] [--captures GLOB] [--seed 1]
    crashes.py --plugins build/sanitize/plugins --preload "$(gcc -print-file-name=libasan.so)" ...
"""

import argparse
import collections
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


Done = collections.namedtuple("Done", "status output errors")


class Tshark:
    """tshark of the system, with the plugins of a folder; a process for each way of reading, which forks for each
    capture."""

    def __init__(self, folder, preload, plugins=None):
        self.home = folder / "home"
        for each in (folder / "plugins", self.home, folder / "data"):
            each.mkdir(parents=True)
        if plugins:
            shutil.copytree(plugins, folder / "plugins", dirs_exist_ok=True)
        readable(folder)
        self.home.chmod(0o777)
        self.environment = {**os.environ, "HOME": str(self.home), "WIRESHARK_PLUGIN_DIR": str(folder / "plugins"),
                            "LD_PRELOAD": " ".join(map(str, preload)),
                            # helpers that it asks for interfaces; androiddump hangs at times
                            "WIRESHARK_EXTCAP_DIR": str(self.home),
                            # names of ports and manufacturers, which each child would read: 3/4 of its time
                            "WIRESHARK_DATA_DIR": str(folder / "data"),
                            # Wireshark's own leaks are not of interest; a find is to be a signal
                            "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
                            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
                            "WIRESHARK_DEBUG_WMEM_OVERRIDE": "strict", "G_SLICE": "always-malloc"}
        # Wireshark loads no plugins of a folder of root's choice
        self.user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        self.started = {}

    def start(self, *arguments):
        return subprocess.Popen([*self.user, "tshark", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.DEVNULL, env=self.environment, text=True)

    def has_plugin(self):
        with self.start("-G", "plugins") as process:
            return "siptls" in process.communicate()[0]

    def read(self, capture, options):
        process = self.started.get(tuple(options))
        if not process:
            process = self.started[tuple(options)] = self.start("-n", *options, "-r", str(capture))
        output, errors = self.home / "output", self.home / "errors"
        print(capture, output, errors, file=process.stdin, flush=True)
        return Done(os.waitstatus_to_exitcode(int(process.stdout.readline())), output.read_bytes(), errors.read_bytes())

    def end(self):
        for process in self.started.values():
            process.communicate()


def preloaded(folder, library):
    """What is loaded before tshark: the library, where one is given, and forked.c, compiled."""
    forked = folder / "forked.so"
    flags = subprocess.run(["pkg-config", "--cflags", "wireshark"], stdout=subprocess.PIPE, text=True, check=True).stdout
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", *flags.split(), Path(__file__).with_name("forked.c"),
                    "-o", forked], check=True)
    return [library, forked] if library else [forked]


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
    parser.add_argument("--preload", metavar="LIBRARY", help="loaded before anything else")
    arguments = parser.parse_args()
    count = read = theirs = ours = records = 0
    with tempfile.TemporaryDirectory(prefix="siptls-crashes-") as base:
        folder = Path(base)
        preload = preloaded(folder, arguments.preload)
        readable(folder)
        with_plugin, without = [Tshark(folder / name, preload, plugins)
                                for name, plugins in (("with", arguments.plugins), ("without", None))]
        if not with_plugin.has_plugin() or without.has_plugin():
            sys.exit("crashes.py: the plugin is not loaded, or loaded where it should not be")
        capture = folder / "capture.pcapng"
        for what, content in variants(arguments):
            capture.write_bytes(content)
            capture.chmod(0o644)
            for reading, options in READINGS.items():
                count += 1
                done = with_plugin.read(capture, options)
                if done.status in REFUSALS:
                    read += done.status == 0
                    lines = [line for line in done.output.splitlines() if line.startswith(b"{")]
                    records += len(lines)
                    for line in itertools.filterfalse(is_record, lines):
                        ours += 1
                        print(f"{what}, {reading}: no record: {line}", flush=True)
                    continue
                plain = [] if reading != "-V" else options   # what asks for the plugin by name is refused without it
                same = without.read(capture, plain or ["-V", "-2"]).status == done.status
                theirs, ours = theirs + same, ours + (not same)
                print(f"{what}, {reading}: exit status {done.status}, {'the same' if same else 'NOT'} without the "
                      f"plugin: {done.errors[-400:].decode('utf-8', 'replace')}", flush=True)
        with_plugin.end()
        without.end()
    print(f"{count} readings, {read} to the end of the file, {records} records, {theirs} crashes of Wireshark's own, "
          f"{ours} with the plugin only")
    sys.exit(1 if ours else 0)


if __name__ == "__main__":
    main()
