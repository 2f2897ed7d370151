/** A client for HTTP/2 whose connections tests can look at. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';

export interface Answer2 {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Sends also what a client should not, such as two tokens; Node's types do not know it for clients. */
const lenient = { strictSingleValueFields: false };

/** Opens a connection to a server on loopback; its errors show in the requests that they strike. */
export async function openSession(port: number, options: SecureClientSessionOptions = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    maxSendHeaderBlockLength: 1 << 22,
    ...lenient,
    ...options,
  });
  await once(session, 'connect');
  session.on('error', () => undefined);
  return session;
}

/**
 * Keeps a session from being idle, which servers end after 95 s. Where files are run together without test/all.ts, hooks open sessions long before a
 * test of theirs asks anything.
 */
export function keepInUse(session: ClientHttp2Session, headers: Readonly<Record<string, string>>): void {
  const timer = setInterval(() => void ask2(session, '/livez', headers).catch(() => undefined), inUseMs).unref();
  session.once('close', () => clearInterval(timer));
}

const inUseMs = 30_000;

export function ask2(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<Answer2> {
  return answerOf(session.request({ ':path': path, ...headers }));
}

/** @param lines names and values, sent as they are and in this order, each byte a character of Latin-1. */
export function askLines2(
  session: ClientHttp2Session,
  lines: readonly (readonly [name: string, value: string])[],
): Promise<Answer2> {
  return answerOf(session.request(lines.flat(), { endStream: true }));
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answer2> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const responded = once(stream, 'response') as Promise<[IncomingHttpHeaders & { readonly ':status'?: number }]>;
  const [[answer]] = await Promise.all([responded, once(stream, 'close')]);
  return { status: answer[':status'] ?? 0, headers: answer, text: Buffer.concat(chunks).toString() };
}
