# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the README marked to be run prints what the README shows."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"<!-- run -->\n```console\n\$ (.*?)\n(.*?)```", README, re.DOTALL)


def run(host, command):
    """./audit ends by running siptls-scan with its own arguments; what it sets up is in place here."""
    program, *arguments = shlex.split(command)
    return host.run(host.scan if program in ("./audit", "siptls-scan") else program, *arguments, cwd=host.base, check=False)


@pytest.mark.parametrize("command, shown", BLOCKS)
def test_command_prints_what_the_readme_shows(host, command, shown):
    assert shown
    assert run(host, command).out == shown


def shown_line(program):
    """The one line of the README that shows this program without its output."""
    (line,) = re.findall(rf"^    ({program} .*)$", README, re.MULTILINE)
    return shlex.split(line)


def test_keys_are_put_into_a_capture(host):
    *command, capture, made = shown_line("editcap")
    made = host.work / made
    # editcap hangs at its end under a preloaded sanitizer
    host.run("env", "-u", "LD_PRELOAD", *command, capture, made, cwd=host.base, plugin=False)
    reason = "-Y", "siptls.impact", "-T", "fields", "-e", "siptls.reason"
    assert host.tshark("-r", made, *reason).out == "rejected_without_client_auth_eku\n"
    assert host.tshark("-r", host.base / capture, *reason).out == "rejected_certificate\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="capturing on an interface needs root")
def test_line_for_the_ring_buffer_captures(tmp_path):
    *command, made = shown_line("dumpcap")
    assert command[-1] == "-w"
    alone = "unshare", "--net", "sh", "-euc", 'ip link set lo up; exec "$@"', "sh"
    # it ends by itself, here
    done = subprocess.run([*alone, *command, tmp_path / Path(made).name, "-a", "duration:1"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, text=True)
    assert done.returncode == 0, done.stdout
    (file,) = tmp_path.iterdir()
    assert re.fullmatch(r"sip-tls_00001_\d{14}\.pcapng", file.name)


def test_readme_has_commands():
    assert len(BLOCKS) >= 4


def words_of(enumerators):
    """The words that names.c gives to enumerators whose names begin so."""
    return re.findall(rf'\b{enumerators}_[A-Z_]+(?:\] =|,) "([a-z_]+)"', (ROOT / "plugin/names.c").read_text())


def undetermined_reasons():
    words = words_of("REASON")
    return words[:words.index("aborted_early") + 1]     # the enumeration has those of undetermined first


@pytest.mark.parametrize("words, least", [(words_of("CAVEAT"), 8), (words_of("IMPACT"), 5), (undetermined_reasons(), 11)])
def test_readme_explains_every_word(words, least):
    assert len(words) >= least
    for word in words:
        assert f"| `{word}` | " in README
