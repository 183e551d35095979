# SPDX-License-Identifier: GPL-2.0-or-later
"""What cpack makes: an archive whose install script puts plugin and siptls-scan into a user's folders and takes them
away again, and a Debian package with each file in its place."""

import os
import shutil
import subprocess
import tarfile

import pytest

from conftest import ROOT
from test_install import DATA, PROFILE_FILES, SYSTEM, root_there, same_user, showing

MINOR = os.path.basename(SYSTEM)
PLUGIN = f".local/lib/wireshark/plugins/{MINOR}/epan/siptls.so"
SCRIPTS = "siptls-merge", "siptls-slurm", "siptls-task"
PROGRAMS = sorted([*SCRIPTS, "siptls-scan"])
PROFILES = ".config/wireshark/profiles"
INSTALLED = [*(f"{PROFILES}/{name}" for name in PROFILE_FILES), *(f".local/bin/{name}" for name in PROGRAMS), PLUGIN,
             ".local/share/bash-completion/completions/siptls-scan", *(f".local/share/man/man1/{name}.1" for name in PROGRAMS)]
WRONG_USAGE = 2


def run(command, cwd, check=True, **environment):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(cwd)} | environment
    done = subprocess.run([str(each) for each in command], env=environment, cwd=cwd, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False, text=True)
    assert done.returncode == 0 or not check, f"{command}\n{done.stdout}"
    return done


@pytest.fixture(scope="module")
def packages(host):
    """Built as a user builds them: the folder with a .deb and a .tar.gz."""
    folder = host.base / "packages"
    folder.mkdir()
    told = run(["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSIPTLS_TESTS=OFF"], folder)
    assert f"-- Building for Wireshark {MINOR}." in told.stdout
    assert f"the plugin loads into {MINOR}.x only\n" in told.stdout
    run(["cmake", "--build", folder], folder)
    for kind in ("TGZ", "DEB"):
        run(["cpack", "-G", kind], folder)
    return folder


@pytest.fixture(scope="module")
def archive(packages, host):
    """The folder that the archive unpacks into, which says what Wireshark it is for."""
    (path,) = packages.glob("*.tar.gz")
    assert f"-wireshark-{MINOR}-" in path.name
    with tarfile.open(path) as tar:
        tar.extractall(host.base)
        (top,) = {name.split("/")[0] for name in tar.getnames()}
    assert f"{top}.tar.gz" == path.name
    return host.base / top


@pytest.fixture
def home(host, request):
    folder = host.base / f"home-{request.node.name}"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def as_user(host, home):
    """Runs a command as an ordinary user with an empty home and no plugin of the system's."""
    hide = showing(host.base / "no-plugins", f"{SYSTEM}/epan", same_user())

    def as_user(*command, path=(), **options):
        path = os.pathsep.join(map(str, [*path, home / ".local/bin", os.environ["PATH"]]))
        return run([*hide, *host.unprivileged(), *command], home, PATH=path, **options)
    return as_user


def files_in(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_archive_installs_works_and_goes(host, archive, home, as_user):
    said = as_user(archive / "install").stdout
    assert files_in(home) == INSTALLED
    assert str(home / PLUGIN) in said and "PATH" not in said
    if os.geteuid() == 0:                       # nobody else can hide one that the system has
        assert str(home / PLUGIN) in as_user("tshark", "-G", "plugins").stdout
    capture = host.capture("provider-renewal.pcapng")
    verdicts = as_user("tshark", "-r", capture, "-Y", "siptls.impact", "-T", "fields", "-e", "siptls.impact").stdout
    assert verdicts.split() == ["at_risk", "failing"]
    scanned = as_user("siptls-scan", capture, check=False)
    assert scanned.returncode == 1 and "rejected_without_client_auth_eku" in scanned.stdout
    as_user(archive / "install")                # over itself
    assert files_in(home) == INSTALLED
    as_user(archive / "install", "--remove")
    assert files_in(home) == [] and (home / ".local/bin").is_dir() and not (home / PLUGIN).parent.parent.exists()
    again = as_user(archive / "install", "--remove", check=False)
    assert again.returncode == WRONG_USAGE and "not installed" in again.stdout


def test_a_changed_profile_is_the_users(archive, home, as_user):
    """Neither a second installation nor the removal takes away what Wireshark wrote there."""
    as_user(archive / "install")
    preferences = home / f"{PROFILES}/{PROFILE_FILES[-1]}"
    as_user("sh", "-c", 'echo "# changed" >>"$0"', preferences)
    changed = preferences.read_text()
    as_user(archive / "install")
    assert preferences.read_text() == changed and changed.endswith("# changed\n")
    assert str(preferences.parent) in as_user(archive / "install", "--remove").stdout
    assert files_in(home) == INSTALLED[:len(PROFILE_FILES)] and preferences.read_text() == changed


@pytest.mark.parametrize("line, named", (
    ("TShark (Wireshark) 3.6.2 (Git v3.6.2 packaged as 3.6.2-2).", "3.6.2"), ("TShark (Wireshark) 4.99.0.", "4.99.0")))
def test_another_wireshark_is_refused_by_name(host, archive, home, as_user, line, named):
    program = host.base / f"bin-{named}" / "tshark"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{line}'\n")
    program.chmod(0o755)
    done = as_user(archive / "install", check=False, path=[program.parent])
    assert done.returncode == WRONG_USAGE
    assert f"for Wireshark {MINOR} " in done.stdout and f"into Wireshark {named}" in done.stdout
    assert files_in(home) == []


def test_no_wireshark_is_refused(host, archive, home):
    programs = host.base / "few-programs"
    programs.mkdir()
    for name in ("sh", "dirname", "id", "setpriv"):
        (programs / name).symlink_to(shutil.which(name))
    done = run([*host.unprivileged(), archive / "install"], home, check=False, PATH=str(programs))
    assert done.returncode == WRONG_USAGE and "no tshark" in done.stdout
    assert files_in(home) == []


@pytest.mark.parametrize("options, told", ((["--system"], "root"), (["--no-such-option"], "--system")))
def test_archive_usage(archive, home, as_user, options, told):
    done = as_user(archive / "install", *options, check=False)
    assert done.returncode == WRONG_USAGE and told in done.stdout
    assert files_in(home) == []


def test_archive_for_all(host, archive, home):
    """Private mounts show the system's folders as they would become."""
    plain = run(["unshare", *root_there(), archive / "install"], home, check=False)
    assert plain.returncode == WRONG_USAGE and "--system" in plain.stdout
    folders = {f"{SYSTEM}/epan": home / "plugins", "/usr/local": home / "local", f"{DATA}/profiles": home / "profiles"}
    command = []
    for at, folder in folders.items():
        folder.mkdir()
        command += showing(folder, at, root_there())
    run([*command, archive / "install", "--system"], home)
    assert files_in(home) == [*(f"local/bin/{name}" for name in PROGRAMS), "local/share/bash-completion/completions/siptls-scan",
                              *(f"local/share/man/man1/{name}.1" for name in PROGRAMS), "plugins/siptls.so",
                              *(f"profiles/{name}" for name in PROFILE_FILES)]
    assert f"{SYSTEM}/epan/siptls.so" in run([*command, "tshark", "-G", "plugins"], home).stdout
    run([*command, archive / "install", "--remove", "--system"], home)
    assert files_in(home) == []


def test_debian_package(packages, host):
    (path,) = packages.glob("*.deb")
    folder = host.base / "unpacked"
    run(["dpkg-deb", "--extract", path, folder], host.base)
    documents = [f"usr/share/doc/siptls/{name}" for name in (
        "README.md", "changelog.gz", "copyright", "kubernetes-job.yaml", "many-machines.md")]
    profile = [f"{DATA[1:]}/profiles/{name}" for name in PROFILE_FILES]
    completions = ["usr/share/bash-completion/completions/siptls-scan", "usr/share/zsh/vendor-completions/_siptls-scan"]
    assert files_in(folder) == sorted([f"{SYSTEM[1:]}/epan/siptls.so", *(f"usr/bin/{name}" for name in PROGRAMS), *profile,
                                       *(f"usr/share/man/man1/{name}.1.gz" for name in PROGRAMS), *completions, *documents])
    fields = dict(line.split(": ", 1) for line in run(["dpkg-deb", "--field", path], host.base).stdout.splitlines()
                  if ": " in line and not line.startswith(" "))
    assert fields["Package"] == "siptls" and fields["Version"].endswith(f"+wireshark{MINOR}")
    libraries = run(["ldd", folder / f"{SYSTEM[1:]}/epan/siptls.so"], host.base).stdout.split()
    (library,) = [word for word in libraries if word.startswith("libwireshark.so.")]
    assert f"libwireshark{library.removeprefix('libwireshark.so.')}" in fields["Depends"].replace("t64", "")
    packed = run(["dpkg-deb", "--contents", path], host.base).stdout.splitlines()
    assert packed and all(" root/root " in line for line in packed)
    for name in PROGRAMS:
        manual = run(["zcat", folder / f"usr/share/man/man1/{name}.1.gz"], host.base).stdout
        assert manual == (ROOT / f"doc/{name}.1").read_text()
    scanned = run([folder / "usr/bin/siptls-scan", host.capture("provider-renewal.pcapng")], host.base, check=False)
    assert scanned.returncode == 1 and "rejected_without_client_auth_eku" in scanned.stdout
