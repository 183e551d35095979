# SPDX-License-Identifier: GPL-2.0-or-later
"""What counts as SIP over TLS, and what the preferences and the statistics table say."""

import pytest

PLAIN = "openssl-tls12-port-5071.pcapng"


@pytest.mark.parametrize("options, sip", (
    (("-o", "siptls.ports:5061,5071"), "port"), (("-o", "sip.tls.port:5071"), "port"),
    (("-d", "tls.port==5071,sip"), "decode_as"), (("-o", "siptls.any_port:TRUE"), "any")))
def test_port_5071_is_sip_when_told(host, options, sip):
    assert host.records(host.capture(PLAIN)) == []
    records = host.records(host.capture(PLAIN), *options)
    assert [(record["sip"], record["impact"]) for record in records] == [(sip, "unaffected")]


def test_port_5061_can_be_taken_away(host):
    capture = host.capture("openssl-tls12-not-asked.pcapng")
    assert host.records(capture, "-o", "siptls.ports:5071", "-o", "sip.tls.port:5071") == []


def test_own_networks_decide_the_advice(host):
    capture = host.capture("provider-renewal.pcapng")

    def text(*options):
        return host.tshark("-n", "-r", capture, "-V", *options).out
    assert "turn off client certificate verification on 198.51.100.20:5061" in text()
    assert "turn off client certificate verification" in text("-o", "siptls.own_networks:198.51.100.0/24")
    assert "turn off client certificate verification" not in text("-o", "siptls.own_networks:192.0.2.0/24")


def test_expert_infos(host):
    def experts(name):
        out = host.tshark("-n", "-r", host.capture(name), "-T", "fields", "-e", "_ws.expert.message", "-Y",
                          "siptls").out
        return " ".join(out.split())
    assert "CertificateRequest" in experts("provider-renewal.pcapng") or "asks for" in experts("provider-renewal.pcapng")
    for name, found in (("siptls.certificate_request.seen", 2), ("siptls.cert.client_auth_present", 1),
                        ("siptls.cert.client_auth_absent", 1), ("siptls.rejected", 1), ("siptls.undetermined", 0)):
        frames = host.tshark("-n", "-r", host.capture("provider-renewal.pcapng"), "-Y", name, "-T", "fields", "-e",
                             "frame.number").out.split()
        assert len(frames) == found, name
    clean = host.tshark("-n", "-r", host.capture("openssl-tls12-not-asked.pcapng"), "-Y",
                        "siptls.certificate_request.seen or siptls.rejected or siptls.undetermined or "
                        "siptls.cert.client_auth_present or siptls.cert.client_auth_absent").out
    assert clean == ""
    undetermined = host.tshark("-n", "-r", host.capture("openssl-tls12-renegotiated.pcapng"), "-Y",
                               "siptls.undetermined").out
    assert undetermined


def test_statistics_table(host):
    """One endpoint, its worst impact, what was asked when; the same numbers as the records."""
    out = host.tshark("-n", "-q", "-r", host.capture("provider-renewal.pcapng"), "-z", "siptls,stat").out
    rows = [[cell.strip() for cell in line.split("|")] for line in out.splitlines() if line.startswith("198.51.100.20:5061")]
    assert len(rows) == 1
    assert rows[0][:11] == ["198.51.100.20:5061", "sbc.customer.example", "failing", "rejected_without_client_auth_eku",
                            "2 of 2", "1", "2", "2", "1", "1", "1"]
    assert rows[0][11].startswith("20") and rows[0][12] == "-"
    again = host.tshark("-n", "-q", "-2", "-r", host.capture("provider-renewal.pcapng"), "-z", "siptls,stat").out
    assert again == out


def test_repair_shows_in_the_table(host):
    """The client's port was used twice: first not asked, then asked: both days show."""
    out = host.tshark("-n", "-q", "-r", host.capture("openssl-tls12-port-reused.pcapng"), "-z", "siptls,stat").out
    row = next(line for line in out.splitlines() if line.startswith("198.51.100.20:5061"))
    assert row.count("2026-") >= 2 or row.count("T") >= 2


def test_filter_of_the_taps(host):
    capture = host.capture("provider-renewal.pcapng")
    out = host.tshark("-n", "-q", "-r", capture, "-z", "siptls,json,frame.number <= 19").out
    assert out.count('"type":"connection"') == 1


@pytest.mark.parametrize("tap", ("json", "stat"))
def test_filter_of_a_tap_that_is_wrong_fails(host, tap):
    """No records would look like no connections."""
    done = host.tshark("-n", "-q", "-r", host.capture("provider-renewal.pcapng"), "-z", f"siptls,{tap},frame number", check=False)
    assert done.returncode != 0 and done.out == "" and "frame number" in done.err
