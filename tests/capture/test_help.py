# SPDX-License-Identifier: GPL-2.0-or-later
"""The man page and the completions know every option of siptls-scan, and no other."""

import re
import shutil
import subprocess

import pytest

from conftest import ROOT

MAN = (ROOT / "doc/siptls-scan.1").read_text()
BASH = (ROOT / "completions/siptls-scan.bash").read_text()
ZSH = (ROOT / "completions/_siptls-scan").read_text()


@pytest.fixture(name="options", scope="module")
def read_options(host):
    """Long option -> its short letter or None, whether it has a value."""
    found = re.findall(r"^  (?:-(\w), )?--([a-z-]+)(=\S+)?", host.run(host.scan, "--help").out, re.MULTILINE)
    assert len(found) > 20
    return {name: (letter or None, bool(value)) for letter, name, value in found}


def test_man_page(options):
    told = {name: letter for letter, name in re.findall(r"^\.It Fl (\w) , Fl \\-([a-z-]+)", MAN, re.MULTILINE)}
    assert told == {name: letter for name, (letter, _) in options.items() if letter}
    assert set(re.findall(r"Fl \\-([a-z-]+)", MAN)) == set(options)


def test_bash_completion(options):
    words = re.search(r"compgen -W '(--.*?)'", BASH, re.DOTALL)[1].split()
    assert sorted(words) == sorted(f"--{name}{'=' if value else ''}" for name, (_, value) in options.items())
    cases = re.findall(r"^    (-.*)\)$", BASH, re.MULTILINE)
    with_value = {name for name, (_, value) in options.items() if value}
    assert set(re.findall(r"--([a-z-]+)", " ".join(cases))) == with_value
    subprocess.run(["bash", "-n", ROOT / "completions/siptls-scan.bash"], check=True)


def test_bash_completion_completes():
    """With the package bash-completion, or what of it is used in its place."""
    script = f"""
        _init_completion() {{ cur=${{COMP_WORDS[COMP_CWORD]}}; prev=${{COMP_WORDS[COMP_CWORD-1]}}; }}
        _filedir() {{ COMPREPLY=(a-file); }}
        compopt() {{ :; }}
        . {ROOT}/completions/siptls-scan.bash
        complete -p siptls-scan
        for typed in '--fo' '--format t' '--keylog x' 'cap'; do
            COMP_WORDS=(siptls-scan $typed) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMPREPLY=()
            _siptls_scan
            echo "${{COMPREPLY[@]}}"
        done"""
    done = subprocess.run(["bash", "-c", script], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.splitlines() == ["complete -F _siptls_scan siptls-scan", "--format=", "table", "a-file", "a-file"]


def test_zsh_completion(options):
    told = set(re.findall(r"[{,']--([a-z-]+)(=?)[\[}]", ZSH))
    assert told == {(name, "=" if value else "") for name, (_, value) in options.items()}


@pytest.mark.parametrize("script", ["siptls-task", "siptls-merge", "siptls-slurm"])
def test_man_page_of_a_script(script):
    """It knows the options, variables and examples of files that the help has."""
    told = subprocess.run([ROOT / "cluster" / script, "--help"], stdout=subprocess.PIPE, check=True, text=True).stdout
    page = (ROOT / f"doc/{script}.1").read_text()
    assert f".Nm {script}\n" in page
    options = re.findall(r"^  -(\w), --([a-z-]+)", told, re.MULTILINE)
    assert re.findall(r"^\.It Fl (\w) , Fl \\-([a-z-]+)", page, re.MULTILINE) == options
    for word in re.findall(r"SIPTLS_[A-Z]+|(?<=\s)--(?!help)[a-z-]+(?=[,.\s])", told):
        assert word.replace("--", "Fl \\-") in page or word in page, word


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "doc").glob("*.1")))
def test_man_page_is_well_formed(page):
    done = subprocess.run([shutil.which("groff") or "groff", "-mdoc", "-ww", "-z", ROOT / "doc" / page],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True, text=True)
    assert done.stdout == ""
