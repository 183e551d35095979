# SPDX-License-Identifier: GPL-2.0-or-later
"""CONTRIBUTING.md and its neighbours are true of the tree: what they name exists, and no source file is left out."""

import re
import shlex
import subprocess

import pytest

from conftest import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
CHECK = (ROOT / "check").read_text()
DOCUMENTS = "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"
MANUALS = "README.md", *sorted(f"doc/{path.name}" for path in (ROOT / "doc").glob("*.md"))
MADE_BY_BUILDING = "build/"
OF_WIRESHARK = "epan/", "wiretap/", "wsutil/", "wireshark", "config.h", "ws_"


def rooms(folder):
    """File -> is it marked as plain C, of the table of a folder; names.[ch] is two files."""
    section = CONTRIBUTING.split(f"\n### {folder}/\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.MULTILINE)
    named = [(name, line.startswith("* ")) for files, line in rows for word in re.findall("`(.*?)`", files)
             for name in ([word.replace("[ch]", end) for end in "ch"] if "[ch]" in word else [word])]
    assert len(dict(named)) == len(named), "a file is named twice"
    return dict(named)


def includes(path):
    return re.findall(r'^#include [<"](.*?)[>"]', path.read_text(), re.MULTILINE)


def commands():
    """The lines of CONTRIBUTING.md that are shown as commands, a line that goes on with \\ joined."""
    shown = CONTRIBUTING.replace("\\\n", "")
    return [shlex.split(line) for line in re.findall(r"^    ((?!facts, |-> )\S.*)$", shown, re.MULTILINE)]


@pytest.mark.parametrize("folder", ("plugin", "scan"))
def test_every_source_file_is_named_once(folder):
    there = {path.name for path in (ROOT / folder).iterdir() if path.suffix in (".c", ".h")}
    assert set(rooms(folder)) == there


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_and_folder_named_exists(document):
    words = re.findall(r"`(\./\w+|[\w.*-]+/[\w./*-]*|\w[\w.-]*\.(?:md|sh|py|cmake|1))[^`]*`", (ROOT / document).read_text())
    words = [word for word in words if not word.startswith(MADE_BY_BUILDING) and "NAME" not in word]
    assert words or document == "CHANGELOG.md"
    assert [word for word in words if not list(ROOT.glob(word.rstrip("/")))] == []


def test_every_command_exists():
    programs = [next(word for word in words if "=" not in word) for words in commands()]
    assert len(programs) > 5
    assert [program for program in programs if not (ROOT / program).is_file()] == []


def test_every_option_of_check_exists():
    own = re.search(r'^flavours="(.*)"$', CHECK, re.MULTILINE)[1].split()
    used = {word for words in commands() if words[0] == "./check" for word in words[1:] if word.startswith("-")}
    assert own == ["--plain", "--sanitize", "--fuzz"] and set(own) <= used
    of_ctest = subprocess.run(["ctest", "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert [option for option in used - set(own) if f"  {option}" not in of_ctest] == []


def test_every_option_of_releases_exists():
    used = {word for words in commands() if words[0] == "tests/releases" for word in words if word.startswith("--")}
    usage = subprocess.run([ROOT / "tests/releases", "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert len(used) > 3
    assert [option for option in used if f"  {option} " not in usage and option != "--"] == []


def test_arrows_run_one_way():
    lines = re.search(r"^    (facts, .*\n(?:    -> .*\n)+)", CONTRIBUTING, re.MULTILINE)[1].splitlines()
    level = {name: number for number, line in enumerate(lines) for name in line.strip(" ->").split(", ")}
    stems = {name.split(".")[0] for name in rooms("plugin")}
    assert set(level) == stems | {"scan/"}
    for name in rooms("plugin"):
        for header in includes(ROOT / "plugin" / name):
            assert header not in rooms("scan"), f"{name} includes {header}"
            if header in rooms("plugin"):
                assert level[header.split(".")[0]] <= level[name.split(".")[0]], f"{name} includes {header}"


@pytest.mark.parametrize("folder", ("plugin", "scan"))
def test_plain_c_includes_no_wireshark(folder):
    plain = {name for each in ("plugin", "scan") for name, is_plain in rooms(each).items() if is_plain}
    here = plain & set(rooms(folder))
    assert here
    for name in here:
        for header in includes(ROOT / folder / name):
            assert not header.startswith(OF_WIRESHARK), f"{name} includes {header}"
            assert header in plain or header not in {*rooms("plugin"), *rooms("scan")}, f"{name} includes {header}"


def test_version_of_the_changelog_is_that_of_the_project():
    version = re.search(r"project\(siptls VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert f"To be {version}," in changelog or f"## [{version}]" in changelog


@pytest.mark.parametrize("document", (*DOCUMENTS, *MANUALS))
def test_lines_end_without_blanks(document):
    assert not re.search(r"[ \t]$", (ROOT / document).read_text(), re.MULTILINE)
