# SPDX-License-Identifier: GPL-2.0-or-later
"""A field of our tree becomes a display filter and a column by Wireshark's own menus, whatever its type."""

import re

import pytest

from desktop import Desktop
from test_profile import COLUMNS

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


# together they show every field
SHOWING_ALL = (CAPTURE, "openssl-tls13-split-not-asked.pcapng", "openssl-tls12-alpn.pcapng",
               "openssl-tls12-resumed-not-asked.pcapng")


def fields_of(host):
    """(name, abbreviation) of all fields of ours that have a value."""
    lines = [line.split("\t") for line in host.tshark("-G", "fields").out.splitlines()]
    found = [(line[1], line[2]) for line in lines if line[0] == "F" and line[2].startswith("siptls.")
             and line[3] != "FT_NONE"]
    assert ("Reason", "siptls.reason") in found
    return found


def first_frames(host, capture, fields):
    """The first frame of each field."""
    words = [word for _, field in fields for word in ("-e", field)]
    rows = [line.split("\t") for line in host.tshark("-r", capture, "-T", "fields", *words).out.splitlines()]
    return [next(number for number, row in enumerate(rows, 1) if row[at]) for at in range(len(fields))]


def check_field(gui, host, capture, name, field, frame):
    gui.select(*LIST, frame - 1)
    gui.until(lambda: gui.details()[:1] and gui.details()[0].startswith(f"Frame {frame}:"), f"frame {frame}")
    gui.choose("View", "Expand All")
    start = f"[{name}: "
    line = gui.until(lambda: next((at for at, line in enumerate(gui.details()) if line.startswith(start)), None), field)
    gui.select(*DETAILS, line)
    gui.until(lambda: gui.offers("Analyze", "Apply as Column"))
    gui.open_menu("Analyze", "Prepare as Filter")
    gui.choose("Analyze", "Prepare as Filter", "Selected")
    prepared = gui.until(lambda: (text := gui.read("", "Display filter entry")).startswith(f"{field} ") and text, field)
    gui.key("Escape", "Escape")             # both menus are still shown
    numbers = host.tshark("-r", capture, "-Y", prepared, "-T", "fields", "-e", "frame.number").out.split()
    assert str(frame) in numbers, prepared
    if field.removeprefix("siptls.") in COLUMNS.values():
        return                              # the profile has that column already
    before = gui.columns(*LIST)
    gui.choose("Analyze", "Apply as Column")
    gui.until(lambda: len(gui.columns(*LIST)) == len(before) + 1, f"the column of {field}")
    (at,) = [at for at, title in enumerate(gui.columns(*LIST)) if title not in before]
    value, *_ = gui.rows(*LIST)[frame - 1][at].split(",")
    details = [each.removeprefix(start) for each in gui.details() if each.startswith(start)]
    if re.match(r"\d{4}-\d\d-\d\dT", value):     # later than 4.0, a time is spelled otherwise in the details
        assert any(value[:4] in each for each in details), (field, value)
    else:
        assert value and any(each.startswith(value) for each in details), (field, value)


def test_every_field_becomes_a_column_and_a_filter(host):
    capture = host.work / "all-fields.pcapng"
    capture.write_bytes(b"".join(host.capture(name).read_bytes() for name in SHOWING_ALL))
    fields = fields_of(host)
    gui = Desktop(host, "every-field")
    try:
        gui.open(capture)
        for (name, field), frame in zip(fields, first_frames(host, capture, fields)):
            check_field(gui, host, capture, name, field, frame)
        gui.quit()
    finally:
        gui.close()
