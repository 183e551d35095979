// SPDX-License-Identifier: GPL-2.0-or-later

//! A SIP-over-TLS server and client on rustls, of one TLS 1.3 connection, with the options of openssl_peer.py.
//! --min, --max and --keylog are read past: it speaks TLS 1.3 only, and the other side logs the keys.

use rustls::server::{AllowAnyAnonymousOrAuthenticatedClient, AllowAnyAuthenticatedClient, NoClientAuth};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

const REQUEST: &str = "OPTIONS sip:sbc.customer.example;transport=tls SIP/2.0\r\n\
    Via: SIP/2.0/TLS sip.provider.example;branch=z9hG4bKsiptls\r\n\
    From: <sip:provider@sip.provider.example>;tag=siptls\r\nTo: <sip:sbc.customer.example>\r\n\
    Call-ID: siptls@sip.provider.example\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
const ECHOED: [&str; 5] = ["via:", "from:", "to:", "call-id:", "cseq:"];

type Options = HashMap<String, String>;

fn certificates(path: &str) -> Vec<rustls::Certificate> {
    let mut file = BufReader::new(File::open(path).unwrap());
    rustls_pemfile::certs(&mut file).unwrap().into_iter().map(rustls::Certificate).collect()
}

fn key(path: &str) -> rustls::PrivateKey {
    let mut file = BufReader::new(File::open(path).unwrap());
    rustls::PrivateKey(rustls_pemfile::pkcs8_private_keys(&mut file).unwrap().remove(0))
}

fn roots(options: &Options) -> rustls::RootCertStore {
    let mut store = rustls::RootCertStore::empty();
    for root in certificates(&options["ca"]) {
        store.add(&root).unwrap();
    }
    store
}

/// A SIP message without body, or what came before the peer closed.
fn read_message(stream: &mut impl Read) -> Option<String> {
    let mut message = Vec::new();
    let mut chunk = [0; 4096];
    while !message.ends_with(b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(got) => message.extend_from_slice(&chunk[..got]),
        }
    }
    String::from_utf8(message).ok()
}

fn serve(options: &Options) {
    let verifier = match options["ask"].as_str() {
        "require" => AllowAnyAuthenticatedClient::new(roots(options)),
        "request" => AllowAnyAnonymousOrAuthenticatedClient::new(roots(options)),
        _ => NoClientAuth::new(),
    };
    let config = rustls::ServerConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&options["cert"]), key(&options["key"]))
        .unwrap();
    let listener = TcpListener::bind(&options["listen"]).unwrap();
    println!("ready");
    let (tcp, _) = listener.accept().unwrap();
    let tls = rustls::ServerConnection::new(Arc::new(config)).unwrap();
    let mut stream = rustls::StreamOwned::new(tls, tcp);
    while let Some(request) = read_message(&mut stream) {
        let mut answer = String::from("SIP/2.0 200 OK\r\n");
        for line in request.split_inclusive("\r\n") {
            if ECHOED.iter().any(|name| line.to_lowercase().starts_with(name)) {
                answer += line;
            }
        }
        stream.write_all((answer + "Content-Length: 0\r\n\r\n").as_bytes()).unwrap();
    }
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

fn call(options: &Options) {
    let builder = rustls::ClientConfig::builder()
        .with_safe_default_cipher_suites()
        .with_safe_default_kx_groups()
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots(options));
    let config = match options.get("cert") {
        Some(chain) => builder.with_single_cert(certificates(chain), key(&options["key"])).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let tcp = TcpStream::connect(&options["connect"]).unwrap();
    let name = options["name"].as_str().try_into().unwrap();
    let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(tls, tcp);
    let sent = stream.write_all(REQUEST.as_bytes());
    println!("{:?} {:?}", sent, read_message(&mut stream));
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let options: Options =
        words[2..].chunks(2).map(|pair| (pair[0].trim_start_matches("--").to_string(), pair[1].clone())).collect();
    match words[1].as_str() {
        "server" => serve(&options),
        _ => call(&options),
    }
}
