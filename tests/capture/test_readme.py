# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the README marked to be run prints what the README shows."""

import re
import shlex

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
