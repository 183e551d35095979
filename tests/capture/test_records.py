# SPDX-License-Identifier: GPL-2.0-or-later
"""-z siptls,json: every capture gives valid lines of one schema, every key always there."""

import json

import pytest

from conftest import CAPTURE_NAMES, EXPECTED
from variants import recorded

CONNECTION = """type schema file stream first_frame verdict_frame last_frame start end client_ip client_port server_ip
    server_port role_from sni alpn alpn_offered sip tls cipher resumed resumed_from history community_id
    certificate_request client_auth client_cert client_leaf client_chain_excludes_client_auth server_leaf
    server_chain_excludes_client_auth outcome server_data alert evidence impact reason caveats filter""".split()
FILE = "type schema file size packets connections status error".split()
LEAF = "subject issuer serial sha256 san not_before not_after eku client_auth_eku".split()
WORDS = {
    "client_auth": {"not_requested", "optional", "required", "requested", "unknown"},
    "client_cert": {"none", "empty", "present", "unknown"},
    "outcome": {"completed", "rejected", "incomplete"},
    "server_data": {"yes", "no", "unknown"},
    "impact": {"unaffected", "tolerant", "at_risk", "failing", "undetermined"},
    "tls": {"ssl3", "1.0", "1.1", "1.2", "1.3", None},
    "sip": {"port", "decode_as", "alpn", "payload", "any"},
    "role_from": {"hello", "flight", "port", "lower_port"},
}


def test_schema_of_a_file(host):
    *connections, figures = [json.loads(line) for line in host.tshark(
        "-q", "-z", "siptls,json", "-r", host.capture("provider-renewal.pcapng")).out.splitlines()]
    assert list(figures) == FILE and figures["type"] == "file" and figures["schema"] == 1
    assert figures["connections"] == len(connections) > 0 and figures["status"] == "ok"


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_schema(host, name):
    options = next(statement for statement in EXPECTED if statement["file"] == name).get("options", ())
    records = host.records(host.capture(name), *options) if options else recorded(host, name)
    assert records
    for record in records:
        assert list(record) == CONNECTION and record["type"] == "connection" and record["schema"] == 1
        assert {key: record[key] for key, words in WORDS.items() if record[key] not in words} == {}
        assert all(list(record[leaf]) == LEAF for leaf in ("client_leaf", "server_leaf") if record[leaf])
        assert record["alert"] is None or list(record["alert"]) == ["from", "name", "code", "frame"]
        assert record["certificate_request"] is None or list(record["certificate_request"]) == ["frame", "authorities"]
        assert record["first_frame"] <= record["verdict_frame"] or not record["verdict_frame"]
        assert record["start"] <= record["end"] and record["start"].endswith("Z")


@pytest.mark.parametrize("name", ("provider-renewal.pcapng", "openssl-tls12-ipv6.pcapng", "openssl-tls12-port-reused.pcapng"))
def test_filter_selects_the_connection(host, name):
    for record in host.records(host.capture(name)):
        shown = host.tshark("-n", "-r", host.capture(name), "-Y", record["filter"], "-T", "fields", "-e",
                            "frame.number").out.split()
        assert (int(shown[0]), int(shown[-1])) == (record["first_frame"], record["last_frame"])


def test_one_line_of_json_is_one_record_whatever_else_is_asked(host):
    """Two statistics in one run do not mix their lines."""
    name = host.capture("provider-renewal.pcapng")
    alone = host.tshark("-q", "-z", "siptls,json", "-r", name).out
    both = host.tshark("-q", "-z", "siptls,json", "-z", "siptls,stat", "-r", name).out
    assert set(alone.splitlines()) <= set(both.splitlines())
