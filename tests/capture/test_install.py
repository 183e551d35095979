# SPDX-License-Identifier: GPL-2.0-or-later
"""cmake --install puts one file into place, and Wireshark finds it there: for a user in the personal folder, for root
in the system's."""

import os
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT

SYSTEM = subprocess.run(["pkg-config", "--variable=plugindir", "wireshark"], stdout=subprocess.PIPE, check=True,
                        text=True).stdout.strip()


def installed(host, name, *options, **environment):
    """Configures, builds and installs the plugin as ./audit does; returns what the installation wrote."""
    folder = host.base / name
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(host.home)} | environment
    for command in (["cmake", "-S", ROOT, "-B", folder, "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DSIPTLS_TESTS=OFF", *options],
                    ["cmake", "--build", folder, "--target", "siptls"],
                    ["cmake", "--install", folder, "--component", "plugin"]):
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout.decode()
    return (folder / "install_manifest_plugin.txt").read_text().split()


def plugins(command, home):
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)}
    return subprocess.run([*command, "tshark", "-G", "plugins"], env=environment, stdout=subprocess.PIPE, check=True,
                          stderr=subprocess.PIPE, cwd=home).stdout.decode()


def showing(source, folder):
    """What a command begins with that is to see another folder in its place, by a mount of its own."""
    return ["unshare", "--mount", "sh", "-euc", 'mount --bind "$0" "$1"; shift; exec "$@"', source, folder]


def test_personal_folder(host):
    files = installed(host, "personal", "-DSIPTLS_PERSONAL=ON")
    assert len(files) == 1 and files[0].startswith(str(host.home)) and files[0].endswith("/siptls.so")
    there = Path(SYSTEM) / "epan"
    hide = []
    if (there / "siptls.so").exists():      # it would be taken first
        if os.geteuid() != 0:
            pytest.skip(f"{there} has a siptls.so, which only root can hide")
        hide = showing(host.base / "no-plugins", there)
    listed = plugins([*hide, *host.unprivileged()], host.home)
    assert files[0] in listed


@pytest.mark.skipif(os.geteuid() != 0, reason="the system's plugin folder is root's")
def test_system_folder(host):
    """Root's Wireshark looks there only. A private mount shows the folder as the installation would leave it."""
    root = host.base / "root"
    files = installed(host, "system", "-DSIPTLS_PERSONAL=OFF", DESTDIR=str(root))
    assert files == [f"{SYSTEM}/epan/siptls.so"]
    assert [each for each in root.rglob("*") if each.is_file()] == [root / files[0].lstrip("/")]
    listed = plugins(showing(root / SYSTEM.lstrip("/") / "epan", f"{SYSTEM}/epan"), host.home)
    assert files[0] in listed
