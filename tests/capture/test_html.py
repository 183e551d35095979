# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of --format html: what it says, that it is one file, and that nothing of what others wrote is markup in it."""

import base64
import hashlib
import html.parser
import json
import os
import re

import pytest

from conftest import EXPECTED

NOT_READ = 2
IMPACTS = ("failing", "at_risk", "undetermined", "tolerant", "unaffected")
NEVER_CLOSED = {"meta", "input", "br", "path", "rect"}
CLOSED_BY_OTHERS = {"li"}
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Document(html.parser.HTMLParser):
    """`elements`: (tag, attributes) of each; `text`: what is to be read; `raw`: style and script."""

    def __init__(self, markup):
        super().__init__()
        self.markup, self.elements, self.stack, self.pieces, self.raw = markup, [], [], [], {}
        self.feed(markup)
        self.close()
        assert self.stack == []
        self.text = re.sub(r"\s+", " ", "".join(self.pieces))

    def handle_starttag(self, tag, attributes):
        assert len(dict(attributes)) == len(attributes), "an attribute twice"
        self.elements.append((tag, dict(attributes)))
        if tag not in NEVER_CLOSED | CLOSED_BY_OTHERS:
            self.stack.append(tag)
        if tag in ("p", "li", "pre", "br", "div", "section", "details"):
            self.pieces.append(" ")

    def handle_endtag(self, tag):
        if tag not in NEVER_CLOSED | CLOSED_BY_OTHERS:
            assert self.stack.pop() == tag

    def handle_startendtag(self, tag, attributes):
        assert tag in NEVER_CLOSED
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self.stack and self.stack[-1] in ("style", "script"):
            self.raw[self.stack[-1]] = self.raw.get(self.stack[-1], "") + data
        else:
            self.pieces.append(data)

    def handle_comment(self, data):
        raise AssertionError("a comment")

    def of(self, tag):
        return [attributes for each, attributes in self.elements if each == tag]

    @property
    def rows(self):
        return [attributes for attributes in self.of("details") if "data-impact" in attributes]

    def commands(self):
        return [html.unescape(each) for each in re.findall("<pre>(.*?)</pre>", self.markup)]


def page(host, *arguments, status=None):
    done = host.run(host.scan, "--quiet", "--format", "html", *arguments, check=False)
    assert done.returncode in (0, 1, NOT_READ, 3) if status is None else done.returncode == status, done.err
    return Document(done.stdout.decode("utf-8"))    # and so it is valid UTF-8


@pytest.fixture(name="renewal", scope="module")
def connections_of_the_renewal(host):
    """The records of a client whose certificate is accepted, and of the same with a new one, refused."""
    done = host.run(host.scan, "--quiet", "--format", "ndjson", host.capture("provider-renewal.pcapng"), check=False)
    return [record for record in map(json.loads, done.out.splitlines()) if record["type"] == "connection"]


@pytest.fixture(name="everything", scope="module")
def page_of_all_captures(host):
    return page(host, host.captures, status=1)


def file_record(name, connections, status="ok", error=None):
    return {"type": "file", "schema": 1, "file": name, "host": "h", "size": 1, "packets": 9, "connections": connections,
            "status": status, "error": error}


def log(host, name, records):
    """A log of one capture, named as the records say."""
    lines = [*records, file_record(records[-1]["file"], len(records))] if records[-1]["type"] == "connection" else records
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return host.file(name, text.encode("utf-8", "surrogatepass"))


# ---- what it says ----------------------------------------------------------------------------------

def test_an_endpoint_has_its_evidence(host):
    capture = host.capture("provider-renewal.pcapng")
    document = page(host, capture, status=1)
    for text in ("1 endpoint, 2 connections of SIP over TLS in 1 file, captured 2026-11-24 06:46 to 2026-11-24 06:46",
                 "turn off client certificate verification on 198.51.100.20:5061",
                 "198.51.100.20:5061 sbc.customer.example 2 of 2 decided",
                 f"{capture} frames 20-35", f"{capture} frames 1-19",
                 "rejected_without_client_auth_eku): 1 connection", "relies_on_client_auth_eku): 1 connection",
                 "192.0.2.10: 2 of 2 connections decided",
                 "client CN=sip.provider.example,O=Example (DNS:sip.provider.example), issued by CN=Example Issuing "
                 "CA,O=Example Trust; EKU serverAuth, clientAuth; expires 2036-11-21 00:00; 1 connection",
                 "EKU serverAuth; expires 2036-11-21 00:00; 1 connection",
                 "server CN=sbc.customer.example,O=Example",
                 "unsupported_certificate from the server: 1 connection"):
        assert text in document.text
    assert [row["data-impact"] for row in document.rows] == ["failing"]
    picture = [each for each in document.of("svg") if each.get("role") == "img"]
    assert [each["aria-label"] for each in picture] == ["Connections over time: 1 failing 1 at_risk"]


def test_its_command_shows_the_packets(host):
    document = page(host, host.capture("provider-renewal.pcapng"))
    shown = host.run("sh", "-c", document.commands()[0])
    assert len(shown.out.splitlines()) == 16 and "Certificate Request" in shown.out


def test_certificates_that_carry_client_auth(host, renewal):
    """By expiry; the renewed one of the two has no clientAuth and is no part of it."""
    records = [json.loads(json.dumps(renewal[0])) for _ in range(3)]
    for number, (record, day) in enumerate(zip(records, ("2027-05-01", "2026-12-24", "2027-01-15"))):
        record["client_leaf"] |= {"sha256": f"{number:064}", "subject": f"CN=host{number}", "not_after": f"{day}T00:00:00Z"}
    document = page(host, "--from-log", log(host, "carriers.ndjson", [*records, renewal[1]]))
    section = document.text.split("Certificates that still carry clientAuth")[1].split("Files that could not")[0]
    assert re.findall("CN=host[0-9]", section) == ["CN=host1", "CN=host2", "CN=host0"]
    assert section.count("expires ") == 3 and "1 connection, 1 endpoint" in section


def test_counts_are_those_of_the_captures(host):
    """One endpoint of each impact, each in a capture of its own, moved to a server of its own."""
    samples = {"failing": "provider-renewal.pcapng", "at_risk": "openssl-tls12-optional-empty.pcapng",
               "undetermined": "openssl-tls12-anonymous.pcapng", "tolerant": "gnutls-tls12-server-only-accepted.pcapng",
               "unaffected": "openssl-tls12-not-asked.pcapng"}
    lines = []
    for number, (impact, name) in enumerate(samples.items()):
        assert impact in {each["facts"]["impact"] for each in EXPECTED if each["file"] == name}
        done = host.run(host.scan, "--quiet", "--format", "ndjson", host.capture(name), check=False)
        lines += [record | {"server_ip": f"198.51.100.{number}"} for record in map(json.loads, done.out.splitlines())
                  if record["type"] != "run"]
    document = page(host, "--from-log", log(host, "each.ndjson", lines), status=1)
    assert [row["data-impact"] for row in document.rows] == list(IMPACTS)
    for words in ("1 failing", "1 at risk", "1 undetermined", "1 tolerant", "1 unaffected"):
        assert words in document.text
    assert "1 of 6 connections (16%) could not be decided" in document.text
    assert "the cipher suite uses no certificates (suite_without_certificates)" in document.text


def test_what_to_do_speaks_of_clients_where_rows_are_clients(host):
    document = page(host, "--by", "client", host.capture("provider-renewal.pcapng"), status=1)
    first = document.text.split("What to do first")[1].split("Clients")[0]
    assert "failing 1 client: " in first and "on 198.51.100.20:5061" in first and "See 192.0.2.10" in first
    assert "1 client, 2 connections" in document.text and "endpoint" not in document.text
    assert "Servers failing 198.51.100.20:5061: 2 of 2" in document.text


def test_an_undecided_client_is_named_as_such(host):
    document = page(host, "--by", "client", host.capture("openssl-tls12-anonymous.pcapng"), status=3)
    assert "not decided for 192.0.2.10: capture a handshake" in document.text
    assert "Nothing was decided. This is no all-clear." in document.text


def test_whose_server_it_is_decides_the_advice(host):
    capture = host.capture("provider-renewal.pcapng")
    for by in ("endpoint", "client"):
        assert "198.51.100.20:5061 is not yours" in page(host, "--by", by, "--own", "203.0.113.0/24", capture).text
        assert "is not yours" not in page(host, "--by", by, "--own", "198.51.100.0/24", capture).text


def test_names_of_hosts(host):
    names = host.file("html-names.csv", b"198.51.100.20,Munich <SBC>\n192.0.2.10,The provider\n")
    document = page(host, "--names", names, host.capture("provider-renewal.pcapng"))
    assert "sbc.customer.example Munich <SBC>" in document.text and "192.0.2.10 The provider" in document.text


def test_files_that_could_not_be_read(host):
    whole = host.capture("openssl-tls12-not-asked.pcapng").read_bytes()
    short, absent = host.file("html-short.pcapng", whole[:-10]), host.work / "absent.pcapng"
    document = page(host, short, absent, status=NOT_READ)
    unread = document.text.split("Files that could not be read")[-1]
    assert f"{short}: " in unread and "cut short" in unread and f"{absent}: not there" in unread
    assert "Not everything could be read" in document.text.split("What to do")[0]
    assert "Not everything" not in page(host, host.capture("openssl-tls12-not-asked.pcapng"), status=0).text


def test_a_file_that_is_expected_and_missing(host):
    folder, listed, part = host.work / "html-expected", host.work / "html-expected.list", host.work / "html-part.ndjson"
    folder.mkdir()
    for name in ("provider-renewal.pcapng", "openssl-tls12-not-asked.pcapng"):
        (folder / name).write_bytes(host.capture(name).read_bytes())
    host.run(host.scan, "--write-list", listed, folder)
    host.run(host.scan, "--quiet", "--log", part, folder / "openssl-tls12-not-asked.pcapng")
    document = page(host, "--from-log", part, "--expect", listed, status=NOT_READ)
    assert "Not everything could be read" in document.text


def test_nothing_found_is_no_all_clear(host):
    document = page(host, host.capture("openssl-tls12-port-5071.pcapng"), status=3)
    assert "No SIP over TLS was found. This is no all-clear" in document.text and document.rows == []


def test_what_was_left_out_is_counted(host):
    document = page(host, "--client", "203.0.113.0/24", host.capture("provider-renewal.pcapng"), status=3)
    assert "2 left out by --client, --since, --until" in document.text


# ---- one and the same file -------------------------------------------------------------------------

@pytest.mark.parametrize("by", ("endpoint", "client"))
def test_logs_give_the_same_page(host, by):
    folder = host.work / f"html-logged-{by}"
    folder.mkdir()
    for name in ("provider-renewal", "openssl-tls12-anonymous", "openssl-tls13-no-keys-refused", "openssl-tls12-ipv6"):
        (folder / f"{name}.pcapng").write_bytes(host.capture(f"{name}.pcapng").read_bytes())
    (folder / "broken.pcapng").write_bytes(host.capture("provider-renewal.pcapng").read_bytes()[:-7])
    logs = [host.work / f"html-{by}-{shard}.ndjson" for shard in (1, 2)]
    live = page(host, "--by", by, folder, status=NOT_READ)
    for shard, each in enumerate(logs, 1):
        host.run(host.scan, "--quiet", "--shard", f"{shard}/2", "--log", each, folder, check=False)
    assert page(host, "--by", by, "--from-log", *logs, status=NOT_READ).markup == live.markup
    assert live.rows and page(host, "--by", by, "--jobs", "1", folder, status=NOT_READ).markup == live.markup


def test_nothing_is_fetched(everything):
    assert everything.rows
    for tag, attributes in everything.elements:
        assert not {"src", "srcset", "style", "action", "ping", "background"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert attributes.get("href", "#").startswith("#") and tag not in ("link", "iframe", "object", "embed", "base")
    assert not re.search(r"url\(|@import|https?:|//[a-z]", everything.raw["style"])
    assert not re.search(r"fetch|XMLHttp|WebSocket|import\(|innerHTML|eval|https?:", everything.raw["script"])


def test_policy_allows_its_own_style_and_script_only(host):
    document = page(host, host.capture("provider-renewal.pcapng"))
    policy, = [each["content"] for each in document.of("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    directives = dict(each.split(" ", 1) for each in policy.split("; "))
    assert directives.pop("default-src") == "'none'"
    for name in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(document.raw[name].encode()).digest()).decode()
        assert directives.pop(f"{name}-src") == f"'sha256-{digest}'"
        assert len(document.of(name)) == 1
    assert set(directives.values()) == {"'none'"}


def test_ids_are_unique_and_links_lead_somewhere(everything):
    ids = [attributes["id"] for _, attributes in everything.elements if "id" in attributes]
    links = [attributes["href"][1:] for attributes in everything.of("a")]
    assert len(ids) == len(set(ids)) and links and set(links) <= set(ids)


def test_everything_is_there_without_the_script(everything):
    """What only the script can use is hidden; everything else is markup."""
    assert [each for each in everything.of("form") if "hidden" in each] == everything.of("form") != []
    assert [tag for tag, attributes in everything.elements if "hidden" in attributes] == ["form"]


# ---- hostile input ---------------------------------------------------------------------------------

HOSTILE = ("<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</style><b>",
           "-->", "<!--", "&lt;b&gt;", "]]>", "a\u202egpj.exe", "\u2066x\u2069", "tab\tnew\nline", "\x01\x1b[2J\x9b\x85",
           "%s%n%u", "Zürich", "</details></main>", "javascript:alert(1)", "\ufeff\u200b", "\ud800", "x" * 70000)


def shapes(document):
    """Every kind of element with the names of its attributes."""
    return {(tag, *sorted(attributes)) for tag, attributes in document.elements}


@pytest.fixture(name="harmless", scope="module")
def shapes_of_harmless_pages(host, everything):
    absent, capture = host.work / "absent", host.capture("provider-renewal.pcapng")
    return shapes(everything).union(*(shapes(page(host, "--by", by, absent, capture)) for by in ("endpoint", "client")))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_others_wrote_is_text(host, renewal, harmless, text):
    record = json.loads(json.dumps(renewal[1]))
    record |= {"file": text, "sni": text, "alpn": text, "server_ip": text, "client_ip": text, "filter": text,
               "cipher": text, "tls": text, "alpn_offered": [text]}
    record["alert"] |= {"name": text, "from": text}
    for leaf in (record["client_leaf"], record["server_leaf"]):
        leaf |= {name: text for name in ("subject", "issuer", "serial")} | {"san": [text] * 9, "eku": [text] * 9}
    lines = [record, file_record(text, 1), file_record(f"{text}2", 0, "unreadable", text)]
    document = page(host, "--from-log", log(host, "hostile.ndjson", lines))
    assert shapes(document) <= harmless
    assert not UNSEEN.search(document.markup)
    assert len(document.rows) == 1
    assert len(document.markup) < 1000000
    plain = text.strip()
    if plain.isprintable() and not UNSEEN.search(plain) and len(plain) < 200 and plain != "\ud800":
        assert document.text.count(plain) >= 8


def test_file_names_of_any_octets(host, harmless):
    folder = os.fsencode(host.work / "html-names")
    os.mkdir(folder)
    octets = host.capture("provider-renewal.pcapng").read_bytes()
    for name in (b"<img src=x onerror=alert(1)>.pcapng", b"\xff\xfe\xc3(.pcapng", "a\u202eb\x07\nc.pcapng".encode()):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(octets)
    with open(os.path.join(folder, b"<b>&broken\x9b.pcapng"), "wb") as file:
        file.write(octets[:-9])
    document = page(host, os.fsdecode(folder), status=NOT_READ)
    assert shapes(document) <= harmless and not UNSEEN.search(document.markup)
    assert "4 files" in document.text and "<b>&broken" in document.text.split("Files that could not be read")[-1]


# ---- bounds ----------------------------------------------------------------------------------------

def test_what_is_beyond_a_bound_is_counted(host, renewal):
    records = []
    for number in range(300):
        record = json.loads(json.dumps(renewal[1]))
        record |= {"client_ip": f"10.1.{number // 250}.{number % 250}"}
        record["client_leaf"] |= {"sha256": f"{number:064x}"}
        record["alert"] |= {"name": f"alert{number}"}
        records.append(record)
    document = page(host, "--from-log", log(host, "bounds.ndjson", records))
    assert "Each shows at most 8 reasons, 20 clients, 12 certificates and 8 alerts." in document.text
    assert document.text.count("1 of 1 connection decided") == 20 and "and 280 clients more" in document.text
    assert document.text.count("; 1 connection ") == 12
    # 256 certificates are kept, 32 kinds of alerts; of one connection, the server's certificate is among them
    assert "and 244 certificates more" in document.text and "and 45 connections with further certificates" in document.text
    assert "and 24 alerts more" in document.text and "and 268 connections with further alerts" in document.text


def test_advice_on_a_client_of_more_servers_than_are_kept(host, renewal):
    fine = {"impact": "unaffected", "reason": "no_certificate_request"}
    records = [renewal[1] | {"server_ip": f"10.0.{number // 250}.{number % 250}"} | (fine if number < 299 else {})
               for number in range(300)]
    document = page(host, "--by", "client", "--from-log", log(host, "servers.ndjson", records), status=1)
    assert "turn off client certificate verification on the servers that it calls" in document.text
    assert "and 280 servers more" in document.text


def test_many_endpoints_stay_small(host, renewal):
    records = [renewal[1] | {"server_ip": f"10.{number // 250}.{number % 250}.1", "client_ip": f"10.9.9.{client}"}
               for number in range(1200) for client in range(6)]
    document = page(host, "--from-log", log(host, "many.ndjson", records))
    assert len(document.rows) == 1200
    assert "at most 3 reasons, 4 clients, 3 certificates and 2 alerts, because there are so many" in document.text
    assert document.text.count("and 2 clients more") == 1200
    assert len(document.markup) < 1200 * 4096
