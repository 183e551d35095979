#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A SIP-over-TLS server and client on OpenSSL, by Python's ssl module.

The server answers each SIP request with 200 OK; the client sends OPTIONS, reads the answer and
closes. Both print one JSON line per connection. peer.go and Peer.java take the same options.
"""

import argparse
import json
import socket
import ssl
import sys

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
            "1.3": ssl.TLSVersion.TLSv1_3}
ASK = {"no": ssl.CERT_NONE, "request": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}
OPTIONS = ("OPTIONS sip:sbc.customer.example;transport=tls SIP/2.0\r\n"
           "Via: SIP/2.0/TLS sip.provider.example;branch=z9hG4bK{branch}\r\n"
           "From: <sip:provider@sip.provider.example>;tag={branch}\r\nTo: <sip:sbc.customer.example>\r\n"
           "Call-ID: {branch}@sip.provider.example\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n")
ECHOED = ("via:", "from:", "to:", "call-id:", "cseq:")


def endpoint(text):
    address, port = text.rsplit(":", 1)
    return address.strip("[]"), int(port)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("--listen", type=endpoint)
    parser.add_argument("--connect", type=endpoint)
    parser.add_argument("--bind", help="the client's own address")
    parser.add_argument("--source-port", type=int, default=0)
    parser.add_argument("--name", help="SNI and the name to verify")
    parser.add_argument("--insecure", action="store_true", help="the client verifies nothing")
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--ca", required=True)
    parser.add_argument("--ask", choices=ASK, default="no")
    parser.add_argument("--min", choices=VERSIONS, default="1.2")
    parser.add_argument("--max", choices=VERSIONS, default="1.3")
    parser.add_argument("--ciphers")
    parser.add_argument("--curve", help="the server's only key exchange group")
    parser.add_argument("--alpn", action="append", default=[])
    parser.add_argument("--keylog")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--at-once", action="store_true", help="the client sends every ClientHello before it goes on with one")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--no-tickets", action="store_true")
    parser.add_argument("--post-handshake", action="store_true",
                        help="TLS 1.3: the client offers post-handshake authentication, the server uses it")
    parser.add_argument("--cut", choices=("fin", "rst"), help="how the server ends a TCP connection it refuses")
    parser.add_argument("--hang-up", action="store_true", help="the server closes behind its first answer")
    parser.add_argument("--refuse-after", choices=("hello",), help="the server ends TCP after the ClientHello")
    return parser.parse_args()


def context_of(options):
    server = options.role == "server"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    if options.min in ("1.0", "1.1"):
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = VERSIONS[options.min], VERSIONS[options.max]
    if options.ciphers:
        context.set_ciphers(options.ciphers)
    if options.cert:
        context.load_cert_chain(options.cert, options.key)
    if options.alpn:
        context.set_alpn_protocols(options.alpn)
    if options.keylog:
        context.keylog_filename = options.keylog
    if options.curve:
        context.set_ecdh_curve(options.curve)
    if options.no_tickets:
        context.options |= ssl.OP_NO_TICKET
        if server:
            context.num_tickets = 0
    context.post_handshake_auth = options.post_handshake
    context.load_verify_locations(options.ca)
    if server:
        context.verify_mode = ASK[options.ask]
    elif options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def report(connection, error=None, answered=False):
    print(json.dumps({
        "handshake": "failed" if error else "completed", "error": str(error) if error else None,
        "version": connection.version() if connection else None,
        "cipher": connection.cipher()[0] if connection and connection.cipher() else None,
        "peer_certificate": bool(connection and connection.version() and connection.getpeercert(True)),
        "resumed": bool(connection and connection.session_reused), "answered": answered}), flush=True)


def read_message(connection):
    """A SIP message without body, or what came before the peer closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(4096)
        if not chunk:
            break
        data += chunk
    return data.decode()


def close(connection):
    try:
        connection.unwrap()
    except (ssl.SSLError, OSError):
        pass
    connection.close()


def cut(raw, how):
    if how == "rst":
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    raw.close()


def answer(connection, options):
    """Answers requests until the client closes; whether there was one."""
    answered = False
    while request := read_message(connection):
        if options.post_handshake and not answered:
            connection.verify_client_post_handshake()
        lines = [line for line in request.split("\r\n") if line.lower().startswith(ECHOED)]
        connection.sendall("\r\n".join(["SIP/2.0 200 OK", *lines, "Content-Length: 0", "", ""]).encode())
        answered = True
        if options.hang_up:
            break
    return answered


def serve(options, context):
    with socket.create_server(options.listen, family=socket.AF_INET6 if ":" in options.listen[0] else socket.AF_INET,
                              backlog=64) as listener:
        print("ready", flush=True)
        for _ in range(options.connections):
            raw, _peer = listener.accept()
            serve_one(raw, options, context)


def serve_one(raw, options, context):
    raw.settimeout(30)
    if options.refuse_after == "hello":
        raw.recv(65536)
        cut(raw, options.cut)
        report(None, "refused")
        return
    connection = None
    try:
        if options.cut:
            serve_without_alert(raw, options, context)
            return
        connection = context.wrap_socket(raw, server_side=True)
        report(connection, answered=answer(connection, options))
        close(connection)
    except (ssl.SSLError, OSError) as error:
        report(connection, error)
        (connection or raw).close()


def serve_without_alert(raw, options, context):
    """The handshake through memory, so that the alert of a refusal is never sent: TCP ends instead."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))
        except ssl.SSLError as error:
            cut(raw, options.cut)
            report(None, error)
            return
    raise AssertionError("the handshake was meant to be refused")


def talk(connection, number):
    connection.sendall(OPTIONS.format(branch=f"siptls{number}").encode())
    return read_message(connection).startswith("SIP/2.0 200")


def connect(options, context, session=None):
    """A TCP connection with TLS upon it whose handshake has not begun."""
    source = (options.bind or "", options.source_port) if options.bind or options.source_port else None
    raw = socket.socket(socket.AF_INET6 if ":" in options.connect[0] else socket.AF_INET)
    raw.settimeout(30)
    if source:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        raw.bind(source)
    raw.connect(options.connect)
    return context.wrap_socket(raw, server_hostname=options.name, session=session, do_handshake_on_connect=False)


def begin_handshake(connection):
    connection.setblocking(False)
    try:
        connection.do_handshake()
    except ssl.SSLWantReadError:
        pass
    connection.settimeout(30)


def converse(connection, number, options):
    """Handshake, request, answer, close; returns the session for a later connection."""
    try:
        connection.do_handshake()
        answered = talk(connection, number)
        if options.post_handshake:
            # The certificate went out while the first answer was read; this request stands behind it.
            answered = talk(connection, f"{number}-again")
        session = connection.session
        report(connection, answered=answered)
        close(connection)
        return session
    except (ssl.SSLError, OSError) as error:
        report(connection, error)
        connection.close()
        return None


def be_client(options, context):
    if options.at_once:
        opened = [connect(options, context) for _ in range(options.connections)]
        for connection in opened:
            begin_handshake(connection)
        for number, connection in enumerate(opened):
            converse(connection, number, options)
        return
    session = None
    for number in range(options.connections):
        session = converse(connect(options, context, session if options.resume else None), number, options)


def main():
    options = arguments()
    if (options.listen if options.role == "server" else options.connect) is None:
        sys.exit("openssl_peer: --listen for a server, --connect for a client")
    context = context_of(options)
    if options.role == "server":
        serve(options, context)
    else:
        be_client(options, context)


if __name__ == "__main__":
    main()
