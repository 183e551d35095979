#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How fast siptls-scan is, beside tshark and beside programs that only read: all in one run, in turn.

    scan_speed.py BUILD [--runs 5] [--slow-runs 3] [--large] [--folder FOLDER] [--keep]

BUILD is the folder of the build (build/check). make_capture.py writes the captures: a mixed one of 1 GB, its SIP over
TLS alone, 2,000 short ones, with --large a mixed one of 10 GB. Prints medians, and the ratios that siptls-scan is
required to hold as medians over the rounds. Fails only when siptls-scan or tshark answers wrongly.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import make_capture
from measure import Host

CONNECTIONS, FILES, SAMPLE, LARGE = 3300, 2000, 50, 10
LARGE_OCTETS = 12 << 30
AUDITED = (0, 1, 3)             # siptls-scan's exit statuses when everything was read
REQUEST = "tls.handshake.type == 13"


class Programs:
    """siptls-scan, and tshark with the plugin and without it."""

    def __init__(self, build, folder):
        shutil.copytree(build / "plugins", folder / "plugins")
        shutil.copy(build / "siptls-scan", folder)
        (folder / "no-plugins").mkdir()
        self.scan = folder / "siptls-scan"
        self.plain, self.plugin = Host(folder, folder / "no-plugins"), Host(folder, folder / "plugins")
        assert self.plugin.loads_plugin(), "tshark does not load the plugin from there"
        assert not self.plain.loads_plugin(), "tshark loads a plugin that is installed"

    def run_scan(self, path, *options, jobs=1, output=False):
        return self.plain.run(self.scan, "--jobs", jobs, *options, path, statuses=AUDITED, output=output)

    def run_filter(self, path):
        """What people do without siptls."""
        return self.plain.run("tshark", "-r", path, "-Y", REQUEST)

    def run_json(self, path, output=False):
        return self.plugin.run("tshark", "-q", "-r", path, "-z", "siptls,json", output=output)

    def ways(self, path):
        """Label, function, whether it is slow."""
        return [("tshark -Y", lambda: self.run_filter(path), True),
                ("tshark -z siptls,json", lambda: self.run_json(path), True),
                ("siptls-scan --jobs 1", lambda: self.run_scan(path), False),
                ("cat", lambda: self.plain.run("cat", path), False),
                ("capinfos", lambda: self.plain.run("capinfos", path), False),
                ("tcpdump 'tcp port 5061'",
                 lambda: self.plain.run("tcpdump", "-r", path, "-w", "/dev/null", "tcp port 5061"), False)]


def written_by(write, *arguments):
    """Runs in a process of its own: what Linux tells of a program's peak begins with the size of what started it."""
    with multiprocessing.Pool(1) as pool:
        return pool.apply(write, arguments)


def verdicts(lines):
    records = map(json.loads, lines.splitlines())
    return Counter(tuple(record[word] for word in make_capture.VERDICT) for record in records
                   if record["type"] == "connection")


def check(label, expected, usage):
    found = verdicts(usage.output)
    assert found == expected, f"{label} finds {found}, not {expected}"
    print(f"answers  {label}: {found.total()} connections, {len(found)} kinds of verdicts, all as recorded", flush=True)


def in_turn(ways, runs, slow_runs):
    """By label, the usage of each run. Every second round goes backwards."""
    usages = defaultdict(list)
    for number in range(max(runs, slow_runs)):
        for label, run, is_slow in ways[::-1] if number % 2 else ways:
            if number < (slow_runs if is_slow else runs):
                usages[label].append(run())
    return usages


def median(usages, what):
    return statistics.median(getattr(usage, what) for usage in usages)


def print_table(title, usages):
    load = os.getloadavg()[0]
    print(f"\n{title:26} {'wall s':>8} {'CPU s':>8} {'peak MB':>8} {'runs':>5}   (load average {load:.1f})")
    for label, each in usages.items():
        print(f"{label:26} {median(each, 'wall'):8.2f} {median(each, 'cpu'):8.2f} {median(each, 'memory'):8.0f} "
              f"{len(each):5}", flush=True)


def print_ratio(what, above, below, required):
    """`above`, `below`: figures of the same rounds."""
    ratios = [a / b for a, b in zip(above, below)]
    print(f"ratio    {what}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), "
          f"required {required}", flush=True)


def figures(usages, what):
    return [getattr(usage, what) for usage in usages]


def print_peak(what, usages):
    print(f"memory   {what}: {max(figures(usages, 'memory')):.0f} MB, required < 400", flush=True)


def measure_file(programs, title, path, expected, options):
    check(f"siptls-scan, {title}", expected, programs.run_scan(path, "--format", "ndjson", output=True))
    check(f"tshark, {title}", expected, programs.run_json(path, output=True))
    usages = in_turn(programs.ways(path), options.runs, options.slow_runs)
    print_table(f"{title}, {path.stat().st_size / 1e9:.2f} GB", usages)
    scan = usages["siptls-scan --jobs 1"]
    print_ratio("CPU, tshark -Y over siptls-scan", figures(usages["tshark -Y"], "cpu"), figures(scan, "cpu"), ">= 30")
    tcpdump = usages["tcpdump 'tcp port 5061'"]
    print_ratio("wall, siptls-scan over tcpdump", figures(scan, "wall"), figures(tcpdump, "wall"), "<= 2.5")
    print_peak(f"siptls-scan, {title}", scan)


def measure_small(programs, folder, expected, options):
    files = sorted(folder.iterdir())
    sample = files[::len(files) // SAMPLE][:SAMPLE]
    check("siptls-scan, short files", expected, programs.run_scan(folder, "--format", "ndjson", jobs=2, output=True))
    scans, walls = [], []
    for _ in range(options.runs):
        scans.append(programs.run_scan(folder, jobs=2))
        walls.append(sum(programs.run_filter(path).wall for path in sample) * len(files) / len(sample))
    print_table(f"{len(files)} short files", {"siptls-scan --jobs 2": scans})
    print(f"{'tshark -Y, each file':26} {statistics.median(walls):8.2f}   (from {len(sample)} files)")
    print_ratio("wall, tshark once per file over siptls-scan", walls, figures(scans, "wall"), ">= 150")


def measure_large(programs, path, options):
    expected = written_by(make_capture.write_mixed, path, LARGE * CONNECTIONS)
    check("siptls-scan, large", expected, programs.run_scan(path, "--format", "ndjson", output=True))
    usages = in_turn([way for way in programs.ways(path) if not way[2]], options.slow_runs, 0)
    print_table(f"large, {path.stat().st_size / 1e9:.2f} GB", usages)
    print_peak("siptls-scan, large", usages["siptls-scan --jobs 1"])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--slow-runs", type=int, default=3, help="of what takes long (default 3)")
    parser.add_argument("--large", action="store_true", help="a capture ten times as large, too: for the memory")
    parser.add_argument("--folder", default=os.environ.get("TMPDIR", "/var/tmp"), help="where the captures are written")
    parser.add_argument("--keep", action="store_true", help="do not remove the captures")
    return parser.parse_args()


def main():
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="siptls-bench-", dir=options.folder))
    try:
        folder.chmod(0o755)
        programs = Programs(options.build.resolve(), folder)
        (folder / "short").mkdir()
        expected = {"mixed": written_by(make_capture.write_mixed, folder / "mixed.pcap", CONNECTIONS),
                    "SIP over TLS": written_by(make_capture.write_sip, folder / "sip.pcap", CONNECTIONS),
                    "short": written_by(make_capture.write_small, folder / "short", FILES)}
        measure_file(programs, "mixed", folder / "mixed.pcap", expected["mixed"], options)
        measure_file(programs, "SIP over TLS", folder / "sip.pcap", expected["SIP over TLS"], options)
        measure_small(programs, folder / "short", expected["short"], options)
        if options.large and shutil.disk_usage(folder).free < LARGE_OCTETS:
            print(f"\nlarge: left out, there is no room in {folder}")
        elif options.large:
            measure_large(programs, folder / "large.pcap", options)
    finally:
        if options.keep:
            print(f"\nkept: {folder}")
        else:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
