/** Requests of very many clients that come at the same moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import {
  acknowledged,
  endHeaders,
  endStream,
  frame,
  frameType,
  headerBlock,
  preface,
  requestLine,
} from '../../fakes/rawhttp2.ts';
import type { Attack, AttackContext, Limits } from '../attack.ts';
import { openStranger, request } from '../stranger.ts';

const target = 'server/requestqueue.ts';
/** Below the limit of connections, so that none is closed for another. */
const strangers = 900;
const shakingAtOnce = 50;
/** How long they stay. */
const stayMs = 2_000;

async function open(context: AttackContext): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  while (sockets.length < strangers) {
    sockets.push(...(await Promise.all(Array.from({ length: shakingAtOnce }, () => openStranger(context)))));
  }
  return sockets;
}

/** They connect before it is measured, and then all send the same. */
function ask(name: string, text: string, limits: Partial<Limits> = {}): Attack {
  let sockets: readonly TLSSocket[] = [];
  return {
    name: `${strangers} strangers at once ask ${name}`,
    target,
    limits,
    prepare: async (context) => void (sockets = await open(context)),
    async run({ signal }) {
      for (const socket of sockets) socket.resume().write(text);
      await sleep(stayMs, undefined, { signal });
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Concurrent streams of one connection. */
const streams = 100;

type Lines = Parameters<typeof headerBlock>[0];

/** @param client returns its certificate. */
function openStreams(
  name: string,
  connections: number,
  lines: Lines,
  client: (context: AttackContext) => object,
): Attack {
  let sockets: readonly TLSSocket[] = [];
  const block = headerBlock(lines);
  const frames = Array.from({ length: streams }, (_, at) =>
    frame(frameType.headers, endHeaders | endStream, 2 * at + 3, block),
  );
  return {
    name: `${name} on each of ${connections} connections at once`,
    target,
    async prepare(context) {
      const open = () => openStranger(context, { ALPNProtocols: ['h2'], ...client(context) });
      sockets = await Promise.all(Array.from({ length: connections }, open));
      const isKnown = 'cert' in client(context);
      for (const socket of sockets) {
        socket.resume().write(Buffer.concat([Buffer.from(preface), frame(frameType.settings, 0, 0)]));
        socket.write(frame(frameType.settings, acknowledged, 0));
        if (isKnown) socket.write(frame(frameType.headers, endHeaders | endStream, 1, block));
      }
      // Nothing shows that the server has read all of it; half a second is several times what that takes, and is not measured.
      await sleep(500);
    },
    async run({ signal }) {
      for (const socket of sockets) socket.write(Buffer.concat(frames));
      await sleep(stayMs, undefined, { signal });
      for (const socket of sockets) socket.destroy();
    },
  };
}

const keepAlive = (path: string, headers: readonly string[] = []) =>
  request(path, headers).replace('Connection: close\r\n', '');

const pods = '/apis/metrics.k8s.io/v1beta1/pods';
const tunnel: Lines = [
  [':method', 'CONNECT'],
  [':authority', 'x:1'],
];

export const attacks: readonly Attack[] = [
  ask('for health', keepAlive('/healthz')),
  ask('for health, eight times each', keepAlive('/healthz').repeat(8)),
  ask('for as much as fits into a TLS record', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'.repeat(600), {
    // Node reads and decrypts 15 MB, all that they have sent, in one poll.
    holdCpuMs: 80,
  }),
  ask('for what they may not have', keepAlive('/apis/metrics.k8s.io/v1beta1/nodes')),
  openStreams('strangers open 100 streams', 100, requestLine('/'), () => ({})),
  openStreams('strangers open 100 streams for tunnels', 100, tunnel, () => ({})),
  openStreams('strangers open 100 streams with expectations', 100, [...requestLine('/'), ['expect', 'x']], () => ({})),
  openStreams('a client without rights opens 100 streams', 20, requestLine(pods), ({ client }) => client),
  openStreams('a client without rights opens 100 streams for tunnels', 20, tunnel, ({ client }) => client),
];
