/** A client for HTTP/1.1 that writes given bytes, for what no well-behaved client library sends. */
import { once } from 'node:events';
import { connect, type ConnectionOptions } from 'node:tls';

export interface Answer1 {
  readonly status: number;
  /** Names in lower case; of repeated ones, the last. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

export interface Connection1 extends Disposable {
  /** Whether another request may be sent. */
  readonly isOpen: () => boolean;
  /**
   * Sends the bytes of one request, each a character of Latin-1, and waits for its answer.
   * @throws Error if the connection ends without one.
   */
  ask(request: string): Promise<Answer1>;
}

/** Connects to a server on loopback. */
export async function openConnection1(port: number, options: ConnectionOptions = {}): Promise<Connection1> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  await once(socket, 'secureConnect');
  let received = '';
  let wake: () => void = () => undefined;
  socket.on('error', () => undefined);
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk;
    wake();
  });
  socket.on('close', () => wake());
  return { isOpen: () => !socket.closed && socket.writable, ask, [Symbol.dispose]: () => void socket.destroy() };

  async function ask(request: string): Promise<Answer1> {
    socket.write(request, 'latin1');
    for (;;) {
      const { status, headers } = readHead(await upTo('\r\n\r\n'));
      // Not the answer yet.
      if (status >= 100 && status < 200) continue;
      const hasBody = !request.startsWith('HEAD ') && status !== 204 && status !== 304;
      const text = hasBody ? await readBody(headers) : '';
      if (headers.get('connection') === 'close') socket.end();
      return { status, headers, text };
    }
  }

  async function readBody(headers: ReadonlyMap<string, string>): Promise<string> {
    const length = headers.get('content-length');
    if (length !== undefined) return bytes(Number(length));
    if (headers.get('transfer-encoding') !== 'chunked') {
      if (!socket.closed) await once(socket, 'close');
      return take(received.length);
    }
    let body = '';
    for (;;) {
      const size = Number.parseInt(await upTo('\r\n'), 16);
      body += await bytes(size);
      await upTo('\r\n');
      if (size === 0) return body;
    }
  }

  async function upTo(mark: string): Promise<string> {
    while (!received.includes(mark)) await atLeastOneMore();
    return take(received.indexOf(mark) + mark.length);
  }

  async function bytes(count: number): Promise<string> {
    while (received.length < count) await atLeastOneMore();
    return take(count);
  }

  async function atLeastOneMore(): Promise<void> {
    if (socket.closed) throw new Error(`the connection ended before its answer did, after ${JSON.stringify(received)}`);
    await new Promise<void>((resolve) => (wake = resolve));
  }

  function take(count: number): string {
    const taken = received.slice(0, count);
    received = received.slice(count);
    return taken;
  }
}

function readHead(head: string): Omit<Answer1, 'text'> {
  const [statusLine = '', ...lines] = head.trimEnd().split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  return { status: Number(statusLine.split(' ')[1]), headers };
}
