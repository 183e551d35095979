# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark captures on loopback: the verdict on a handshake is there while it captures, and is that of tshark."""

import subprocess

from desktop import PROFILE, Desktop
from gui_dialogs import LIST, verdicts


def make_certificate(folder):
    """It has serverAuth alone."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
                    "-days", "2", "-subj", "/CN=sip.provider.example", "-addext", "extendedKeyUsage=serverAuth"],
                   cwd=folder, check=True, stderr=subprocess.DEVNULL)
    (folder / "key.pem").chmod(0o644)


def test_live_capture(host):
    gui = Desktop(host, "live")
    capture = gui.home / "live.pcapng"
    make_certificate(gui.base)
    try:
        gui.start(["wireshark", "-C", PROFILE, "-i", "lo", "-k", "-w", str(capture)],
                  {**host.environment(plugin=True), "HOME": str(gui.home)}, str(gui.stderr))
        gui.until(lambda: any("Capturing" in title for title in gui.windows()), "the capture to begin")
        gui.until(lambda: capture.exists() and capture.stat().st_size, "dumpcap to be ready")
        gui.serve(["openssl", "s_server", "-accept", "127.0.0.1:5061", "-cert", "cert.pem", "-key", "key.pem",
                   "-tls1_2", "-Verify", "1", "-verify_return_error"])
        gui.run("openssl", "s_client", "-connect", "127.0.0.1:5061", "-cert", "cert.pem", "-key", "key.pem")
        gui.until(lambda: verdicts(gui) == ["failing"], "the verdict")
        gui.choose("Capture", "Stop")
        gui.until(lambda: not any("Capturing" in title for title in gui.windows()), "the capture to end")
        shown = [row[0] for row in gui.rows(*LIST) if "failing" in row]
        out = host.tshark("-r", capture, "-Y", "siptls.impact", "-T", "fields", "-e", "frame.number",
                          "-e", "siptls.impact").out
        assert [line.split("\t") for line in out.splitlines()] == [[shown[0], "failing"]]
        gui.quit()
    finally:
        gui.close()
