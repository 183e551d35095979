#!/usr/bin/env -S /usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the pictures of the README anew: doc/screenshots.py, with SIPTLS_PLUGINS and SIPTLS_SCAN as the capture tests
have them. It opens a capture with the profile, on the desktop of those tests."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests/capture"))

from conftest import Host           # noqa: E402
from desktop import Desktop         # noqa: E402

CAPTURE, VERDICT = "provider-renewal.pcapng", 32
COLOURS = "64"                      # enough for windows, and a third of the size


def save(desktop, name, part="1280x800+0+0"):
    picture = desktop.base / "run" / name
    desktop.picture(str(picture))
    subprocess.run(["convert", str(picture), "-crop", part, "+repage", "+dither", "-colors", COLOURS, "-strip",
                    "-define", "png:compression-level=9", str(HERE / name)], check=True)


def main():
    with tempfile.TemporaryDirectory(prefix="siptls-screenshots-") as folder:
        host = Host(Path(folder))
        desktop = Desktop(host, "screenshots", "1280x800x24")
        try:
            desktop.open(host.capture(CAPTURE))
            lines = desktop.go_to(VERDICT)
            desktop.choose("View", "Collapse All")
            desktop.until(lambda: len(desktop.details()) < len(lines))
            row = desktop.details().index("[SIP over TLS client authentication]")
            desktop.click("", "Packet details", row)
            desktop.choose("View", "Expand Subtrees")
            desktop.until(lambda: any("Reason" in line for line in desktop.details()))
            desktop.key("Page_Down")
            save(desktop, "wireshark.png")
            desktop.choose("Telephony", "SIP-TLS Client Authentication")
            desktop.until(lambda: desktop.rows("SIP-TLS Client Authentication", "Endpoint"))
            save(desktop, "statistics.png", "1280x80+0+0")
            desktop.quit()
        finally:
            desktop.close()


if __name__ == "__main__":
    main()
