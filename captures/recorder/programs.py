# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs as they come: Kamailio, SIPp, openssl s_server and s_client, GnuTLS's and NSS's tools."""

import subprocess
import textwrap
from pathlib import Path

from . import lab as network
from .lab import RecordingError

SOURCES = Path(__file__).resolve().parents[1] / "peers"
NAME = "sbc.customer.example"
SIP_OPTIONS = "".join(line + "\r\n" for line in (
    f"OPTIONS sip:{NAME};transport=tls SIP/2.0", "Via: SIP/2.0/TLS sip.provider.example;branch=z9hG4bKsiptls",
    "From: <sip:provider@sip.provider.example>;tag=siptls", f"To: <sip:{NAME}>", "Call-ID: siptls@sip.provider.example",
    "CSeq: 1 OPTIONS", "Max-Forwards: 70", "Content-Length: 0", ""))
SIP_OK = "".join(line + "\r\n" for line in (
    "SIP/2.0 200 OK", "Via: SIP/2.0/TLS sip.provider.example;branch=z9hG4bKsiptls",
    "From: <sip:provider@sip.provider.example>;tag=siptls", f"To: <sip:{NAME}>;tag=sbc",
    "Call-ID: siptls@sip.provider.example", "CSeq: 1 OPTIONS", "Content-Length: 0", ""))


def write(path: Path, text):
    path.write_text(textwrap.dedent(text).lstrip())
    return path


# ---- Kamailio ----

def kamailio(lab, role, listen, tls_config, modules="", routes=""):
    """A Kamailio of one's own folder, in the foreground."""
    folder = lab.folder / role
    folder.mkdir()
    tls = write(folder / "tls.cfg", tls_config)
    config = folder / "kamailio.cfg"
    config.write_text(textwrap.dedent(f"""\
        #!KAMAILIO
        debug=2
        log_stderror=yes
        children=1
        tcp_children=1
        enable_tls=yes
        auto_aliases=no
        listen={listen}
        loadmodule "tls.so"
        loadmodule "tm.so"
        loadmodule "sl.so"
        loadmodule "pv.so"
        loadmodule "xlog.so"
        modparam("tls", "config", "{tls}")
        """) + textwrap.dedent(modules) + textwrap.dedent(routes or """
        request_route {
            sl_send_reply("200", "OK");
            xlog("L_WARN", "answered $rm\\n");
        }
        """))
    return lab.start("kamailio", "-DD", "-E", "-f", config, "-Y", folder, "-w", folder, "-m", "32", "-M", "4",
                     preload="keylog")


def yes(value):
    return "yes" if value else "no"


def kamailio_server(lab, verify, require, leaf="sbc", tls="TLSv1.2"):
    """Kamailio as the customer's endpoint; verify and require are tls.cfg's verify_certificate, require_certificate."""
    own = lab.pki.leaf(leaf)
    server = kamailio(lab, "endpoint", f"tls:{network.SERVER}:5061", f"""
        [server:default]
        method = {tls}
        verify_certificate = {yes(verify)}
        require_certificate = {yes(require)}
        certificate = {own.chain}
        private_key = {own.key}
        ca_list = {lab.pki.root}
        """)
    lab.wait_listening(5061)
    return server


def kamailio_dispatcher(lab, endpoint, leaf=None, tls="TLSv1.2"):
    """Kamailio as the client: its dispatcher sends OPTIONS until the endpoint has answered one, then it ends."""
    own = lab.pki.leaf(leaf) if leaf else None
    identity = f"certificate = {own.chain}\nprivate_key = {own.key}\n" if own else ""
    folder = lab.folder
    targets = write(folder / "dispatcher.list", f"1 sip:{network.SERVER}:5061;transport=tls\n")
    client = kamailio(lab, "provider", f"tls:{network.CLIENT}:5062", textwrap.dedent(f"""\
        [server:default]
        method = {tls}
        certificate = {lab.pki.leaf("both").chain}
        private_key = {lab.pki.leaf("both").key}
        [client:default]
        method = {tls}
        verify_certificate = yes
        require_certificate = yes
        ca_list = {lab.pki.root}
        """) + identity, f"""
        loadmodule "dispatcher.so"
        modparam("dispatcher", "list_file", "{targets}")
        modparam("dispatcher", "ds_ping_interval", 1)
        modparam("dispatcher", "ds_probing_mode", 1)
        """)
    endpoint.wait_for("answered OPTIONS")
    client.end()


# ---- baresip ----

def baresip_client(lab, leaf=None):
    """baresip registers and leaves again; it sends no SNI to an address."""
    folder = lab.folder / "baresip"
    folder.mkdir()
    own = lab.pki.leaf(leaf) if leaf else None
    identity = ""
    if own:
        (folder / "own.pem").write_text(own.chain.read_text() + own.key.read_text())
        identity = f"sip_certificate {folder}/own.pem\n"
    write(folder / "config", f"""
        module_path /usr/lib/baresip/modules
        module_app account.so
        module stdio.so
        sip_listen {network.CLIENT}:0
        sip_cafile {lab.pki.root}
        """)
    with (folder / "config").open("a") as config:
        config.write(identity)
    write(folder / "accounts", f"<sip:provider@{network.SERVER}:5061;transport=tls>;regint=3600\n")
    write(folder / "contacts", "")
    client = lab.start("baresip", "-f", folder, "-v", preload="keylog")
    client.wait_for("200 OK")
    client.end()


# ---- Node ----

def node_server(lab, version, leaf="sbc"):
    own = lab.pki.leaf(leaf)
    server = lab.start("node", SOURCES / "node-server.js", network.SERVER, 5061, own.chain, own.key, lab.pki.root,
                       version)
    server.wait_for("ready")
    return server


# ---- nginx ----

def nginx_server(lab, tls, leaf="sbc"):
    """nginx's stream module as a TLS front of a SIP server that it never has to reach."""
    own = lab.pki.leaf(leaf)
    folder = lab.folder / "nginx"
    folder.mkdir()
    config = write(folder / "nginx.conf", f"""
        load_module /usr/lib/nginx/modules/ngx_stream_module.so;
        daemon off;
        user root;
        worker_processes 1;
        pid {folder}/pid;
        error_log stderr info;
        events {{}}
        stream {{
            server {{
                listen {network.SERVER}:5061 ssl;
                ssl_protocols {tls};
                ssl_certificate {own.chain};
                ssl_certificate_key {own.key};
                ssl_client_certificate {lab.pki.root};
                ssl_verify_depth 3;
                ssl_verify_client on;
                proxy_pass {network.SERVER2}:5060;
            }}
        }}
        """)
    server = lab.start("nginx", "-p", folder, "-c", config, "-e", "stderr")
    lab.wait_listening(5061)
    return server


# ---- openssl s_server, s_client ----

def s_server(lab, *options, leaf="sbc", openssl=("openssl",), preload=None):
    words = [*openssl, "s_server", "-accept", f"{network.SERVER}:5061", "-CAfile", lab.pki.root, "-naccept", "1",
             "-keylogfile", lab.keys, *options]
    if leaf:
        own = lab.pki.leaf(leaf)
        words += ["-cert", own.certificate, "-key", own.key, "-cert_chain", own.chain]
    else:
        words += ["-nocert"]
    server = lab.start(*words, preload=preload)
    lab.wait_listening(5061)
    return server


def s_client(lab, *options, leaf=None, openssl=("openssl",), preload=None):
    words = [*openssl, "s_client", "-connect", f"{network.SERVER}:5061", "-servername", NAME, "-CAfile", lab.pki.root,
             *options]
    if leaf:
        own = lab.pki.leaf(leaf)
        words += ["-cert", own.certificate, "-key", own.key, "-cert_chain", own.chain]
    return lab.start(*words, preload=preload)


def debian13(lab):
    """The words that run a program of Debian 13's folder; it sees the files of this recording under their own names."""
    shared = lab.folder.parent
    inside = network.DEBIAN13 / shared.relative_to("/")
    if not inside.exists():
        inside.mkdir(parents=True)
    if not inside.is_mount():   # seen by this mount namespace only
        subprocess.run(["mount", "--bind", shared, inside], check=True)
    return "chroot", network.DEBIAN13


def leave_debian13(shared: Path):
    inside = network.DEBIAN13 / shared.relative_to("/")
    if inside.is_mount():
        subprocess.run(["umount", inside], check=True)
        inside.rmdir()


def converse(server, client, before_answer=lambda: None):
    """OPTIONS from the client, 200 OK from the server, both through their standard input; then the client leaves."""
    client.write(SIP_OPTIONS)
    server.wait_for("CSeq: 1 OPTIONS")
    before_answer()
    server.write(SIP_OK)
    client.wait_for("200 OK")
    client.close_input()
    client.finish()


# ---- GnuTLS ----

PRIORITY = {"1.0": "NORMAL:-VERS-ALL:+VERS-TLS1.0:+SHA1", "1.2": "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            "1.3": "NORMAL:-VERS-ALL:+VERS-TLS1.3"}


def gnutls_server(lab, ask, tls="1.2", leaf="sbc", *options):
    own = lab.pki.leaf(leaf)
    asking = {"no": ["--disable-client-cert"], "request": ["--verify-client-cert"],
              "require": ["--require-client-cert", "--verify-client-cert"]}[ask]
    server = lab.start("gnutls-serv", "--echo", "--port", "5061", "--x509certfile", own.chain, "--x509keyfile", own.key,
                       "--x509cafile", lab.pki.root, "--priority", PRIORITY[tls], *asking, *options)
    lab.wait_listening(5061)
    return server


def gnutls_client(lab, tls="1.2", leaf=None, *options, refused=False):
    words = ["gnutls-cli", "--port", "5061", "--sni-hostname", NAME, "--verify-hostname", NAME, "--x509cafile",
             lab.pki.root, "--priority", PRIORITY[tls], *options]
    if leaf:
        own = lab.pki.leaf(leaf)
        words += ["--x509certfile", own.chain, "--x509keyfile", own.key]
    client = lab.start(*words, network.SERVER)
    if not refused:
        client.wait_for("Handshake was completed")
        client.write(SIP_OPTIONS)
        client.wait_for("CSeq: 1 OPTIONS")      # the echo
        client.close_input()
    if (client.finish() != 0) != refused:
        raise RecordingError(client.output())


# ---- NSS ----

def nss_database(lab, name, leaf):
    """An NSS database with the trusted root and, where given, a leaf called "own"."""
    folder = lab.folder / f"{name}-{len(lab.programs)}"
    folder.mkdir()
    database = f"sql:{folder}"

    def run(*words):
        subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       env=lab.environment())
    run("certutil", "-N", "-d", database, "--empty-password")
    run("certutil", "-A", "-d", database, "-n", "root", "-t", "CT,C,C", "-i", lab.pki.root)
    if leaf:
        own = lab.pki.leaf(leaf)
        package = folder / "own.p12"
        run("openssl", "pkcs12", "-export", "-in", own.chain, "-inkey", own.key, "-name", "own", "-out", package,
            "-passout", "pass:")
        run("pk12util", "-i", package, "-d", database, "-W", "")
    return database


def nss_range(tls):
    version = {"ssl3": "ssl3", "1.0": "tls1.0"}.get(tls, f"tls{tls}")
    return f"{version}:{version}"


def nss_client(lab, tls="1.2", leaf=None):
    """tstclnt: sends a file, prints what comes back until the server closes."""
    database = nss_database(lab, f"nss-client-{len(lab.programs)}", leaf)
    words = ["tstclnt", "-h", network.SERVER, "-p", "5061", "-a", NAME, "-d", database, "-V", nss_range(tls),
             "-A", write(lab.folder / "options.txt", SIP_OPTIONS)]
    if leaf:
        words += ["-n", "own"]
    client = lab.start(*words)
    client.finish()


def nss_server(lab, ask, tls="1.2", leaf="sbc"):
    """selfserv answers every request as a web server would."""
    database = nss_database(lab, f"nss-server-{len(lab.programs)}", leaf)
    server = lab.start("selfserv", "-d", database, "-n", "own", "-p", "5061", "-V", nss_range(tls),
                       *{"no": [], "request": ["-r"], "require": ["-rr"]}[ask])
    lab.wait_listening(5061)
    return server
