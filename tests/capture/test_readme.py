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
from watching import Watch, put

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


# Commands that are shown without what they print: the captures, and the address of the server, stand for the reader's own.
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
WITHOUT_OUTPUT = re.findall(r"^    ((?:siptls-scan|tshark) .*)$", PROSE, re.MULTILINE)
OF_THEIR_OWN = ["dumpcap", "dumpcap", "editcap"]       # tests
OURS = {"FILE": "captures/provider-renewal.pcapng", "AFTER.pcapng": "captures/kamailio-verify-no-require-no-tls12.pcapng",
        "/var/captures": "captures", "203.0.113.0/24": "192.0.2.0/24"}
SERVER = "198.51.100.20:5061"
DECIDED = 0, 1, 3       # exit status of siptls-scan that has read all


def test_commands_without_what_they_print_run(host, place):
    """In their order, in one folder; each names the server, the last one nothing: no server asked."""
    (place / "sbc.csv").write_text("198.51.100.20,SBC of the test\n")
    for name, capture in (("one", "provider-renewal"), ("two", "openssl-tls12-not-asked")):
        host.run(host.scan, "--log", place / f"{name}.ndjson", host.capture(f"{capture}.pcapng"), check=False)
    commands = [command for command in WITHOUT_OUTPUT if "--watch" not in command]
    assert len(commands) >= 8
    others = re.findall(r"^    (\S+).*$", PROSE, re.MULTILINE)
    assert sorted(program for program in others if program not in ("siptls-scan", "tshark")) == OF_THEIR_OWN
    for number, command in enumerate(commands, 1):
        for theirs, ours in OURS.items():
            command = re.sub(rf"(?<= ){theirs}(?=$| )", ours, command)
        written = re.search(r" --output (\S+)", command)
        done = host.run("env", f"PATH={place}:{os.environ['PATH']}", "sh", "-c", command, cwd=place, check=False)
        assert done.returncode in (DECIDED if command.startswith("siptls-scan") else [0]), f"{command}\n{done.err}"
        told = (place / written[1]).read_text() if written else done.out
        assert (SERVER.split(":")[0] in told) if number < len(commands) else told == "", command


@pytest.mark.parametrize("interface", ["any", "eth0"])
def test_line_for_the_ring_buffer_captures(host, tmp_path, interface):
    *command, made = shown_line(f"dumpcap -i {interface}")
    assert command[-1] == "-w"
    command[2] = interface if interface == "any" else "lo"
    # it ends by itself, here
    done = subprocess.run([*host.own_network(*command), tmp_path / Path(made).name, "-a", "duration:1"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False, text=True)
    assert done.returncode == 0, done.stdout
    (file,) = tmp_path.iterdir()
    assert re.fullmatch(rf"{Path(made).stem}_00001_\d{{14}}\.pcapng", file.name)


def test_line_for_a_ring_buffer_as_it_fills_tells_by_mail(host, place):
    """With a mail that writes down what it is called with."""
    _, watch, folder, *arguments = shown_line("siptls-scan --watch")
    assert watch == "--watch"
    (place / "mail").write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{place}/sent'\n")
    (place / "mail").chmod(0o755)
    ring = place / Path(folder).name
    ring.mkdir()
    at = arguments.index("--on-change") + 1
    arguments[at] = f"PATH={shlex.quote(str(place))}:$PATH\n{arguments[at]}"
    with Watch(host, ring, *arguments, cwd=place) as watch:
        put(ring / "sip_00001_20261124064600.pcapng", host.capture("provider-renewal.pcapng").read_bytes())
        impacts = [watch.change()[1] for _ in range(2)]
        watch.end()
    assert impacts == ["at_risk", "failing"]
    assert (place / "sent").read_text() == "".join(f"-s\n{SERVER}: {impact}\nnoc@example.net\n" for impact in impacts)


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
