# SPDX-License-Identifier: GPL-2.0-or-later
"""Every recorded capture says what it is known to be."""

import functools

import pytest

from conftest import CAPTURE_NAMES, CAPTURES, EXPECTED
from variants import all_in_one, apart_from_place, in_turn, one_after_another

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


def stated(name):
    return [statement for statement in EXPECTED if statement["file"] == name]


@functools.cache
def alone(host, name):
    return host.records(host.capture(name), *stated(name)[0].get("options", ()))


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_capture_is_judged_as_recorded(host, name):
    statements, records = stated(name), alone(host, name)
    assert statements and len(records) == len(statements)
    for statement in sorted(statements, key=lambda each: each["connection"]):
        record = records[statement["connection"]]
        assert set(record) == CONTRACT_KEYS
        assert not compare(statement, record), statement["how"]


@pytest.mark.parametrize("mixed", (one_after_another, in_turn))
def test_all_in_one_capture(host, mixed):
    """What other tests compare with is said of every capture at once."""
    for name, records in all_in_one(host, mixed=mixed).items():
        assert list(map(apart_from_place, records)) == list(map(apart_from_place, alone(host, name))), name


def test_every_capture_is_stated():
    assert len(CAPTURE_NAMES) >= 40
    assert CAPTURE_NAMES == sorted(capture.name for capture in CAPTURES.glob("*.pcapng"))
    assert sum(capture.stat().st_size for capture in CAPTURES.iterdir()) < 4 << 20
    assert all(statement["facts"] and statement["how"] for statement in EXPECTED)
