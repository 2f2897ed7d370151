/** What a single connection may cost us, and how connections end. */
import { constants, type Http2SecureServer, type Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { headerLines } from '../auth/rawheaders.ts';
import type { OpenConnections } from './openconnections.ts';
import { requestOverheadBytes, sweepIntervalMs } from './waitinglimits.ts';

/** As Go's servers; users in hundreds of groups have headers that large. */
export const headerLimitBytes = 1024 * 1024;
export const headerPairLimit = 5000;

/**
 * Bytes of a URL, longer ones are answered by 414. Go's servers count it among the headers' 1 MiB; a selector of a thousand names fits, and over
 * HTTP/2 a header of this length can be read.
 */
export const urlLimitBytes = 65_536;

/**
 * HTTP/2. kube-apiserver sends everybody's requests over one connection and resets what its clients give up, so what a hurried crowd does in
 * good faith must stay below these; whoever is beyond loses the connection.
 */
export const http2Limits = {
  settings: {
    maxHeaderListSize: headerLimitBytes,
    // The headers have to come in one frame, since a ninth continuation of them is taken for an attack and ends the connection.
    maxFrameSize: headerLimitBytes,
    // As k8s.io/apiserver: Go's clients begin no more before they know. One read may begin all of them, and each takes a quarter of a millisecond.
    maxConcurrentStreams: 100,
  },
  maxHeaderListPairs: headerPairLimit,
  /** Values may begin and end with spaces, as for Go; otherwise Node drops such a header without a word, Authorization too. */
  strictFieldWhitespaceValidation: false,
  /** So many resets at once, and so many in a second from then on ("rapid reset", CVE-2023-44487). */
  streamResetBurst: 1000,
  streamResetRate: 33,
  /** Frames that make no sense, in the whole life of a connection, and streams opened beyond their number, one after the other. */
  maxSessionInvalidFrames: 1000,
  maxSessionRejectedStreams: 100,
  /**
   * Megabytes for one connection, answers that wait for their reader among them: beyond, all its new streams are refused. A list of a large
   * cluster is 40 MB and several may wait on kube-apiserver's connection, so this only stops what would end the process.
   */
  maxSessionMemory: 1024,
  /** Entries in one SETTINGS frame, and pings of ours without an answer. */
  maxSettings: 32,
  maxOutstandingPings: 10,
  /** Milliseconds for a client that speaks neither protocol. */
  unknownProtocolTimeout: 10_000,
} as const;

/** Closing an idle session in good order would wait for ever for a client that does not read. */
export const goodbyeMs = 5_000;

/**
 * Ends sessions that fastify closes because nothing happens on them, and connections on which we have ended: Node waits for the client to end, too, and a
 * client that does not read never learns that it should.
 */
export function endIdleSessions(server: Http2SecureServer, connections: OpenConnections): void {
  server.on('session', (session) => {
    session.on('timeout', () => void setTimeout(() => session.destroy(), goodbyeMs).unref());
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection = connections.find(socket);
    socket.once('finish', () => void setTimeout(() => connection?.close(undefined), goodbyeMs).unref());
  });
}

/** Registers connections before anything else happens on them. */
export function watchConnections(server: Http2SecureServer, connections: OpenConnections): void {
  let timer: NodeJS.Timeout | undefined;
  server.prependListener('connection', (socket: Socket) => {
    connections.opened(socket);
    timer ??= setInterval(sweep, sweepIntervalMs).unref();
  });

  /** Stops where there are no strangers: the process sleeps when there is nothing to do. */
  function sweep(): void {
    connections.sweep();
    if (connections.count().strangers > 0) return;
    clearInterval(timer);
    timer = undefined;
  }
}

/** Returns how many bytes a request holds as long as it has not been answered: its URL, its headers, and the objects that are made for it. */
export function requestBytes({ httpVersionMajor, url, rawHeaders }: RequestStart): number {
  let bytes = url.length + requestOverheadBytes[httpVersionMajor === 1 ? 'http1' : 'http2'];
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

type RequestStart = Pick<Http2ServerRequest, 'httpVersionMajor' | 'url' | 'rawHeaders'>;

/**
 * Over HTTP/2 strangers get one answer and then GOAWAY: a connection is worth much to who floods and little to who asks in good faith. After
 * the answer, because some clients take a GOAWAY before it for a failure. HTTP/1.1 has one request at a time, and keeps its connection.
 */
export function endAfterAnswer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const session = (request as Partial<Http2ServerRequest>).stream?.session;
  if (session === undefined) return;
  response.once('finish', () => {
    if (!session.destroyed) session.close();
  });
}

/**
 * Tells an HTTP/2 client to use another connection from now on, as Go does: streams that it begins before it has heard are served, for a second.
 * Once per connection.
 */
export function asksToLeave(): (request: Http2ServerRequest) => void {
  const asked = new WeakSet<object>();
  return (request) => {
    const session = (request as Partial<Http2ServerRequest>).stream?.session;
    if (session === undefined || session.destroyed || asked.has(session)) return;
    asked.add(session);
    session.goaway(constants.NGHTTP2_NO_ERROR, anyStream);
    setTimeout(() => {
      if (!session.destroyed) session.close();
    }, leaveMs).unref();
  };
}

/** The highest number that a stream can have. */
const anyStream = 2 ** 31 - 1;
const leaveMs = 1_000;

/** HTTP/1.1 that cannot be read; in the words of Go's servers. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  endWith(socket, unreadable.get(error.code ?? '') ?? '400 Bad Request');
}

const unreadable: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

/**
 * Returns what Go's servers answer to a request over HTTP/1.1 by its Host lines alone, or undefined. Two are how requests are smuggled past a proxy
 * that reads the other one. A missing line is refused by Node.
 */
export function hostProblem({ httpVersionMajor, rawHeaders }: RequestHead): string | undefined {
  if (httpVersionMajor !== 1) return undefined;
  const hosts = headerLines(rawHeaders, 'host');
  if (hosts.length > 1) return '400 Bad Request';
  return hosts.every((host) => hostPattern.test(host)) ? undefined : '400 Bad Request: malformed Host header';
}

type RequestHead = Pick<Http2ServerRequest, 'httpVersionMajor' | 'rawHeaders'>;

/** The bytes that Go allows; it does not look at their order. */
const hostPattern = /^[\w!$%&'()*+,\-.:;=[\]~]*$/;

/** Nothing is tunnelled here. Over HTTP/1.1 Node would hang up on CONNECT without a word, over HTTP/2 it would answer this by itself. */
export function refuseTunnels(server: Http2SecureServer): void {
  server.on('connect', (_request: unknown, peer: Socket | Http2ServerResponse) => {
    if (peer instanceof Http2ServerResponse) peer.writeHead(405).end();
    else endWith(peer, '405 Method Not Allowed');
  });
}

function endWith(socket: Socket, status: string): void {
  const head = [`HTTP/1.1 ${status}`, 'Content-Type: text/plain; charset=utf-8', 'Connection: close', '', ''];
  socket.end(head.join('\r\n') + status, () => socket.destroy());
}
