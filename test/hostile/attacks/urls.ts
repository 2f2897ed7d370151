/** URLs whose quoting is costly, from callers without credentials. */
import { connect } from 'node:tls';
import { once } from 'node:events';
import type { Attack, AttackContext } from '../attack.ts';

const target = 'server/';

/** Sends one HTTP/1.1 request as a stranger and resolves when the connection has ended. */
async function send({ port, signal }: AttackContext, head: string): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  signal.addEventListener('abort', () => socket.destroy(), { once: true });
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  socket.resume().write(`${head}\r\nHost: x\r\nConnection: close\r\n\r\n`, 'latin1');
  if (!socket.closed) await once(socket, 'close');
}

function url(name: string, path: string): Attack {
  return {
    name: `a stranger asks for ${name}`,
    target,
    async run(context) {
      for (let time = 0; time < 3; time += 1) await send(context, `GET ${path} HTTP/1.1`);
    },
  };
}

export const attacks: readonly Attack[] = [
  url('a path of a million <', `/${'<'.repeat(1_000_000)}`),
  url('a path of a million percent signs', `/${'%'.repeat(1_000_000)}`),
  url('health with 90,000 exclude', `/healthz?${'exclude=a&'.repeat(90_000)}`),
];
