# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration profile: its columns, colouring rules and filter buttons show what expected.ndjson states of the
captures, and no program has a word to say against it."""

import re
import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from conftest import EXPECTED, ROOT
from variants import blocks, swapped

NAME = "SIP-TLS client auth"
PROFILE = ROOT / "profiles" / NAME
COLUMNS = {"Server asks": "client_auth", "Answer": "client_cert", "Outcome": "outcome", "Impact": "impact"}
REQUEST = "SIP-TLS certificate request"
EDGE = "TCP connection begins or ends"
# one of every impact, some with several connections
SAMPLES = ("provider-renewal.pcapng", "openssl-tls12-not-asked.pcapng", "openssl-tls12-server-only-refused.pcapng",
           "gnutls-tls12-server-only-accepted.pcapng", "openssl-tls12-anonymous.pcapng",
           "openssl-tls12-required-empty.pcapng", "openssl-tls13-no-keys-refused.pcapng",
           "nginx-tls13-closed-after-handshake.pcapng")
IMPACTS = ("failing", "at_risk", "undetermined", "tolerant", "unaffected")


def facts_of(capture):
    return [statement["facts"] for statement in EXPECTED if statement["file"] == capture]


def is_asked(facts):
    """Whether a frame shows a request: one that was seen, or concluded from the lengths of the records."""
    by_lengths = facts["evidence"] == "record_lengths" and facts["client_auth"] not in ("not_requested", "unknown")
    return facts["certificate_request_seen"] or by_lengths


def lines_of(name):
    lines = (PROFILE / name).read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def colour_rules():
    """(name, filter) of each, in the order in which they are tried."""
    rules = [re.fullmatch(r"@([^@]+)@([^@]+)@\[\d+,\d+,\d+\]\[\d+,\d+,\d+\]", line) for line in lines_of("colorfilters")]
    assert rules and all(rules)
    return [rule.groups() for rule in rules]


def buttons():
    """The filter of each button by its label."""
    fields = [re.fullmatch(r'"TRUE","([^"]+)","([^"]+)","[^"]+"', line) for line in lines_of("dfilter_buttons")]
    assert fields and all(fields)
    return {field[1]: field[2].replace(r"\x22", '"') for field in fields}


@pytest.fixture(scope="module")
def profile(host):
    """tshark with the profile, as the user who has it; it must not complain."""
    shutil.copytree(PROFILE, host.home / ".config/wireshark/profiles" / NAME)
    for each in (host.home / ".config").rglob("*"):
        each.chmod(0o777)

    def tshark(capture, *arguments):
        done = host.tshark("-C", NAME, "-r", host.captures / capture, *arguments)
        assert done.err == ""
        return done.out
    return tshark


def frames(profile, capture, display_filter):
    return [int(line) for line in profile(capture, "-Y", display_filter, "-T", "fields", "-e", "frame.number").split()]


def test_samples_have_every_impact():
    assert {facts["impact"] for sample in SAMPLES for facts in facts_of(sample)} == set(IMPACTS)


@pytest.mark.parametrize("capture", SAMPLES)
def test_columns(profile, capture):
    listed = ElementTree.fromstring(profile(capture, "-T", "psml"))
    titles = [section.text for section in listed.find("structure")]
    assert titles == ["No.", "Time", "Source", "Destination", "Protocol", *COLUMNS, "Info"]
    packets = [dict(zip(titles, [section.text or "" for section in packet])) for packet in listed.findall("packet")]
    shown = [[packet[title] for title in COLUMNS] for packet in packets if packet["Impact"]]
    assert shown == [[facts[fact] for fact in COLUMNS.values()] for facts in facts_of(capture)]
    elsewhere = {packet[title] for packet in packets if not packet["Impact"] for title in COLUMNS}
    assert elsewhere == {""}
    # no names are looked up
    (client,) = {facts["client_ip"] for facts in facts_of(capture)}
    (server,) = {facts["server_ip"] for facts in facts_of(capture)}
    assert {packet["Source"] for packet in packets} == {client, server}


def test_out_of_order_segments_are_reassembled(host, profile):
    """Neighbouring segments swapped: only with the preference is the certificate dissected."""
    name = "openssl-tls12-long-certificate.pcapng"
    parts = blocks(host, name)
    reordered = host.file("reordered.pcapng", parts.file(swapped(parts.packets, 1)))
    wanted = "-Y", "siptls.impact", "-T", "fields", "-e", "siptls.client_cert"
    assert host.tshark("-r", reordered, *wanted).out.split() == ["unknown"]
    assert profile(reordered, *wanted).split() == [facts["client_cert"] for facts in facts_of(name)] == ["present"]


@pytest.mark.parametrize("capture", SAMPLES)
def test_colours(profile, capture):
    """What Wireshark colours, and with which rule."""
    facts = facts_of(capture)
    fields = profile(capture, "--color", "-T", "fields", "-E", "separator=|", "-e", "frame.coloring_rule.name",
                     "-e", "siptls.impact", "-e", "siptls.certificate_request", "-e", "tcp.flags")
    rules = []
    for line in fields.splitlines():
        rule, impact, request, flags = line.split("|")
        edge = int(flags, 16) & 0x7                 # SYN, RST, FIN
        assert rule == (f"SIP-TLS {impact.replace('_', ' ')}" if impact else REQUEST if request else EDGE if edge else "")
        rules.append(rule)
    impacts = [rule for rule in rules if rule.startswith("SIP-TLS ") and rule != REQUEST]
    assert impacts == [f"SIP-TLS {each['impact'].replace('_', ' ')}" for each in facts]
    # lengths tell of a request on the verdict's frame
    assert rules.count(REQUEST) == [is_asked(each) and each["evidence"] != "record_lengths" for each in facts].count(True)


def test_colour_rules_and_their_order():
    rules = colour_rules()
    assert [name for name, _ in rules] == [*[f"SIP-TLS {impact.replace('_', ' ')}" for impact in IMPACTS[:3]],
                                          "SIP-TLS tolerant", "SIP-TLS unaffected", REQUEST, EDGE]


@pytest.mark.parametrize("name, rule", colour_rules())
def test_colour_filters(profile, name, rule):
    """Each is a valid filter as it stands, and finds the frames it is named after."""
    facts = facts_of("provider-renewal.pcapng")
    found = len(frames(profile, "provider-renewal.pcapng", rule))
    if name == REQUEST:
        assert found == len(facts) == 2
    elif name == EDGE:
        assert found == 4 * len(facts)              # SYN and FIN of both sides
    else:
        assert found == [each["impact"] for each in facts].count(name.removeprefix("SIP-TLS ").replace(" ", "_"))


def test_buttons_and_their_order():
    assert list(buttons()) == ["Asks for a certificate", "At risk", "Failing", "Undetermined",
                               "Certificates with clientAuth"]


@pytest.mark.parametrize("capture", SAMPLES[:1] + SAMPLES[3:5] + SAMPLES[6:7])
def test_buttons(profile, capture):
    facts = facts_of(capture)
    found = {label: len(frames(profile, capture, filter)) for label, filter in buttons().items()}
    leaves = [leaf["client_auth_eku"] for each in facts for leaf in (each["client_leaf"], each["server_leaf"]) if leaf]
    assert found == {
        "Asks for a certificate": [is_asked(each) for each in facts].count(True),
        "At risk": [each["impact"] for each in facts].count("at_risk"),
        "Failing": [each["impact"] for each in facts].count("failing"),
        "Undetermined": [each["impact"] for each in facts].count("undetermined"),
        "Certificates with clientAuth": leaves.count("yes"),
    }
