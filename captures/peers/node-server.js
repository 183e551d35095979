// SPDX-License-Identifier: GPL-2.0-or-later
'use strict';
// A TLS server on Node's tls module that requires a client certificate. Node finishes the handshake
// with one it does not accept, and then closes without an alert and without a word.
// node-server.js ADDRESS PORT CHAIN KEY CA VERSION
const fs = require('fs');
const tls = require('tls');

const [address, port, chain, key, ca, version] = process.argv.slice(2);
const server = tls.createServer({
  cert: fs.readFileSync(chain), key: fs.readFileSync(key), ca: fs.readFileSync(ca),
  minVersion: version, maxVersion: version, requestCert: true, rejectUnauthorized: true,
}, (socket) => {
  socket.on('data', () => socket.end('SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'));
});
server.on('tlsClientError', () => {});
server.listen(Number(port), address, () => console.log('ready'));
