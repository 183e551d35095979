# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark's other windows: the statistics, the preferences, Decode As, Follow, reloading, another capture. Whatever is
done in them, the verdicts stay those of expected.ndjson."""

import csv
import re

import pytest

from desktop import Desktop
from test_profile import facts_of

PORT_5071, RENEWAL = "openssl-tls12-port-5071.pcapng", "provider-renewal.pcapng"
LIST, STATISTICS = ("", "Packet list"), ("SIP-TLS Client Authentication", "Endpoint")
ANY_PORT = "Look at TLS on every port"


def renewal_row():
    """The statistics' row of the renewal's one endpoint, as far as its statements go."""
    facts = facts_of(RENEWAL)
    leaves = [each["client_leaf"]["client_auth_eku"] for each in facts]
    return {"Endpoint": "198.51.100.20:5061", "Server name": facts[0]["sni"], "Impact": "failing",
            "Reason": "rejected_without_client_auth_eku", "Decided": "2 of 2", "Clients": "1", "Connections": "2",
            "Asked": "2", "Certificates with clientAuth": str(leaves.count("yes")),
            "without": str(leaves.count("no")), "Rejected": "1"}


@pytest.fixture
def gui(host, request):
    """Wireshark with a capture and its statistics, as on() names it."""
    desktop = Desktop(host, re.sub(r"\W+", "-", request.node.name))
    try:
        desktop.open(host.capture(request.param), "-z", "siptls,stat")
        yield desktop
        desktop.quit()
    finally:
        desktop.close()


def on(capture):
    return pytest.mark.parametrize("gui", [capture], indirect=True)


def statistics(gui):
    titles = gui.columns(*STATISTICS)
    return [dict(zip(titles, map(str.strip, row))) for row in gui.rows(*STATISTICS)]


def refreshed(gui):
    gui.press(STATISTICS[0], "Apply")
    return statistics(gui)


def verdicts(gui):
    at = gui.columns(*LIST).index("Impact")
    return [row[at] for row in gui.rows(*LIST) if row[at]]


def is_open(gui, title):
    return any(title in window for window in gui.windows())


def preferences_of_siptls(gui):
    """Opens the preferences at our page. A row of their tree is found by typing its name, as in any tree."""
    gui.choose("Edit", "Preferences…")
    gui.until(lambda: ["Protocols"] in gui.rows("Preferences", "1"))
    gui.click("Preferences", "1", gui.rows("Preferences", "1").index(["Protocols"]))
    gui.key("Right")
    gui.until(lambda: ["SIP-TLS"] in gui.rows("Preferences", "1"))
    gui.until(lambda: gui.key("S", "I", "P", "minus", "T", "L", "S") or gui.soon(
        lambda: ANY_PORT in gui.texts("Preferences", "check box")), "our page")


def press_ok(gui, title):
    gui.press(title, "OK")
    gui.until(lambda: not is_open(gui, title))


@on(RENEWAL)
def test_statistics(gui):
    (row,) = gui.until(lambda: statistics(gui))
    expected = renewal_row()
    assert {title: row[title] for title in expected} == expected


def with_two_endpoints(host):
    """Two captures in a row; that of port 5071 is looked at by the preference."""
    both = host.work / "two-endpoints.pcapng"
    both.write_bytes(b"".join(host.capture(name).read_bytes() for name in (RENEWAL, PORT_5071)))
    return both


def test_statistics_are_opened_by_the_menu_sorted_copied_and_saved(host):
    gui = Desktop(host, "statistics-menu")
    try:
        gui.open(with_two_endpoints(host), "-o", "siptls.any_port:TRUE")
        gui.choose("Telephony", STATISTICS[0])
        gui.until(lambda: len(statistics(gui)) == 2)
        assert renewal_row().items() <= next(row for row in statistics(gui) if row["Connections"] == "2").items()
        check_sorting(gui)
        check_copy(gui)
        check_save(gui)
        gui.quit()
    finally:
        gui.close()


def check_sorting(gui):
    """A click on a column's title sorts by it, another one the other way round."""
    def connections():
        return [row["Connections"] for row in statistics(gui)]
    for _ in range(2):
        before = connections()
        gui.click_title(*STATISTICS, "Connections")
        if not gui.soon(lambda: connections() == before[::-1], 5):
            gui.click_title(*STATISTICS, "Connections")
            gui.until(lambda: connections() == before[::-1])
        assert sorted(before) == ["1", "2"]


def check_copy(gui):
    gui.press(STATISTICS[0], "Copy")
    gui.focus(STATISTICS[0], "Display filter entry", "text")
    gui.key("ctrl+v")
    copied = gui.until(lambda: gui.read(STATISTICS[0], "Display filter entry"))
    assert "Client certificates issued by" in copied
    for row in statistics(gui):
        assert row["Endpoint"] in copied and row["Reason"] in copied
    gui.enter(STATISTICS[0], "Display filter entry", "")


def check_save(gui):
    save, file = "Save Statistics As", gui.home / "statistics.csv"
    gui.press(STATISTICS[0], "Save as…")
    gui.until(lambda: is_open(gui, save))
    gui.focus(save, "Plain text file (*.txt)", "combo box")
    gui.key("Down", "Return")
    gui.until(lambda: "Comma separated values (*.csv)" in gui.texts(save, "combo box"))
    gui.enter(save, "File name:", str(file))
    gui.press(save, "Save")
    gui.until(lambda: file.exists() and not is_open(gui, save))
    titles, *rows = csv.reader(line for line in file.read_text().splitlines() if "," in line)
    titles = [title.strip() for title in titles]
    saved = [dict(zip(titles, map(str.strip, row))) for row in rows]
    shown = [{title: row[title] for title in ("Endpoint", "Impact", "Reason")} for row in statistics(gui)]
    assert [{title: row[title] for title in ("Endpoint", "Impact", "Reason")} for row in saved] == shown


@on(PORT_5071)
def test_preference_takes_effect(gui):
    assert verdicts(gui) == [] and statistics(gui) == []
    preferences_of_siptls(gui)
    assert {ANY_PORT, "Conclude from the lengths of encrypted records"} <= set(gui.texts("Preferences", "check box"))
    assert {"SIP over TLS ports", "Own networks"} <= set(gui.texts("Preferences", "label"))
    gui.press("Preferences", ANY_PORT)
    gui.until(lambda: gui.is_state("Preferences", ANY_PORT, "checked"))
    press_ok(gui, "Preferences")
    expected = [facts["impact"] for facts in facts_of(PORT_5071)]
    assert len(expected) == 1
    gui.until(lambda: verdicts(gui) == expected)
    gui.until(lambda: [row["Impact"] for row in refreshed(gui)] == expected)


@on(RENEWAL)
def test_statistics_are_filtered(gui):
    """A filter that leaves one of the two connections: the row tells of that one."""
    gui.until(lambda: statistics(gui))
    gui.enter(STATISTICS[0], "Display filter entry", "tcp.stream == 0")
    gui.until(lambda: [row["Connections"] for row in refreshed(gui)] == ["1"])
    assert [(row["Impact"], row["Rejected"]) for row in statistics(gui)] == [(facts_of(RENEWAL)[0]["impact"], "0")]
    gui.enter(STATISTICS[0], "Display filter entry", "tcp.stream == 99")
    gui.until(lambda: [row for row in refreshed(gui) if row["Endpoint"]] == [])
    gui.enter(STATISTICS[0], "Display filter entry", "")
    gui.until(lambda: [row["Connections"] for row in refreshed(gui)] == ["2"])


@on(RENEWAL)
def test_reloading_and_another_capture_change_no_verdict(gui, host):
    expected = [facts["impact"] for facts in facts_of(RENEWAL)]
    assert verdicts(gui) == expected
    gui.choose("Analyze", "Reload Lua Plugins")
    gui.until(lambda: verdicts(gui) == expected, "the verdicts behind Reload Lua Plugins")
    gui.choose("View", "Reload")
    gui.until(lambda: gui.is_loaded(RENEWAL) and verdicts(gui) == expected, "the verdicts behind Reload")
    gui.until(lambda: [row["Connections"] for row in refreshed(gui)] == ["2"])


def shown_on_the_display(gui):
    """All of Wireshark's windows, lists of choices included."""
    return gui.run("xdotool", "search", "--onlyvisible", "--class", "wireshark").split()


@on(PORT_5071)
def test_decoding_a_port_as_sip_gives_verdicts(gui):
    """Decode As proposes the port that the selected packet was sent from; a double click shows what it can be."""
    title, rows = "Decode As", ("Decode As", "Field")
    hello = next(at for at, packet in enumerate(gui.rows(*LIST)) if "Server Hello" in packet[-1])
    gui.select(*LIST, hello)
    gui.until(lambda: gui.details()[:1] and gui.details()[0].startswith(f"Frame {hello + 1}:"))
    gui.choose("Analyze", "Decode As…")
    gui.until(lambda: is_open(gui, title))
    gui.press(title, "")                    # the first of the buttons without a name is "+"
    gui.until(lambda: [row[:2] for row in gui.rows(*rows)] == [["TLS Port", "5071"]])
    before = shown_on_the_display(gui)
    gui.until(lambda: gui.click(*rows, 0, 4) or gui.soon(lambda: len(shown_on_the_display(gui)) > len(before)))
    gui.key("S", "I", "P", "Return")
    gui.until(lambda: shown_on_the_display(gui) == before)
    press_ok(gui, title)
    expected = [facts["impact"] for facts in facts_of(PORT_5071)]
    gui.until(lambda: verdicts(gui) == expected)


@pytest.mark.parametrize("protocol", ["TCP", "TLS"])
@on(RENEWAL)
def test_following_a_stream_changes_no_verdict(gui, protocol):
    """Follow shows a window, filters the packets by the stream, and takes the filter away again by Back."""
    window = f"Follow {protocol} Stream"
    expected = [facts["impact"] for facts in facts_of(RENEWAL)]
    packets = gui.rows(*LIST)
    hello = next(at for at, packet in enumerate(packets) if "Client Hello" in packet[-1])
    gui.select(*LIST, hello)
    gui.until(lambda: gui.details()[:1] and gui.details()[0].startswith(f"Frame {hello + 1}:"))
    gui.open_menu("Analyze", "Follow")
    gui.choose("Analyze", "Follow", f"{protocol} Stream")
    gui.until(lambda: is_open(gui, window))
    assert gui.read("", "Display filter entry") in ("tcp.stream eq 0", "tls.stream eq 0")     # 4.0, later
    gui.until(lambda: verdicts(gui) == expected[:1])
    gui.press(window, "Back")
    gui.until(lambda: not is_open(gui, window) and gui.rows(*LIST) == packets)
    assert verdicts(gui) == expected


@on(RENEWAL)
def test_another_capture_takes_the_place_of_the_first(gui, host):
    """Closed, the window keeps no verdict; the next capture has its own ones."""
    other = "openssl-tls12-server-only-refused.pcapng"
    gui.choose("File", "Close")
    gui.until(lambda: not any(RENEWAL in title for title in gui.windows()[:1]))
    gui.choose("File", "Open")
    gui.until(lambda: is_open(gui, "Open Capture File"))
    gui.enter("Open Capture File", "File name:", str(host.capture(other)))
    gui.press("Open Capture File", "Open")
    gui.until(lambda: gui.is_loaded(other))
    gui.until(lambda: verdicts(gui) == [facts["impact"] for facts in facts_of(other)])
