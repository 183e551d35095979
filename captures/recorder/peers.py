# SPDX-License-Identifier: GPL-2.0-or-later
"""Pairs of the project's own small peers, which take the same options on every TLS stack."""

import shutil
import subprocess
from pathlib import Path

from . import lab as network
from . import programs

SOURCES = Path(__file__).resolve().parents[1] / "peers"


CARGO = """
[package]
name = "peer-rustls"
version = "0.0.0"
edition = "2021"
[[bin]]
name = "peer-rustls"
path = "{source}"
[dependencies]
rustls = "0.20"
rustls-pemfile = "1"
"""
CARGO_OFFLINE = """
source.crates-io.replace-with = "debian"
source.debian.directory = "/usr/share/cargo/registry"
"""


def build(tools: Path):
    """Compiles what programs have preloaded into the folder."""
    tools.mkdir(parents=True)
    for library in ("keylog", "padding"):
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", tools / f"{library}.so", SOURCES / f"{library}.c", "-ldl"],
                       check=True)


def build_go(lab):
    subprocess.run(["go", "build", "-o", lab.tools / "peer-go", SOURCES / "peer.go"], check=True, cwd=lab.tools,
                   env={"PATH": "/usr/bin:/bin", "HOME": str(lab.tools), "GOCACHE": str(lab.tools / "go-cache"),
                        "GOTOOLCHAIN": "local", "GO111MODULE": "off"})
    return lab.tools / "peer-go",


def build_jsse(lab):
    subprocess.run(["javac", "-d", lab.tools, SOURCES / "Peer.java"], check=True)
    return "java", "-cp", lab.tools, "Peer"


def build_c(lab, stack, *libraries, inside=()):
    program, source = lab.tools / f"peer-{stack}", lab.tools / f"peer-{stack}.c"
    for name in ("peer.h", source.name):
        shutil.copy(SOURCES / name, lab.tools)
    subprocess.run([*inside, "gcc", "-O2", "-o", program, source, *libraries], check=True)
    return *inside, program


def build_rustls(lab):
    """With the crates that Debian packages, no others."""
    folder = lab.tools / "rustls"
    folder.mkdir(exist_ok=True)
    (folder / "Cargo.toml").write_text(CARGO.format(source=SOURCES / "peer.rs"))
    (folder / "offline.toml").write_text(CARGO_OFFLINE)
    subprocess.run(["cargo", "--config", "offline.toml", "build", "--offline", "--quiet"], check=True, cwd=folder,
                   env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "CARGO_HOME": str(folder / "home")})
    return folder / "target/debug/peer-rustls",


MAKE = {
    "openssl": lambda lab: ("/usr/bin/python3", "-B", SOURCES / "openssl_peer.py"),
    "go": build_go,
    "jsse": build_jsse,
    "gnutls": lambda lab: build_c(lab, "gnutls", "-lgnutls"),
    "wolfssl": lambda lab: build_c(lab, "wolfssl", "-lwolfssl"),
    "mbedtls": lambda lab: build_c(lab, "mbedtls", "-lmbedtls", "-lmbedx509", "-lmbedcrypto",
                                   inside=programs.debian13(lab)),
    "erlang": lambda lab: ("escript", SOURCES / "peer.escript"),
    "rustls": build_rustls,
}
MADE = {}


def command(lab, stack):
    """How a peer is called; it is compiled when first asked for."""
    if stack not in MADE:
        MADE[stack] = MAKE[stack](lab)
    return MADE[stack]


def address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def server(lab, stack, leaf="sbc", ask="no", host=network.SERVER, port=5061, **options):
    """Starts a server; returns it when it listens."""
    program = lab.start(*command(lab, stack), "server", "--listen", address(host, port), *identity(lab, leaf),
                        "--ask", ask, *spelled(options, lab))
    program.wait_for("ready")
    return program


def client(lab, stack, leaf=None, host=network.SERVER, port=5061, name="sbc.customer.example", **options):
    """Runs a client to its end."""
    program = lab.start(*command(lab, stack), "client", "--connect", address(host, port), "--name", name,
                        *identity(lab, leaf), *spelled(options, lab))
    if program.finish() != 0:
        raise network.RecordingError(program.output())
    return program


def identity(lab, leaf):
    words = ["--ca", lab.pki.root]
    if leaf:
        own = lab.pki.leaf(leaf)
        words += ["--cert", own.chain, "--key", own.key]
    return words


def spelled(options, lab):
    """{"no_tickets": True, "tls": "1.2"} as command line words."""
    words = ["--keylog", lab.keys]
    for key, value in options.items():
        if key == "tls":
            words += ["--min", value, "--max", value]
        elif value is True:
            words.append("--" + key.replace("_", "-"))
        elif value not in (None, False):
            words += ["--" + key.replace("_", "-"), str(value)]
    return words


def pair(lab, tls, ask="no", client_leaf=None, server_leaf="sbc", stacks=("openssl", "openssl"), both=None,
         to_server=None, to_client=None, host=network.SERVER, port=5061):
    """One server and one client, run to the end of both. `stacks` are the server's and the client's."""
    both = {"tls": tls, **(both or {})}
    serving = server(lab, stacks[0], server_leaf, ask, host, port, **both, **(to_server or {}))
    client(lab, stacks[1], client_leaf, host, port, **both, **(to_client or {}))
    serving.finish()
