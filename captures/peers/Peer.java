// SPDX-License-Identifier: GPL-2.0-or-later

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A SIP-over-TLS server and client on JSSE, with the options of openssl_peer.py. It logs no keys. */
public final class Peer {
    private static final int TIMEOUT_MS = 30_000;
    private static final List<String> VERSIONS = List.of("ssl3", "1.0", "1.1", "1.2", "1.3");
    private static final List<String> NAMES = List.of("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3");

    private final Map<String, String> options = new HashMap<>();

    private Peer(String[] words) {
        for (int i = 1; i < words.length; i++) {
            boolean valued = i + 1 < words.length && !words[i + 1].startsWith("--");
            options.put(words[i].substring(2), valued ? words[i + 1] : "");
            i += valued ? 1 : 0;
        }
    }

    private String option(String name, String otherwise) {
        return options.getOrDefault(name, otherwise);
    }

    private String[] versions() {
        int lowest = VERSIONS.indexOf(option("min", "1.2"));
        int highest = VERSIONS.indexOf(option("max", "1.3"));
        return NAMES.subList(lowest, highest + 1).toArray(new String[0]);
    }

    private SSLContext context() throws Exception {
        CertificateFactory x509 = CertificateFactory.getInstance("X.509");
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        try (InputStream in = Files.newInputStream(Path.of(options.get("ca")))) {
            trusted.setCertificateEntry("root", x509.generateCertificate(in));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        if (options.containsKey("cert")) {
            try (InputStream in = Files.newInputStream(Path.of(options.get("cert")))) {
                Certificate[] chain = x509.generateCertificates(in).toArray(new Certificate[0]);
                own.setKeyEntry("own", key(chain[0].getPublicKey().getAlgorithm()), new char[0], chain);
            }
        }
        KeyManagerFactory identity = KeyManagerFactory.getInstance("SunX509");
        identity.init(own, new char[0]);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(identity.getKeyManagers(), trust.getTrustManagers(), null);
        return context;
    }

    private PrivateKey key(String algorithm) throws Exception {
        String text = Files.readString(Path.of(options.get("key"))).replaceAll("-----[^-]*-----|\\s", "");
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text)));
    }

    private static void report(String error, boolean answered) {
        System.out.printf("{\"handshake\":\"%s\",\"error\":%s,\"answered\":%b}%n", error == null ? "completed" : "failed",
                error == null ? "null" : "\"" + error.replace("\"", "'") + "\"", answered);
        System.out.flush();
    }

    private static String readMessage(BufferedReader reader) throws IOException {
        StringBuilder message = new StringBuilder();
        for (String line = reader.readLine(); line != null; line = reader.readLine()) {
            message.append(line).append("\r\n");
            if (line.isEmpty()) {
                return message.toString();
            }
        }
        return "";
    }

    private static BufferedReader reader(SSLSocket socket) throws IOException {
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    private static void write(SSLSocket socket, String text) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private void serve() throws Exception {
        String[] at = option("listen", "").split(":");
        try (SSLServerSocket listener = (SSLServerSocket) context().getServerSocketFactory().createServerSocket()) {
            listener.setEnabledProtocols(versions());
            listener.setNeedClientAuth(false);
            switch (option("ask", "no")) {
                case "request" -> listener.setWantClientAuth(true);
                case "require" -> listener.setNeedClientAuth(true);
                default -> { }
            }
            listener.bind(new InetSocketAddress(at[0], Integer.parseInt(at[1])));
            System.out.println("ready");
            System.out.flush();
            for (int left = Integer.parseInt(option("connections", "1")); left > 0; left--) {
                try (SSLSocket socket = (SSLSocket) listener.accept()) {
                    serveOne(socket);
                }
            }
        }
    }

    private void serveOne(SSLSocket socket) {
        try {
            socket.setSoTimeout(TIMEOUT_MS);
            socket.startHandshake();
            BufferedReader reader = reader(socket);
            StringBuilder answer = new StringBuilder("SIP/2.0 200 OK\r\n");
            readMessage(reader).lines()
                    .filter(line -> line.toLowerCase(Locale.ROOT).matches("(via|from|to|call-id|cseq):.*"))
                    .forEach(line -> answer.append(line).append("\r\n"));
            write(socket, answer.append("Content-Length: 0\r\n\r\n").toString());
            report(null, true);
            while (!options.containsKey("hang-up") && reader.readLine() != null) {
                continue;
            }
        } catch (IOException error) {
            report(error.getMessage(), false);
        }
    }

    private void beClient() throws Exception {
        String[] at = option("connect", "").split(":");
        SSLContext context = context();
        for (int number = 0; number < Integer.parseInt(option("connections", "1")); number++) {
            Socket raw = new Socket(at[0], Integer.parseInt(at[1]));
            try (SSLSocket socket =
                    (SSLSocket) context.getSocketFactory().createSocket(raw, option("name", at[0]), raw.getPort(), true)) {
                socket.setSoTimeout(TIMEOUT_MS);
                socket.setEnabledProtocols(versions());
                SSLParameters parameters = socket.getSSLParameters();
                parameters.setServerNames(List.of(new SNIHostName(option("name", at[0]))));
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                socket.setSSLParameters(parameters);
                socket.startHandshake();
                String branch = "z9hG4bKsiptls" + number;
                write(socket, "OPTIONS sip:sbc.customer.example;transport=tls SIP/2.0\r\n"
                        + "Via: SIP/2.0/TLS sip.provider.example;branch=" + branch + "\r\n"
                        + "From: <sip:provider@sip.provider.example>;tag=" + branch + "\r\n"
                        + "To: <sip:sbc.customer.example>\r\nCall-ID: " + branch + "@sip.provider.example\r\n"
                        + "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
                report(null, readMessage(reader(socket)).startsWith("SIP/2.0 200"));
            } catch (IOException error) {
                report(error.getMessage(), false);
            }
        }
    }

    /** server|client and the options of openssl_peer.py. */
    public static void main(String[] words) throws Exception {
        Peer peer = new Peer(words);
        if (VERSIONS.indexOf(peer.option("min", "1.2")) < VERSIONS.indexOf("1.2")) {
            Security.setProperty("jdk.tls.disabledAlgorithms", "");
        }
        if (words[0].equals("server")) {
            peer.serve();
        } else {
            peer.beClient();
        }
    }
}
