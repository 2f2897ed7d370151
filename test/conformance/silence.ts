/** Connections that are used once, left alone for nearly as long as Go's servers keep one, and used again while the cases run. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Issued } from '../fakes/certificates.ts';

/** Outcome of the second use: a status, or why there is none. */
export interface AfterSilence {
  readonly http1: string;
  readonly http2: string;
}

export interface Silence extends Disposable {
  /** Never rejects. */
  readonly outcome: Promise<AfterSilence>;
}

/** metrics-server ends an idle connection after 90 s. */
const silenceMs = 85_000;
const answerTimeoutMs = 20_000;

/** Resolves when both connections have been used for the first time. */
export async function startSilence(port: number, frontProxy: Issued): Promise<Silence> {
  using opened = new DisposableStack();
  const target = { port, host: '127.0.0.1', rejectUnauthorized: false, ...frontProxy };
  const socket = opened.adopt(connectTls({ ...target, ALPNProtocols: ['http/1.1'] }), (open) => open.destroy());
  const session = opened.adopt(connectHttp2(`https://127.0.0.1:${port}`, target), (open) => open.destroy());
  await Promise.all([once(socket, 'secureConnect'), once(session, 'connect')]);
  // What goes wrong with them shows in their answers.
  for (const connection of [socket, session]) connection.on('error', () => undefined);
  socket.resume();
  const first = { http1: await askHttp1(socket), http2: await askHttp2(session) };
  if (first.http1 !== '200' || first.http2 !== '200') throw new Error(`/livez answered ${JSON.stringify(first)}`);
  const outcome = sleep(silenceMs, undefined, { ref: false }).then(async () => ({
    http1: await askHttp1(socket),
    http2: await askHttp2(session),
  }));
  const owned = opened.move();
  return { outcome, [Symbol.dispose]: () => owned.dispose() };
}

async function askHttp1(socket: TLSSocket): Promise<string> {
  if (socket.destroyed || socket.readableEnded) return 'closed before';
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nX-Remote-User: admin\r\nX-Remote-Group: system:masters\r\n\r\n');
  return answered(socket, 'data', (bytes) => /^HTTP\/1\.1 (\d+) /.exec(String(bytes))?.[1]);
}

async function askHttp2(session: ClientHttp2Session): Promise<string> {
  if (session.closed || session.destroyed) return 'closed before';
  const stream = session.request({ ':path': '/livez', 'x-remote-user': 'admin', 'x-remote-group': 'system:masters' });
  stream.resume();
  return answered(stream, 'response', (headers) => String((headers as { ':status'?: number })[':status']));
}

async function answered(
  source: NodeJS.EventEmitter,
  event: string,
  statusOf: (first: unknown) => string | undefined,
): Promise<string> {
  return once(source, event, { signal: AbortSignal.timeout(answerTimeoutMs) }).then(
    ([first]: unknown[]) => statusOf(first) ?? 'not an answer',
    (error: unknown) => String(error),
  );
}
