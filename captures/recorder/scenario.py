# SPDX-License-Identifier: GPL-2.0-or-later
"""What happened in a recording, what a capture of it must be judged as, and the check of the first.

A scenario runs programs in a Lab and returns one Connection per TLS connection, in the order of
their first packets. Connection says what the programs were made to do; verify() compares that with
the decrypted messages (truth.py); statement() is the line of expected.ndjson.
"""

import functools
from dataclasses import dataclass, field
from typing import Callable

from . import lab as network
from . import truth
from .lab import RecordingError

NONE, EMPTY = "none", "empty"
COMPLETED, REJECTED = "completed", "rejected"
LEFT_OPEN = object()    # a fact that the statement of a capture says nothing about
ALERT_CODES = {name: code for code, name in truth.ALERTS.items()}


@dataclass
class Connection:
    """One TLS connection as the programs were made to do it."""
    tls: str                            # the negotiated version
    asked: bool                         # the server sends a CertificateRequest (in any handshake of the connection)
    answer: str = NONE                  # NONE, EMPTY or the name of the leaf that the client presents
    outcome: str = COMPLETED
    alert: tuple | None = None          # (side, name) of the fatal alert
    server_leaf: str | None = "sbc"     # None: the server presents no certificate
    sni: str | None = "sbc.customer.example"
    client_compressed: bool = False     # the client's Certificate is a CompressedCertificate
    answered: bool | None = None        # the server answers a SIP request; default: a completed one does
    server: str = network.SERVER
    client: str = network.CLIENT
    port: int = 5061
    # what must be said of it
    impact: str = "unaffected"
    reason: str = "no_certificate_request"
    shown: dict = field(default_factory=dict)   # facts that the capture shows otherwise, or that need saying
    options: tuple = ()                 # tshark options under which this holds

    @property
    def sip_answered(self):
        return self.outcome == COMPLETED if self.answered is None else self.answered


@dataclass(frozen=True)
class Scenario:
    name: str
    how: str
    run: Callable
    keys: bool              # the capture carries its TLS keys
    decrypts: bool          # the keys are known; else the scenario looks into the programs' logs itself
    debian13: bool          # it needs the folder of Debian 13


SCENARIOS = {}


def scenario(name, how, keys=False, decrypts=True, debian13=False):
    """Registers the function that records the capture NAME.pcapng."""
    def register(run):
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name}")
        SCENARIOS[name] = Scenario(name, how, run, keys, decrypts, debian13)
        return run
    return register


def leaf_facts(pki, name):
    return _leaf_facts(pki.leaf(name).certificate)


@functools.lru_cache(None)
def _leaf_facts(certificate):
    return truth.leaf_facts(truth.der(certificate))


def client_auth(connection):
    if not connection.asked:
        return "not_requested"
    if connection.answer == EMPTY and connection.outcome == COMPLETED:
        return "optional"
    if connection.answer == EMPTY and connection.alert and connection.alert[0] == "server":
        return "required"
    return "requested"


def facts(connection, pki):
    """The facts that a reader of the capture can have, in the words of the records."""
    side, name = connection.alert or (None, None)
    presented = connection.answer not in (NONE, EMPTY)
    said = {
        "client_ip": connection.client, "server_ip": connection.server, "server_port": connection.port,
        "tls": connection.tls, "sni": connection.sni, "role_from": "hello", "sip": "port", "resumed": False,
        "certificate_request_seen": connection.asked, "client_auth": client_auth(connection),
        "client_cert": "present" if presented else connection.answer,
        "client_leaf": leaf_facts(pki, connection.answer) if presented else None,
        "server_leaf": leaf_facts(pki, connection.server_leaf) if connection.server_leaf else None,
        "outcome": connection.outcome, "server_data": "yes" if connection.sip_answered else "no",
        "alert": {"from": side, "name": name, "code": ALERT_CODES[name]} if name else None,
        "evidence": "decrypted" if connection.tls == "1.3" else "cleartext",
        "impact": connection.impact, "reason": connection.reason,
    }
    return {key: value for key, value in (said | connection.shown).items() if value is not LEFT_OPEN}


def statement(scenario_, number, connection, pki):
    line = {"file": f"{scenario_.name}.pcapng", "connection": number, "how": scenario_.how}
    if connection.options:
        line["options"] = list(connection.options)
    return line | {"facts": facts(connection, pki)}


def verify(connection, seen, pki, decrypts):
    """Compares what was meant to happen with what decryption shows; raises RecordingError."""
    presented = connection.answer not in (NONE, EMPTY)
    side, name = connection.alert or (None, None)
    expected = {
        "addresses": (connection.client, connection.server, connection.port),
        "version": connection.tls, "sni": connection.sni, "CertificateRequest": connection.asked,
        "client leaf": truth.der(pki.leaf(connection.answer).certificate)
        if presented and not connection.client_compressed else None,
        "client's Certificate is compressed": connection.client_compressed,
        "empty answer": connection.answer == EMPTY,
        "server leaf": truth.der(pki.leaf(connection.server_leaf).certificate) if connection.server_leaf else None,
        "alert of the server": name if side == "server" else None,
        "alert of the client": name if side == "client" else None,
        "SIP answered": connection.sip_answered,
    }
    shown = {
        "addresses": (seen.client_address, seen.server_address, seen.server_port),
        "version": seen.version, "sni": seen.sni, "CertificateRequest": seen.requested,
        "client leaf": seen.client.leaf, "client's Certificate is compressed": seen.client.compressed, "empty answer": seen.client.empty, "server leaf": seen.server.leaf,
        "alert of the server": seen.server.alert, "alert of the client": seen.client.alert,
        "SIP answered": seen.server.sip,
    }
    if not decrypts:
        del expected["SIP answered"]
    elif connection.outcome == COMPLETED:
        expected["both Finished"], shown["both Finished"] = True, seen.completed
    wrong = [f"{what}: meant {_short(expected[what])}, decrypted {_short(shown[what])}"
             for what in expected if expected[what] != shown[what]]
    if wrong:
        raise RecordingError("; ".join(wrong))


def _short(value):
    return f"{len(value)} octets {value[-8:].hex()}" if isinstance(value, bytes) else repr(value)
