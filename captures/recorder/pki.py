# SPDX-License-Identifier: GPL-2.0-or-later
"""The PKI of the captures, made anew by each run with the openssl command.

A leaf is known by a name; its chain (leaf first, without the root), key and root are files.
"""

import datetime
import subprocess
from dataclasses import dataclass
from pathlib import Path

SIP_DOMAIN = "1.3.6.1.5.5.7.3.20"


@dataclass(frozen=True)
class Leaf:
    """One end-entity certificate as a program is configured with it."""
    name: str
    certificate: Path
    chain: Path
    key: Path


@dataclass(frozen=True)
class Kind:
    """How a certificate is made: subject, issuer, EKU (None: no extension), key, validity in days from now."""
    subject: str
    issuer: str | None
    eku: str | None = None
    ca: bool = False
    key: str = "rsa"
    days: tuple = (-30, 3650)
    san: tuple = ()


PROVIDER, CUSTOMER = "sip.provider.example", "sbc.customer.example"


def _leaf(common_name, issuer, eku, **more):
    return Kind(f"/O=Example/CN={common_name}", issuer, eku, san=(common_name,), **more)


BOTH = "serverAuth,clientAuth"
KINDS = {
    "root": Kind("/O=Example Trust/CN=Example Root", None, ca=True),
    "other-root": Kind("/O=Elsewhere/CN=Unknown Root", None, ca=True),
    "issuing": Kind("/O=Example Trust/CN=Example Issuing CA", "root", ca=True),
    "issuing-server": Kind("/O=Example Trust/CN=Example serverAuth CA", "root", "serverAuth", ca=True),
    "issuing-both": Kind("/O=Example Trust/CN=Example serverAuth and clientAuth CA", "root", BOTH, ca=True),
    "policy": Kind("/O=Example Trust/CN=Example Policy CA", "root", ca=True, key="ec"),
    "regional": Kind("/O=Example Trust/CN=Example Regional CA", "policy", ca=True, key="ec"),
    "site": Kind("/O=Example Trust/CN=Example Site CA", "regional", ca=True, key="ec"),
    # what a client (the provider) presents
    "both": _leaf(PROVIDER, "issuing", BOTH),
    "both-ec": _leaf(PROVIDER, "issuing", BOTH, key="ec"),
    "server-only": _leaf(PROVIDER, "issuing", "serverAuth"),
    "server-only-ec": _leaf(PROVIDER, "issuing", "serverAuth", key="ec"),
    "client-only": _leaf(PROVIDER, "issuing", "clientAuth"),
    "no-eku": _leaf(PROVIDER, "issuing", None),
    "any-eku": _leaf(PROVIDER, "issuing", "anyExtendedKeyUsage"),
    "sip-domain": _leaf(PROVIDER, "issuing", f"serverAuth,{SIP_DOMAIN}"),
    "excluded": _leaf(PROVIDER, "issuing-server", BOTH),
    "allowed": _leaf(PROVIDER, "issuing-both", BOTH),
    "expired": _leaf(PROVIDER, "issuing", BOTH, days=(-400, -10)),
    "untrusted": _leaf(PROVIDER, "other-root", BOTH),
    "client-only-untrusted": _leaf(PROVIDER, "other-root", "clientAuth"),
    "no-eku-untrusted": _leaf(PROVIDER, "other-root", None),
    # what a server (the customer's endpoint) presents
    "sbc": _leaf(CUSTOMER, "issuing", "serverAuth"),
    "sbc-ec": _leaf(CUSTOMER, "issuing", "serverAuth", key="ec"),
    "sbc-both": _leaf(CUSTOMER, "issuing", BOTH),
    "sbc-untrusted": _leaf(CUSTOMER, "other-root", "serverAuth"),
    "sbc-long-chain": _leaf(CUSTOMER, "site", "serverAuth", key="ec"),
    # a Certificate message longer than one record may be
    "sbc-many-names": Kind("/O=Example/CN=" + CUSTOMER, "issuing", "serverAuth", key="ec",
                           san=(CUSTOMER, *(f"trunk-{n:03}.region-of-many.example" for n in range(500)))),
}


def _openssl(*words, **options):
    return subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **options).stdout


class Pki:
    def __init__(self, folder: Path):
        self.folder = folder
        self.made = set()
        folder.mkdir(parents=True)

    @property
    def root(self):
        """The root that servers and clients trust."""
        self._make("root")
        return self.folder / "root.pem"

    def leaf(self, name) -> Leaf:
        self._make(name)
        return Leaf(name, *(self.folder / f"{name}{suffix}" for suffix in (".pem", ".chain.pem", ".key")))

    def _make(self, name):
        if name in self.made:
            return
        self.made.add(name)
        kind = KINDS[name]
        if kind.issuer:
            self._make(kind.issuer)
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        algorithm = (["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"] if kind.key == "rsa"
                     else ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
        _openssl("genpkey", *algorithm, "-out", key)
        key.chmod(0o644)
        self._sign(name, kind, key, certificate)
        chain, issuer = [certificate.read_text()], kind.issuer
        while issuer and KINDS[issuer].issuer:
            chain.append((self.folder / f"{issuer}.pem").read_text())
            issuer = KINDS[issuer].issuer
        (self.folder / f"{name}.chain.pem").write_text("".join(chain))

    def _sign(self, name, kind, key, certificate):
        extensions = ["[extensions]", "subjectKeyIdentifier = hash"]
        if kind.issuer:
            extensions.append("authorityKeyIdentifier = keyid:always")
        if kind.ca:
            extensions += ["basicConstraints = critical, CA:true", "keyUsage = critical, keyCertSign, cRLSign"]
        else:
            usage = "digitalSignature, keyEncipherment" if kind.key == "rsa" else "digitalSignature"
            extensions += ["basicConstraints = CA:false", f"keyUsage = critical, {usage}"]
        if kind.eku:
            extensions.append(f"extendedKeyUsage = {kind.eku}")
        if kind.san:
            extensions.append("subjectAltName = " + ",".join(f"DNS:{each}" for each in kind.san))
        issuer = kind.issuer or name
        (self.folder / f"{name}.index").write_text("")
        config = self.folder / f"{name}.cnf"
        config.write_text("\n".join([
            "[ca]", "default_ca = own", "[own]", f"database = {self.folder / name}.index",
            f"new_certs_dir = {self.folder}", "default_md = sha256", "policy = any", "rand_serial = yes",
            "unique_subject = no", "[any]", "organizationName = optional", "commonName = supplied",
            "[req]", "distinguished_name = empty", "prompt = no", "[empty]", *extensions, ""]))
        request = self.folder / f"{name}.csr"
        _openssl("req", "-new", "-config", config, "-key", key, "-subj", kind.subject, "-out", request)
        now = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0)
        start, end = ((now + datetime.timedelta(days=each)).strftime("%Y%m%d%H%M%SZ") for each in kind.days)
        signer = (["-selfsign", "-keyfile", key] if not kind.issuer
                  else ["-cert", self.folder / f"{issuer}.pem", "-keyfile", self.folder / f"{issuer}.key"])
        _openssl("ca", "-batch", "-notext", "-config", config, *signer, "-extensions", "extensions", "-preserveDN",
                 "-startdate", start, "-enddate", end, "-in", request, "-out", certificate)
