# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark's main window and Expert Information, as they are when the capture is opened with the profile: what they
show is what expected.ndjson states, and what tshark shows."""

import re

import pytest

from desktop import Desktop
from test_profile import COLUMNS, colour_rules, facts_of, lines_of

CAPTURE = "provider-renewal.pcapng"
FACTS = facts_of(CAPTURE)
LIST, EXPERT = ("", "Packet list"), ("Expert Information", "Severity")
REQUEST = "Certificate Request"             # as Info has it


@pytest.fixture(scope="module")
def gui(host):
    desktop = Desktop(host, "gui")
    try:
        desktop.open(host.capture(CAPTURE))
        yield desktop
        desktop.quit()
    finally:
        desktop.close()


def listed(gui):
    titles = gui.columns(*LIST)
    return [dict(zip(titles, row)) for row in gui.rows(*LIST)]


def frames(gui, condition):
    return [int(packet["No."]) for packet in listed(gui) if condition(packet)]


def background(name):
    """The colour of a rule of the profile, as eight bits a channel."""
    for line in lines_of("colorfilters"):
        if line.startswith(f"@{name}@"):
            return "#" + "".join(f"{int(word) >> 8:02X}" for word in re.findall(r"\[(.*?)\]", line)[0].split(","))
    raise LookupError(name)


def test_columns_of_the_profile(gui):
    assert gui.columns(*LIST) == ["No.", "Time", "Source", "Destination", "Protocol", *COLUMNS, "Info"]
    shown = [[packet[title] for title in COLUMNS] for packet in listed(gui) if packet["Impact"]]
    assert shown == [[facts[fact] for fact in COLUMNS.values()] for facts in FACTS]


def test_verdicts_are_those_of_tshark(gui, host):
    out = host.tshark("-r", host.capture(CAPTURE), "-Y", "siptls.impact", "-T", "fields", "-e", "frame.number",
                      *(word for fact in COLUMNS.values() for word in ("-e", f"siptls.{fact}"))).out
    assert [line.split("\t") for line in out.splitlines()] == [
        [packet["No."], *(packet[title] for title in COLUMNS)] for packet in listed(gui) if packet["Impact"]]


def test_rows_have_the_colours_of_their_verdicts(gui):
    number = frames(gui, lambda packet: packet["Impact"] == FACTS[0]["impact"])[0]
    assert gui.colour(*LIST, number - 1, 5) == background(f"SIP-TLS {FACTS[0]['impact'].replace('_', ' ')}")
    number = frames(gui, lambda packet: REQUEST in packet["Info"])[0]
    assert gui.colour(*LIST, number - 1, 5) == background("SIP-TLS certificate request")


def test_tree_tells_of_the_request_and_the_verdict_links_to_it(gui):
    requests = frames(gui, lambda packet: REQUEST in packet["Info"])
    verdicts = frames(gui, lambda packet: packet["Impact"])
    assert len(requests) == len(verdicts) == len(FACTS)
    lines = gui.go_to(verdicts[-1])
    gui.select("", "Packet details", lines.index(f"[CertificateRequest in: {requests[-1]}]"))
    gui.until(lambda: gui.offers("Go", "Go to Linked Packet"))
    gui.choose("Go", "Go to Linked Packet")
    gui.until(lambda: gui.details()[0].startswith(f"Frame {requests[-1]}:"), "the jump")
    lines = gui.go_to(requests[-1])
    assert "[SIP over TLS client authentication]" in lines
    assert "[CertificateRequest: True]" in lines
    assert "[Coloring Rule Name: SIP-TLS certificate request]" in lines


@pytest.fixture(scope="module")
def expert(gui):
    gui.choose("Analyze", "Expert Information")
    gui.until(lambda: gui.rows(*EXPERT))
    yield gui
    gui.press(EXPERT[0], "Close")


def own(gui):
    return {row[1]: (row[0], row[2], row[4]) for row in gui.rows(*EXPERT) if row[3] == "SIP-TLS"}


def grouped():
    leaves = [facts["client_leaf"] for facts in FACTS]
    return {
        "The server asks for a client certificate":
            ("Warning", "Security", str([facts["certificate_request_seen"] for facts in FACTS].count(True))),
        "The client's certificate lacks clientAuth":
            ("Warning", "Security", str([leaf["client_auth_eku"] for leaf in leaves].count("no"))),
        "A presented certificate still carries clientAuth":
            ("Note", "Security", str([leaf["client_auth_eku"] for leaf in leaves].count("yes"))),
        "The TLS handshake was rejected":
            ("Warning", "Security", str([facts["outcome"] for facts in FACTS].count("rejected"))),
    }


def test_expert_information_is_grouped(expert):
    assert own(expert) == grouped()


def test_expert_information_is_searched(expert):
    expert.enter(EXPERT[0], "", "does not allow clientAuth")
    expert.until(lambda: len(expert.rows(*EXPERT)) == 1)
    (summary,) = own(expert)
    assert summary == "The client's certificate lacks clientAuth"
    expert.enter(EXPERT[0], "", "")
    expert.until(lambda: own(expert) == grouped())


def test_filter_button_of_the_profile(gui):
    """One leaves the frame in which the server refuses."""
    gui.press("", "Failing")
    gui.until(lambda: gui.displayed() == 1)
    assert [packet["Impact"] for packet in listed(gui)] == ["failing"]
