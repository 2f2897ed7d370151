/** A kubelet whose answers are written byte by byte by an attack: a TLS server with a certificate that the program accepts. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer, type TlsOptions } from 'node:tls';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import type { Issued } from '../fakes/certificates.ts';
import { node } from '../fakes/kubeobjects.ts';
import { listen } from '../fakes/listen.ts';

export interface HostileKubeletOptions {
  /** The node's name. Default: `hostile-<port>`. */
  readonly name?: string;
  /** Default: one that the program accepts. */
  readonly certificate?: Issued;
  /** More options of the TLS server. */
  readonly tls?: TlsOptions;
  /** Writes an answer to a request, whose head is given as Latin-1. Without it the kubelet never answers. */
  readonly onRequest?: (socket: Socket, head: string) => void;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface HostileKubelet extends AsyncDisposable {
  readonly node: string;
  readonly port: number;
  /** Heads of the requests so far. */
  readonly requests: readonly string[];
  /** Resolves when so many requests have come. */
  asked(count: number, signal: AbortSignal): Promise<void>;
}

const endOfHead = '\r\n\r\n';
const pollMs = 5;

/** Starts it and adds its Node, which the program scrapes at once. */
export async function createHostileKubelet(
  apiServer: FakeApiServer,
  certificate: Issued,
  options: HostileKubeletOptions,
): Promise<HostileKubelet> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ ...(options.certificate ?? certificate), ...options.tls }, (socket) => {
    let head = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      head += chunk.toString('latin1');
      if (!head.includes(endOfHead)) return;
      const request = head;
      head = '';
      requests.push(request);
      options.onRequest?.(socket, request);
    });
  });
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await listen(server, 0);
  const name = options.name ?? `hostile-${port}`;
  apiServer.objects.set(node(name, { kubeletPort: port, annotations: options.annotations ?? {} }));
  return {
    node: name,
    port,
    requests,
    async asked(count, signal) {
      while (requests.length < count) await sleep(pollMs, undefined, { signal });
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An answer with a length. */
export function answerWith(body: Buffer | string, headers: readonly string[] = []): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  const lines = ['HTTP/1.1 200 OK', `Date: ${new Date().toUTCString()}`, ...headers, `Content-Length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}${endOfHead}`, 'latin1'), bytes]);
}

/** Writes it again and again, as fast as it is read, until the connection is closed. */
export function flood(socket: Socket, piece: Buffer | string): void {
  const send = () => {
    while (!socket.destroyed && socket.write(piece));
    if (!socket.destroyed) socket.once('drain', send);
  };
  send();
}
