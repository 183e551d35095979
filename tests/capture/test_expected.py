# SPDX-License-Identifier: GPL-2.0-or-later
"""Every recorded capture says what it is known to be."""

import pytest

from conftest import CAPTURE_NAMES, CAPTURES, EXPECTED

CONTRACT_KEYS = {
    "type", "schema", "file", "stream", "first_frame", "verdict_frame", "last_frame", "start", "end", "client_ip",
    "client_port", "server_ip", "server_port", "role_from", "sni", "alpn", "alpn_offered", "sip", "tls", "cipher",
    "resumed", "resumed_from", "history", "community_id", "certificate_request", "client_auth", "client_cert",
    "client_leaf", "client_chain_excludes_client_auth", "server_leaf", "server_chain_excludes_client_auth", "outcome",
    "server_data", "alert", "evidence", "impact", "reason", "caveats", "filter"}


def differences(expected, actual, at=""):
    """What of a statement a record does not meet; objects are compared by the statement's keys."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return [line for key, value in expected.items() for line in differences(value, actual.get(key), f"{at}.{key}")]
    return [] if expected == actual else [f"{at}: expected {expected!r}, is {actual!r}"]


def compare(statement, record):
    facts = dict(statement["facts"])
    lines = []
    seen = facts.pop("certificate_request_seen", None)
    if seen is not None and seen != (record["certificate_request"] is not None):
        lines.append(f"certificate_request_seen: expected {seen}")
    authorities = facts.pop("authorities", None)
    if authorities is not None:
        actual = (record["certificate_request"] or {}).get("authorities", [])
        if authorities not in (actual, len(actual)):
            lines.append(f"authorities: expected {authorities!r}, is {actual!r}")
    return lines + differences(facts, record)


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_capture_is_judged_as_recorded(host, name):
    statements = [statement for statement in EXPECTED if statement["file"] == name]
    records = host.records(host.capture(name), *statements[0].get("options", ()))
    assert statements and len(records) == len(statements)
    for statement in sorted(statements, key=lambda each: each["connection"]):
        record = records[statement["connection"]]
        assert set(record) == CONTRACT_KEYS
        assert not compare(statement, record), statement["how"]


def test_every_capture_is_stated():
    assert len(CAPTURE_NAMES) >= 40
    assert CAPTURE_NAMES == sorted(capture.name for capture in CAPTURES.glob("*.pcapng"))
    assert sum(capture.stat().st_size for capture in CAPTURES.iterdir()) < 4 << 20
    assert all(statement["facts"] and statement["how"] for statement in EXPECTED)
