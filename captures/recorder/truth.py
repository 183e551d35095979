# SPDX-License-Identifier: GPL-2.0-or-later
"""What a capture shows with its keys, by stock tshark and openssl: an account independent of the plugin.

Deliberately another way than the plugin's: everything is decrypted with the key log and read message
by message, so CertificateRequest, Certificate and Finished are seen, never concluded.
"""

import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

FIELDS = ("frame.number", "tcp.stream", "ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport",
          "tls.handshake.type", "tls.handshake.certificates_length", "tls.handshake.certificate",
          "tls.alert_message.level", "tls.alert_message.desc", "tls.handshake.extensions.supported_version",
          "tls.handshake.version", "sip.Method", "sip.Status-Code", "tls.handshake.extensions_server_name")
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE, REQUEST, KEY_EXCHANGE, FINISHED, COMPRESSED = 1, 2, 11, 13, 16, 20, 25
CLOSE_NOTIFY, NO_CERTIFICATE, USER_CANCELED = 0, 41, 90   # 41: SSL 3.0's empty answer, RFC 6101 5.4.2
ALERTS = {40: "handshake_failure", 42: "bad_certificate", 43: "unsupported_certificate", 45: "certificate_expired",
          46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
          70: "protocol_version", 80: "internal_error", 109: "missing_extension", 112: "unrecognized_name",
          116: "certificate_required", 120: "no_application_protocol"}


@dataclass
class Side:
    leaf: bytes | None = None
    empty: bool = False
    compressed: bool = False
    messages: list = field(default_factory=list)
    finished: bool = False
    sip: bool = False
    alert: str | None = None


@dataclass
class Seen:
    """One TLS connection as its messages show it."""
    client_address: str = ""
    client_port: int = 0
    server_address: str = ""
    server_port: int = 0
    version: str | None = None
    sni: str | None = None
    client: Side = field(default_factory=Side)
    server: Side = field(default_factory=Side)

    @property
    def requested(self):
        return REQUEST in self.server.messages

    @property
    def completed(self):
        # Wireshark 4.4 leaves the type of many a decrypted Finished out; what a server says in SIP comes behind it
        return self.client.finished and (self.server.finished or self.server.sip)


def rows(capture: Path, keys: Path):
    """One dictionary per TLS-bearing TCP frame; every value a list of strings."""
    with tempfile.TemporaryDirectory() as home:
        command = ["tshark", "-n", "-r", str(capture), "-o", f"tls.keylog_file:{keys}", "-2",
                   "-o", "tcp.reassemble_out_of_order:TRUE", "-d", "tls.port==5071,sip", "-d", "tls.port==5061,sip",
                   "-Y", "tcp", "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=;"]
        for name in FIELDS:
            command += ["-e", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              env={"HOME": home, "PATH": "/usr/bin:/bin:/usr/sbin", "LC_ALL": "C.UTF-8"})
    for line in done.stdout.splitlines():
        values = [value.split(";") if value else [] for value in line.split("|")]
        yield dict(zip(FIELDS, values, strict=True))


def connections(capture: Path, keys: Path):
    """The TLS connections of a capture in the order of their first frame."""
    found = {}
    for row in rows(capture, keys):
        stream = int(row["tcp.stream"][0])
        source = ((row["ip.src"] or row["ipv6.src"])[0], int(row["tcp.srcport"][0]))
        target = ((row["ip.dst"] or row["ipv6.dst"])[0], int(row["tcp.dstport"][0]))
        types = [int(each) for each in row["tls.handshake.type"]]
        seen = found.get(stream)
        if seen is None:
            seen = found[stream] = Seen(*source, *target)
        from_client = source == (seen.client_address, seen.client_port)
        _note(seen, seen.client if from_client else seen.server, row, types)
    return [found[stream] for stream in sorted(found)]


def _note(seen, side, row, types):
    side.messages += types
    if CLIENT_HELLO in types and row["tls.handshake.extensions_server_name"]:
        seen.sni = row["tls.handshake.extensions_server_name"][0]
    if SERVER_HELLO in types:
        versions = row["tls.handshake.extensions.supported_version"] or row["tls.handshake.version"][-1:]
        seen.version = {"0x0304": "1.3", "0x0303": "1.2", "0x0302": "1.1", "0x0301": "1.0", "0x0300": "ssl3"}[
            versions[-1].split(",")[0]]
    if CERTIFICATE in types:
        if row["tls.handshake.certificates_length"] and int(row["tls.handshake.certificates_length"][0]) == 0:
            side.empty = True
        elif row["tls.handshake.certificate"] and side.leaf is None:
            side.leaf = bytes.fromhex(row["tls.handshake.certificate"][0].replace(":", ""))
    side.compressed |= COMPRESSED in types
    if row["tls.alert_message.desc"] and not side.sip:
        code = int(row["tls.alert_message.desc"][0])
        if code == NO_CERTIFICATE:
            side.empty = True
        elif code not in (CLOSE_NOTIFY, USER_CANCELED):
            side.alert = ALERTS[code]
    side.finished |= FINISHED in types
    side.sip |= bool(row["sip.Method"] or row["sip.Status-Code"])


def leaf_facts(der: bytes):
    """Subject, EKU and so on of a certificate, by the openssl command."""
    def ask(*words):
        return subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", *words], input=der, check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    def value(option, *words):
        return ask(option, *words).strip().split("=", 1)[1]
    text = ask("-ext", "extendedKeyUsage").splitlines()
    names = {"TLS Web Server Authentication": "serverAuth", "TLS Web Client Authentication": "clientAuth",
             "Any Extended Key Usage": "any", "1.3.6.1.5.5.7.3.20": "sipDomain"}
    eku = [names[each.strip()] for each in text[-1].split(",")] if len(text) > 1 else []
    usage = ("no_eku" if not eku else "yes" if "clientAuth" in eku else "any" if "any" in eku else "no")
    return {"subject": value("-subject", "-nameopt", "RFC2253"), "issuer": value("-issuer", "-nameopt", "RFC2253"),
            "serial": value("-serial").lower(), "sha256": value("-fingerprint", "-sha256").replace(":", "").lower(),
            "eku": eku, "client_auth_eku": usage}


def der(certificate: Path):
    """The DER octets of a PEM file's first certificate."""
    return subprocess.run(["openssl", "x509", "-in", str(certificate), "-outform", "DER"], check=True,
                          stdout=subprocess.PIPE).stdout
