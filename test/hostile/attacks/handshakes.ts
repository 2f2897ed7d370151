/** TLS handshakes that are begun by many strangers at once. */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { listen } from '../../fakes/listen.ts';
import type { Attack } from '../attack.ts';

const target = 'tls/handshakeguard.ts';
const strangers = 300;
/** How long they stay. */
const stayMs = 2_000;
/** What the program reads of one connection at once. */
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

/** What Node's own client sends first. */
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

export const attacks: readonly Attack[] = [
  floods('a ClientHello and nothing else', clientHello),
  floods('a ClientHello in records of one byte', oneByteRecords),
];
