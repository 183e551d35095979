# SPDX-License-Identifier: GPL-2.0-or-later
"""Damaged captures of servers that ask: nothing breaks, every file is accounted for, and none is "unaffected".

A sample that is the same each time of what tests/hostile/mutate.py does by the thousand.
"""

import json
import os
import sys

import pytest

from conftest import CAPTURES, ROOT

sys.path.insert(0, str(ROOT / "tests/hostile"))
import mutate  # noqa: E402

TLS12, RSA, NO_KEYS, KEYS = ("openssl-tls12-expired-refused", "kamailio-verify-yes-require-yes-tls12",
                             "openssl-tls13-no-keys-refused", "openssl-tls13-expired-refused")
SHARE = 8 if os.environ.get("SIPTLS_SANITIZE") else 1
SAMPLE = {"types": 700, "swallows": 0, "heads": 64, "flips": 64, "noise": 16, "cuts": 16}


def read(name):
    return (CAPTURES / f"{name}.pcapng").read_bytes()


def variants(name):
    for view, change in mutate.VIEWS.items():
        octets = change(read(name))
        for way, most in SAMPLE.items():
            for variant, content in mutate.WAYS[way](octets, name, most // SHARE):
                yield f"{view}-{variant}", content


def test_the_sample_asks():
    assert {f"{name}.pcapng" for name in (TLS12, RSA, NO_KEYS, KEYS)} <= set(mutate.asking())


@pytest.mark.parametrize("name", (TLS12, RSA, NO_KEYS, KEYS))
def test_no_damage_hides_a_request(host, name):
    folder = host.work / name
    folder.mkdir()
    names = []
    for variant, content in variants(name):
        (folder / variant).write_bytes(content)
        names.append(variant)
    done = host.run(host.scan, "--quiet", "--format", "ndjson", folder, check=False)
    lines = done.out.splitlines()
    assert list(mutate.wrong(lines, names)) == []
    read_files = [json.loads(line) for line in lines if '"type":"file"' in line]
    assert len(read_files) + sum(not is_capture(folder / variant) for variant in names) == len(names)
    assert sum(file["connections"] > 0 for file in read_files) > len(names) / 2


def is_capture(path):
    """What a folder is searched for: siptls-scan passes over what does not begin as a capture does."""
    return path.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


@pytest.mark.parametrize("arguments", (("-V",), ("-2",), ("-T", "fields", "-e", "siptls.impact", "-e", "siptls.reason")),
                         ids=" ".join)
def test_tshark_survives_with_memory_that_is_checked(host, arguments):
    for variant, content in mutate.noise(read(TLS12), "tshark", 4):
        path = host.file(variant, content)
        done = host.run("env", "WIRESHARK_DEBUG_WMEM_OVERRIDE=strict", "tshark", "-n", "-r", path, *arguments, check=False)
        assert done.returncode in (0, 2), done.err
        assert "unaffected" not in done.out
