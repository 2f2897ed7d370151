/** TLS handshakes that are begun by many strangers at once. */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type SecureVersion } from 'node:tls';
import { handshakeTimeoutMs } from '../../../src/server/app.ts';
import { connectLateClient } from '../../fakes/lateclient.ts';
import { listen } from '../../fakes/listen.ts';
import type { Attack } from '../attack.ts';

const target = 'tls/handshakeguard.ts';
const strangers = 300;
/** How long they stay. */
const stayMs = 2_000;
/** The program reads no more than this of one connection at once. */
const chunkBytes = 65_000;

/** They connect first, and then all send the same bytes. */
function floods(name: string, makeBytes: () => Promise<Buffer>): Attack {
  let bytes: Buffer = Buffer.alloc(0);
  return {
    name: `${strangers} strangers at once send ${name}`,
    target,
    prepare: async () => void (bytes = await makeBytes()),
    async run({ port, signal }) {
      const sockets = Array.from({ length: strangers }, () => connectTcp(port, '127.0.0.1').on('error', () => {}));
      await Promise.all(sockets.map((socket) => once(socket, 'connect', { signal })));
      for (const socket of sockets) socket.write(bytes);
      await sleep(stayMs, undefined, { signal });
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Returns the bytes that Node's own client sends first. */
async function clientHello(): Promise<Buffer> {
  const server = createServer();
  const port = await listen(server, 0);
  const client = connect({ port, host: '127.0.0.1' }).on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** The beginning of a ClientHello of 60,000 bytes. */
async function oneByteRecords(): Promise<Buffer> {
  const hello = Buffer.alloc(Math.floor(chunkBytes / 6));
  hello.writeUInt32BE(0x01_00_ea_60);
  return Buffer.concat([...hello].map((byte) => Buffer.from([22, 3, 1, 0, 1, byte])));
}

const latecomers = 40;
const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';

/** They keep the last flight back until the handshake's timeout, and send it with the beginning of HTTP/2. */
function comesLate(version: SecureVersion): Attack {
  return {
    name: `${latecomers} strangers end a handshake of ${version} after its timeout, and begin HTTP/2`,
    target: 'server/connections.ts',
    async run({ port, signal }) {
      const sockets = Array.from({ length: latecomers }, () => {
        const { tcp, secure, kept } = connectLateClient(port, version);
        // TLS 1.2's client may send data once the server has ended the handshake, which waits for this flight.
        secure.write(http2Preface);
        return { tcp, kept };
      });
      await sleep(handshakeTimeoutMs + stayMs / 4, undefined, { signal });
      for (const { tcp, kept } of sockets) tcp.write(Buffer.concat(kept));
      await sleep(stayMs, undefined, { signal });
      for (const { tcp } of sockets) tcp.destroy();
    },
  };
}

export const attacks: readonly Attack[] = [
  comesLate('TLSv1.3'),
  comesLate('TLSv1.2'),
  floods('a ClientHello and nothing else', clientHello),
  floods('a ClientHello in records of one byte', oneByteRecords),
];
