// SPDX-License-Identifier: GPL-2.0-or-later

// A SIP-over-TLS server and client on Go's crypto/tls, with the options of openssl_peer.py.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

const timeout = 30 * time.Second

var versions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

var ask = map[string]tls.ClientAuthType{
	"no": tls.NoClientCert, "request": tls.VerifyClientCertIfGiven, "require": tls.RequireAndVerifyClientCert,
}

type report struct {
	Handshake       string  `json:"handshake"`
	Error           *string `json:"error"`
	Version         uint16  `json:"version"`
	PeerCertificate bool    `json:"peer_certificate"`
	Resumed         bool    `json:"resumed"`
	Answered        bool    `json:"answered"`
}

func tell(connection *tls.Conn, answered bool, failure error) {
	state := connection.ConnectionState()
	line := report{"completed", nil, state.Version, len(state.PeerCertificates) > 0, state.DidResume, answered}
	if failure != nil {
		text := failure.Error()
		line.Handshake, line.Error = "failed", &text
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

// readMessage returns a SIP message without body, or what came before the peer closed.
func readMessage(reader *bufio.Reader) (string, error) {
	var message strings.Builder
	for {
		line, err := reader.ReadString('\n')
		message.WriteString(line)
		if err != nil || line == "\r\n" {
			return message.String(), err
		}
	}
}

func serveOne(connection *tls.Conn, hangUp bool) {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(timeout))
	if err := connection.Handshake(); err != nil {
		tell(connection, false, err)
		return
	}
	reader := bufio.NewReader(connection)
	request, err := readMessage(reader)
	if err != nil {
		tell(connection, false, err)
		return
	}
	answer := "SIP/2.0 200 OK\r\n"
	for _, line := range strings.SplitAfter(request, "\r\n") {
		name := strings.ToLower(strings.SplitN(line, ":", 2)[0])
		switch name {
		case "via", "from", "to", "call-id", "cseq":
			answer += line
		}
	}
	_, err = io.WriteString(connection, answer+"Content-Length: 0\r\n\r\n")
	tell(connection, err == nil, err)
	if !hangUp {
		io.Copy(io.Discard, reader)
	}
}

func talk(connection *tls.Conn, number int) (bool, error) {
	branch := fmt.Sprintf("z9hG4bKsiptls%d", number)
	request := "OPTIONS sip:sbc.customer.example;transport=tls SIP/2.0\r\n" +
		"Via: SIP/2.0/TLS sip.provider.example;branch=" + branch + "\r\n" +
		"From: <sip:provider@sip.provider.example>;tag=" + branch + "\r\nTo: <sip:sbc.customer.example>\r\n" +
		"Call-ID: " + branch + "@sip.provider.example\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
	if _, err := io.WriteString(connection, request); err != nil {
		return false, err
	}
	answer, err := readMessage(bufio.NewReader(connection))
	return strings.HasPrefix(answer, "SIP/2.0 200"), err
}

func beClient(address string, config *tls.Config, connections int) {
	for number := 0; number < connections; number++ {
		connection, err := tls.DialWithDialer(&net.Dialer{Timeout: timeout}, "tcp", address, config)
		if err != nil {
			text, _ := json.Marshal(err.Error())
			fmt.Printf("{\"handshake\":\"failed\",\"error\":%s}\n", text)
			continue
		}
		connection.SetDeadline(time.Now().Add(timeout))
		answered, err := talk(connection, number)
		tell(connection, answered, err)
		connection.Close()
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: peer server|client OPTION...")
	}
	options := flag.NewFlagSet("peer", flag.ExitOnError)
	listen := options.String("listen", "", "address:port to serve")
	connect := options.String("connect", "", "address:port to connect to")
	name := options.String("name", "", "SNI, and the name to verify")
	certificate := options.String("cert", "", "own chain, PEM")
	key := options.String("key", "", "own key, PEM")
	ca := options.String("ca", "", "trusted root, PEM")
	asking := options.String("ask", "no", "no, request or require a client certificate")
	lowest := options.String("min", "1.2", "lowest TLS version")
	highest := options.String("max", "1.3", "highest TLS version")
	alpn := options.String("alpn", "", "ALPN protocol")
	keylog := options.String("keylog", "", "key log to append to")
	connections := options.Int("connections", 1, "connections, one after another")
	resume := options.Bool("resume", false, "the client resumes")
	noTickets := options.Bool("no-tickets", false, "no session tickets")
	hangUp := options.Bool("hang-up", false, "the server closes behind its first answer")
	options.Parse(os.Args[2:])

	root, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(root)
	config := &tls.Config{
		RootCAs: pool, ClientCAs: pool, ServerName: *name, ClientAuth: ask[*asking],
		MinVersion: versions[*lowest], MaxVersion: versions[*highest], SessionTicketsDisabled: *noTickets,
	}
	if *certificate != "" {
		own, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		config.Certificates = []tls.Certificate{own}
		// a client sends what it has, whatever authorities the server names
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &own, nil }
	}
	if *alpn != "" {
		config.NextProtos = []string{*alpn}
	}
	if *keylog != "" {
		if config.KeyLogWriter, err = os.OpenFile(*keylog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err != nil {
			log.Fatal(err)
		}
	}
	if *resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	}
	if os.Args[1] == "client" {
		beClient(*connect, config, *connections)
		return
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	for number := 0; number < *connections; number++ {
		raw, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		serveOne(tls.Server(raw, config), *hangUp)
	}
}
