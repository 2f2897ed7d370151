/** Connections of strangers, which send what no client library would. */
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { AttackContext } from './attack.ts';

type Where = Pick<AttackContext, 'port' | 'signal'>;

/** How long the program may take over one answer. */
const answerTimeoutMs = 10_000;
/** Milliseconds after which a program that reads nothing counts as having stopped. */
const drainTimeoutMs = 1_000;

/** Opens a TLS connection to the program that ends with the attack. Resolves when it is open or refused. */
export async function openStranger({ port, signal }: Where, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const end = () => socket.destroy();
  signal.addEventListener('abort', end, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', end));
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('secureConnect', resolve).once('close', () => resolve()));
  return socket;
}

/** Sends bytes and resolves to all that comes back until the connection ends. */
export async function exchange(where: Where, bytes: Buffer | string, options: ConnectionOptions = {}): Promise<string> {
  const socket = await openStranger(where, options);
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  const timer = setTimeout(() => socket.destroy(), answerTimeoutMs);
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  clearTimeout(timer);
  return received;
}

/** One HTTP/1.1 request for one answer. */
export function request(path: string, headers: readonly string[] = []): string {
  return [`GET ${path} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers, '', ''].join('\r\n');
}

/** Returns the status of an answer; 0 if none came. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
}

/** Writes a piece and waits until the socket takes more, is closed, or the program has stopped reading. */
export async function writeAll(socket: TLSSocket, piece: Buffer): Promise<void> {
  if (socket.destroyed || socket.write(piece)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, drainTimeoutMs);
  socket.once('drain', resolve).once('close', resolve);
  await promise;
  clearTimeout(timer);
  socket.off('drain', resolve).off('close', resolve);
}
