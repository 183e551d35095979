# SPDX-License-Identifier: GPL-2.0-or-later
"""Wireshark's other windows: the statistics, the preferences, Decode As, Follow, reloading, another capture. Whatever is
done in them, the verdicts stay those of expected.ndjson."""

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
    desktop = Desktop(host, request.node.name.split("[")[0])
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
    return [dict(zip(titles, row)) for row in gui.rows(*STATISTICS)]


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
