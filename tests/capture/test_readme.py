# SPDX-License-Identifier: GPL-2.0-or-later
"""Every command of the README and of doc/*.md that is marked to be run prints what is shown behind it."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT

README = (ROOT / "README.md").read_text()
DOCUMENTS = ["README.md", *sorted(f"doc/{path.name}" for path in (ROOT / "doc").glob("*.md"))]
# a command may go on in lines that begin with "> "
SHOWN = re.compile(r"```console\n\$ (.*\n(?:> .*\n)*)((?:.*\n)*?)```")
RUN = "<!-- run -->\n"


def blocks(document):
    """Command and what it prints, in order."""
    text = (ROOT / document).read_text()
    found = [(match[1].replace("\n> ", "\n"), match[2]) for match in SHOWN.finditer(text) if text[:match.start()].endswith(RUN)]
    assert text.count(RUN) == text.count("```console") == len(found), f"{document}: a command that is not run"
    return found


@pytest.fixture(name="place")
def make_place(host):
    """A folder with the captures, in which ./audit and siptls-scan are what was built: what ./audit sets up is in place."""
    place = host.work / "place"
    place.mkdir()
    place.chmod(0o777)
    (place / "captures").symlink_to(host.captures)
    for name in ("audit", "siptls-scan"):
        (place / name).symlink_to(host.scan)
    yield place
    shutil.rmtree(place)


@pytest.mark.parametrize("document", [document for document in DOCUMENTS if RUN in (ROOT / document).read_text()])
def test_commands_print_what_is_shown(host, place, document):
    """One behind the other, in one folder."""
    for command, shown in blocks(document):
        assert shown
        done = host.run("env", f"PATH={place}:{os.environ['PATH']}", "sh", "-c", command, cwd=place, check=False)
        assert done.out == shown, f"{command}\n{done.err}"


def test_there_are_commands():
    assert len(blocks("README.md")) >= 4 and len(blocks("doc/recipes.md")) >= 8


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


def test_line_for_the_ring_buffer_captures(host, tmp_path):
    *command, made = shown_line("dumpcap -i any")
    assert command[-1] == "-w"
    # it ends by itself, here
    done = subprocess.run([*host.own_network(*command), tmp_path / Path(made).name, "-a", "duration:1"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, text=True)
    assert done.returncode == 0, done.stdout
    (file,) = tmp_path.iterdir()
    assert re.fullmatch(r"sip-tls_00001_\d{14}\.pcapng", file.name)


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
