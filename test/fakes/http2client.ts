/** A client for HTTP/2 whose connections tests can look at. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2';

export interface Answer2 {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Opens a connection to a server on loopback; its errors show in the requests that they strike. */
export async function openSession(port: number, options: SecureClientSessionOptions = {}): Promise<ClientHttp2Session> {
  const session = connect(`https://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    maxSendHeaderBlockLength: 1 << 22,
    ...options,
  });
  await once(session, 'connect');
  session.on('error', () => undefined);
  return session;
}

export async function ask2(
  session: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Promise<Answer2> {
  const stream = session.request({ ':path': path, ...headers });
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = once(stream, 'close');
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders & { readonly ':status'?: number }];
  await ended;
  return { status: answer[':status'] ?? 0, headers: answer, text: Buffer.concat(chunks).toString() };
}
