# SPDX-License-Identifier: GPL-2.0-or-later
"""Pairs of the project's own small peers, which take the same options on every TLS stack."""

import subprocess
from pathlib import Path

from . import lab as network

SOURCES = Path(__file__).resolve().parents[1] / "peers"


def build(tools: Path):
    """Compiles what the peers need into the folder."""
    tools.mkdir(parents=True)
    for library in ("keylog", "padding"):
        subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", tools / f"{library}.so", SOURCES / f"{library}.c", "-ldl"],
                       check=True)
    subprocess.run(["go", "build", "-o", tools / "peer-go", SOURCES / "peer.go"], check=True, cwd=tools,
                   env={"PATH": "/usr/bin:/bin", "HOME": str(tools), "GOCACHE": str(tools / "go-cache"),
                        "GOTOOLCHAIN": "local", "GO111MODULE": "off"})
    subprocess.run(["javac", "-d", tools, SOURCES / "Peer.java"], check=True)


def command(lab, stack):
    return {"openssl": ["/usr/bin/python3", "-B", SOURCES / "openssl_peer.py"],
            "go": [lab.tools / "peer-go"],
            "jsse": ["java", "-cp", lab.tools, "Peer"]}[stack]


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
