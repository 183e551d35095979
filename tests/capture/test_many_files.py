# SPDX-License-Identifier: GPL-2.0-or-later
"""Twenty thousand files: each is accounted for once, and no process grows with their number."""

import json
import os
import resource
import shutil
import subprocess

import pytest

from conftest import CAPTURE_NAMES

MANY, FEW = (2000, 200) if os.environ.get("SIPTLS_SANITIZE") else (20000, 2000)
NAMES = [name for name in CAPTURE_NAMES if not name.startswith("no-keys-")]


def peak_of(host, folder):
    """The most memory that siptls-scan or a worker of it held, in KiB, and the records."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:    # the resource usage of children is that of all there ever were: count in a process of its own
        os.close(read)
        with open(host.work / "many.ndjson", "wb") as out:
            subprocess.run([*host.unprivileged(), host.scan, "--format", "ndjson", folder], env=host.environment(True),
                           stdout=out, stderr=subprocess.DEVNULL, check=False)
        os.write(write, str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        peak = int(pipe.read())
    os.waitpid(pid, 0)
    with open(host.work / "many.ndjson", "rb") as lines:
        return peak, [json.loads(line) for line in lines if b'"type":"connection"' not in line]


def fill(host, folder, count):
    """Names of the same captures, in folders of a thousand."""
    for number in range(count):
        place = folder / f"{number // 1000}"
        place.mkdir(parents=True, exist_ok=True)
        os.link(host.capture(NAMES[number % len(NAMES)]), place / f"{number}.pcapng")


@pytest.fixture(name="folders", scope="module")
def make_folders(host):
    few, many = host.work / "few", host.work / "many"
    fill(host, few, FEW)
    fill(host, many, MANY)
    yield few, many
    shutil.rmtree(few)
    shutil.rmtree(many)


def test_memory_is_flat_and_every_file_is_there_once(host, folders):
    few, _ = peak_of(host, folders[0])
    many, lines = peak_of(host, folders[1])
    files = [line["file"] for line in lines if line["type"] == "file"]
    assert len(files) == len(set(files)) == MANY
    assert lines[-1]["type"] == "run" and lines[-1]["files"] == MANY and lines[-1]["unreadable"] == 0
    if not os.environ.get("SIPTLS_SANITIZE"):   # which keeps what was freed for a while
        assert many < 1.25 * few and many < 400 << 10
