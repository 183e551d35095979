# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the README marked to be run prints what the README shows."""

import re
import shlex

import pytest

from conftest import ROOT

BLOCKS = re.findall(r"<!-- run -->\n```console\n\$ (.*?)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def run(host, command):
    """./audit ends by running siptls-scan with its own arguments; what it sets up is in place here."""
    program, *arguments = shlex.split(command)
    return host.run(host.scan if program == "./audit" else program, *arguments, cwd=host.base, check=False)


@pytest.mark.parametrize("command, shown", BLOCKS)
def test_command_prints_what_the_readme_shows(host, command, shown):
    assert shown
    assert run(host, command).out == shown


def test_readme_has_commands():
    assert len(BLOCKS) >= 4
