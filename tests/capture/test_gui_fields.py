# SPDX-License-Identifier: GPL-2.0-or-later
"""A field of our tree becomes a display filter and a column by Wireshark's own menus, whatever its type."""

import pytest

from desktop import Desktop

CAPTURE = "provider-renewal.pcapng"
LIST, DETAILS = ("", "Packet list"), ("", "Packet details")
VERDICT = "32"                              # the alert; a test of the main window says that it is
# what is shown on the verdict's frame, and in a column; one of each type that is there
FIELDS = [
    ("[Reason: rejected_without_client_auth_eku]", "rejected_without_client_auth_eku"),
    ("[CertificateRequest in: 27]", "27"),
    ("[Alert code: 43]", "43"),
    ("[Resumed session: False]", "False"),
]


@pytest.fixture(scope="module")
def gui(host):
    desktop = Desktop(host, "gui-fields")
    try:
        desktop.open(host.capture(CAPTURE))
        yield desktop
        desktop.quit()
    finally:
        desktop.close()


def select(gui, line):
    lines = gui.go_to(VERDICT)
    gui.select(*DETAILS, lines.index(line))
    gui.until(lambda: gui.offers("Analyze", "Apply as Column"))


@pytest.mark.parametrize("line, value", FIELDS)
def test_field_becomes_a_column(gui, line, value):
    select(gui, line)
    before = gui.columns(*LIST)
    gui.choose("Analyze", "Apply as Column")
    gui.until(lambda: len(gui.columns(*LIST)) == len(before) + 1)
    (at,) = [at for at, title in enumerate(gui.columns(*LIST)) if title not in before]
    shown = {row[0]: row[at] for row in gui.rows(*LIST)}
    assert shown[VERDICT] == value


def test_field_becomes_a_filter(gui):
    select(gui, FIELDS[0][0])
    gui.open_menu("Analyze", "Apply as Filter")
    gui.choose("Analyze", "Apply as Filter", "Selected")
    gui.until(lambda: gui.read("", "Display filter entry") == 'siptls.reason == "rejected_without_client_auth_eku"')
    gui.until(lambda: [row[0] for row in gui.rows(*LIST)] == [VERDICT])
