# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin loads, registers what it promises, and leaves the rest of Wireshark as it was."""

import functools
import re
import shutil
import subprocess
import sys

import pytest

from conftest import CAPTURE_NAMES
from test_outputs import EXPERTS, FIELDS
from variants import all_in_one, as_recorded, packets_of, recorded, stays_or_weakens, together

TYPES = {"stream": "FT_UINT32", "alert.code": "FT_UINT32", "cert.position": "FT_UINT32", "resumed": "FT_BOOLEAN",
         "inferred": "FT_BOOLEAN", "certificate_request": "FT_BOOLEAN", "revised": "FT_BOOLEAN",
         "certificate_request.frame": "FT_FRAMENUM", "resumed_from": "FT_FRAMENUM",
         "cert.not_before": "FT_ABSOLUTE_TIME", "cert.not_after": "FT_ABSOLUTE_TIME"}


def test_plugin_is_loaded(host):
    lines = [line for line in host.tshark("-G", "plugins").out.splitlines() if line.startswith("siptls.so")]
    assert len(lines) == 1 and "dissector" in lines[0]
    assert "siptls" not in host.tshark("-G", "plugins", plugin=False).out


def test_fields_of_the_contract(host):
    registered = {}
    for line in host.tshark("-G", "fields").out.splitlines():
        kind, name, abbreviation, type_, *_ = line.split("\t") + [""]
        if kind == "F" and abbreviation.startswith("siptls."):
            registered[abbreviation] = type_
    experts = {f"siptls.{name}" for name in EXPERTS}
    assert {name: TYPES.get(name, "FT_STRING") for name in FIELDS} == {
        name.removeprefix("siptls."): type_ for name, type_ in registered.items() if name not in experts}
    assert experts <= set(registered)


def test_preferences_of_the_contract(host):
    names = re.findall(r"^#?(siptls\.\w+):", host.tshark("-G", "currentprefs").out, re.MULTILINE)
    assert set(names) == {"siptls.ports", "siptls.any_port", "siptls.infer", "siptls.own_networks"}


AT_ONCE = 12


@functools.lru_cache(1)
def trees(host, first):
    """Capture -> the tree of each packet with the plugin and without: of some captures in one file."""
    names = CAPTURE_NAMES[first:first + AT_ONCE]
    path = host.file("whole.pcapng", together(host, as_recorded(host, names)))

    def of_capture(plugin):
        out = host.tshark("-n", "-r", path, "-T", "pdml", plugin=plugin).out
        packets = iter(out.split("<packet>")[1:])     # behind the time of writing
        return [[next(packets) for _ in packets_of(host, name)] for name in names]
    return dict(zip(names, zip(of_capture(True), of_capture(False))))


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_other_dissectors_are_left_alone(host, name):
    """Without our own items the whole tree, experts and frame.protocols included, is the same with the plugin."""
    with_plugin, without = trees(host, CAPTURE_NAMES.index(name) // AT_ONCE * AT_ONCE)[name]
    others = [re.sub(r'\n  <proto name="siptls".*?\n  </proto>', "", packet, flags=re.DOTALL) for packet in with_plugin]
    assert not any("siptls." in re.sub(r'value="[0-9a-f]*"', "", packet) for packet in others)
    assert others == without and without


@pytest.mark.parametrize("protocol", ["siptls", "tls", "tcp", "ip", "eth", "ber", "x509af", "x509ce", "sip"])
def test_a_protocol_that_is_disabled_makes_no_verdict_stronger(host, protocol):
    found = all_in_one(host, "--disable-protocol", protocol)
    if protocol in ("siptls", "tls", "tcp", "eth"):     # without them there is nothing to judge
        assert not any(found.values())
    for name, records in found.items():
        for record in records:
            assert stays_or_weakens(recorded(host, name), record), name


def offset_of(library, symbol):
    """Where in the file the value of a symbol is."""
    def table(option):
        return subprocess.run(["readelf", option, "-W", library], check=True, stdout=subprocess.PIPE, text=True).stdout
    line = next(line for line in table("-s").splitlines() if line.endswith(f" {symbol}"))
    _, value, _, _, _, _, section, _ = line.split()
    address, offset = re.search(rf"^ +\[ *{section}\] \S+ +\S+ +(\S+) (\S+)", table("-S"), re.MULTILINE).groups()
    return int(value, 16) - int(address, 16) + int(offset, 16)


def test_plugin_for_another_release_is_refused_by_name(host):
    """Built for the next minor release but one: Wireshark says for which, and works without."""
    folder = host.work / "other-release"
    shutil.copytree(host.base / "plugins", folder)
    (library,) = folder.rglob("siptls.so")
    content = bytearray(library.read_bytes())
    at = offset_of(library, "plugin_want_minor")
    minor = int.from_bytes(content[at:at + 4], sys.byteorder) + 2
    content[at:at + 4] = minor.to_bytes(4, sys.byteorder)
    library.write_bytes(content)
    done = host.run("env", f"WIRESHARK_PLUGIN_DIR={folder}", "tshark", "-G", "plugins")
    assert "siptls" not in done.out
    assert re.search(rf"siptls.*was compiled for Wireshark version \d+\.{minor}\b", done.err)
