# SPDX-License-Identifier: GPL-2.0-or-later
"""cmake --install puts the plugin and the profile into place, and Wireshark finds them there: for a user in the personal
folders, for root in the system's."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT

SYSTEM = subprocess.run(["pkg-config", "--variable=plugindir", "wireshark"], stdout=subprocess.PIPE, check=True,
                        text=True).stdout.strip()
DATA = subprocess.run(["pkg-config", "--variable=prefix", "wireshark"], stdout=subprocess.PIPE, check=True,
                      text=True).stdout.strip() + "/share/wireshark"
PROFILE = "SIP-TLS client auth"
PROFILE_FILES = [f"{PROFILE}/{name}" for name in ("colorfilters", "dfilter_buttons", "preferences")]


def installed(host, name, *options, **environment):
    """Configures, builds and installs the plugin as ./audit does; returns what the installation wrote."""
    folder = host.base / name
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(host.home)} | environment
    for command in (["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSIPTLS_TESTS=OFF", *options],
                    ["cmake", "--build", folder, "--target", "siptls"],
                    ["cmake", "--install", folder, "--component", "plugin"]):
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout.decode()
    return sorted((folder / "install_manifest_plugin.txt").read_text().splitlines())


def tshark(command, home, *arguments):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)}
    return subprocess.run([*command, "tshark", *arguments], env=environment, stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.PIPE, cwd=home).stdout.decode()


def plugins(command, home):
    return tshark(command, home, "-G", "plugins")


def titles(command, host, home):
    """What the columns of the profile are called where it is used."""
    listed = tshark(command, home, "-C", PROFILE, "-r", host.capture("provider-renewal.pcapng"), "-c", "1", "-T", "psml")
    return re.findall("<section>(.*)</section>", listed.partition("</structure>")[0])


def same_user():
    """Options of unshare for who is to stay the same, and may mount."""
    return [] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps"]


def root_there():
    """Options of unshare for who is to be root, there at least."""
    return [] if os.geteuid() == 0 else ["--map-root-user"]


def showing(source, folder, options):
    """What a command begins with that is to see another folder in its place, by a mount of its own."""
    return ["unshare", *options, "--mount", "sh", "-euc", 'mount --bind "$0" "$1"; shift; exec "$@"', source, folder]


SHOWN = ["No.", "Time", "Source", "Destination", "Protocol", "Server asks", "Answer", "Outcome", "Impact", "Info"]


@pytest.mark.parametrize("name, made, configuration", (
    ("new", (), ".config/wireshark"), ("old", (".wireshark",), ".wireshark"),
    ("both", (".wireshark", ".config/wireshark"), ".config/wireshark")))
def test_personal_folder(host, name, made, configuration):
    """The profile goes where Wireshark looks for this user's, which an old folder decides."""
    home = host.base / f"home-{name}"
    for folder in ("", *made):
        (home / folder).mkdir(parents=True)
    files = installed(host, f"personal-{name}", "-DSIPTLS_PERSONAL=ON", HOME=str(home))
    profile = home / configuration / "profiles"
    plugin = f"{home}/.local/lib/wireshark/plugins/{Path(SYSTEM).name}/epan/siptls.so"
    assert files == sorted([plugin, *(str(profile / each) for each in PROFILE_FILES)])
    assert sorted(str(each) for each in home.rglob("*") if each.is_file()) == files
    subprocess.run(["chmod", "-R", "a+rwX", home], check=True)      # the user's, who is not always the one who runs this
    there = Path(SYSTEM) / "epan"
    hide = []
    if (there / "siptls.so").exists():      # it would be taken first
        hide = showing(host.base / "no-plugins", there, same_user())
    command = [*hide, *host.unprivileged()]
    assert plugin in plugins(command, home)
    assert titles(command, host, home) == SHOWN

    # what Wireshark wrote there for the user stays
    (profile / PROFILE / "preferences").write_text("changed\n")
    assert installed(host, f"personal-{name}", "-DSIPTLS_PERSONAL=ON", HOME=str(home)) == [plugin]
    assert (profile / PROFILE / "preferences").read_text() == "changed\n"


def test_system_folder(host):
    """Root's Wireshark looks there only. Private mounts show the folders as the installation would leave them."""
    root = host.base / "root"
    files = installed(host, "system", "-DSIPTLS_PERSONAL=OFF", DESTDIR=str(root))
    assert files == sorted([f"{SYSTEM}/epan/siptls.so", *(f"{DATA}/profiles/{each}" for each in PROFILE_FILES)])
    assert sorted(each for each in root.rglob("*") if each.is_file()) == [root / each.lstrip("/") for each in files]

    def seen(options):
        return [each for folder in (f"{SYSTEM}/epan", f"{DATA}/profiles")
                for each in showing(root / folder.lstrip("/"), folder, options)]
    assert f"{SYSTEM}/epan/siptls.so" in plugins(seen(root_there()), host.home)
    home = host.base / "home-of-system"
    home.mkdir()
    home.chmod(0o777)
    assert titles([*seen(same_user()), *host.unprivileged()], host, home) == SHOWN
