/** Requests of very many strangers that come at the same moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
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

const keepAlive = (path: string, headers: readonly string[] = []) =>
  request(path, headers).replace('Connection: close\r\n', '');

export const attacks: readonly Attack[] = [
  ask('for health', keepAlive('/healthz')),
  ask('for health, eight times each', keepAlive('/healthz').repeat(8)),
  ask('for as much as fits into a TLS record', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'.repeat(600), {
    // One poll of Node reads and decrypts what all of them have sent: 15 MB.
    holdCpuMs: 100,
  }),
  ask('for what they may not have', keepAlive('/apis/metrics.k8s.io/v1beta1/nodes')),
];
