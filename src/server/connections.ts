/** Begins and ends connections beside their requests: GOAWAY, idle sessions, tunnels, unreadable requests. */
import { type Http2SecureServer, type Http2ServerRequest, Http2ServerResponse, type Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { headerLines } from '../auth/rawheaders.ts';
import type { ConnectionLookup } from './connectionlookup.ts';
import type { OpenConnection, OpenConnections } from './openconnections.ts';
import { goodbyeMs, requestOverheadBytes, sweepIntervalMs } from './waitinglimits.ts';

/** Destroys idle sessions and ended connections: Node waits for the client's end, which may never come. */
export function endIdleSessions(server: Http2SecureServer, connections: OpenConnections): void {
  server.on('session', (session) => {
    session.on('timeout', () => void setTimeout(() => session.destroy(), goodbyeMs).unref());
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const connection = connections.find(socket);
    socket.once('finish', () => void setTimeout(() => connection?.close(undefined), goodbyeMs).unref());
  });
}

/**
 * Answers HTTP/1.1 clients that half-close after a request; Go's servers cancel it (golang/go#18527). Needs
 * `httpAllowHalfOpen`, an undocumented property of Node's HTTP servers.
 */
export function answerHalfClosed(server: Http2SecureServer): void {
  Object.assign(server, { httpAllowHalfOpen: true });
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') socket.allowHalfOpen = true;
  });
}

/** Registers connections before any other listener sees them. */
export function watchConnections(server: Http2SecureServer, connections: OpenConnections): void {
  let timer: NodeJS.Timeout | undefined;
  server.prependListener('connection', (socket: Socket) => {
    connections.opened(socket);
    timer ??= setInterval(sweep, sweepIntervalMs).unref();
  });

  /** Stops without strangers: an idle process sleeps. */
  function sweep(): void {
    connections.sweep();
    if (connections.count().strangers > 0) return;
    clearInterval(timer);
    timer = undefined;
  }
}

/** Returns the bytes that a request holds. */
export function requestBytes({ httpVersionMajor, url, rawHeaders }: RequestStart): number {
  let bytes = url.length + requestOverheadBytes[httpVersionMajor === 1 ? 'http1' : 'http2'];
  for (const text of rawHeaders) bytes += text.length;
  return bytes;
}

type RequestStart = Pick<Http2ServerRequest, 'httpVersionMajor' | 'url' | 'rawHeaders'>;

/**
 * Ends an HTTP/2 connection after one response, as `endSession` does: a stranger's would mostly help a flooder. GOAWAY
 * follows the response; some clients take an earlier one for a failure. HTTP/1.1 has one request at a time.
 */
export function endAfterResponse(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const session = (request as Partial<Http2ServerRequest>).stream?.session;
  if (session === undefined) return;
  response.once('finish', () => endSession(session));
}

/**
 * Ends an HTTP/2 connection without losing a request: one GOAWAY with the last stream that was accepted, as Go's
 * servers send it. Streams up to it are answered before the connection closes; Go's clients repeat later ones on
 * another connection (`errClientConnGotGoAway` of net/http). An earlier GOAWAY with 2^31-1, as RFC 9113 section 6.8
 * recommends, would delay requests: nghttp2 ignores every stream that arrives after a GOAWAY of `session.goaway`, and
 * the client learns of it from the second GOAWAY only. Node does not offer `nghttp2_submit_shutdown_notice`.
 */
export function endSession(session: Http2Session): void {
  if (!session.destroyed) session.close();
}

/** Calls endAfterResponse before the user is known, except on authenticated connections: they may be kube-apiserver's. */
export function endStrangerAfterResponse(
  connection: OpenConnection | undefined,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): void {
  if (connection?.isAuthenticated() !== true) endAfterResponse(request, response);
}

/**
 * Answers unparsable HTTP/1.1 as Go's servers. Node reports failed handshakes here, too: an answer would wait for the end
 * of the handshake, and once HTTP/2 begins behind it, Node aborts the process (`!current_write_` in `TLSWrap::DoWrite`).
 */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || !speaksHttp1(socket)) {
    socket.destroy();
    return;
  }
  endWith(socket, unreadable.get(error.code ?? '') ?? '400 Bad Request');
}

/** ALPN is null until the handshake is over, and false if the client named no protocol. */
function speaksHttp1(socket: Socket): boolean {
  return !(socket instanceof TLSSocket) || socket.alpnProtocol === false || socket.alpnProtocol === 'http/1.1';
}

const unreadable: ReadonlyMap<string, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

/**
 * Checks the Host lines of HTTP/1.1, as Go. Two could smuggle a request past a proxy that reads the other one. Node
 * refuses a request without one.
 */
export function hostProblem({ httpVersionMajor, rawHeaders }: RequestHead): string | undefined {
  if (httpVersionMajor !== 1) return undefined;
  const hosts = headerLines(rawHeaders, 'host');
  if (hosts.length > 1) return '400 Bad Request';
  return hosts.every((host) => hostPattern.test(host)) ? undefined : '400 Bad Request: malformed Host header';
}

type RequestHead = Pick<Http2ServerRequest, 'httpVersionMajor' | 'rawHeaders'>;

/** The bytes that Go allows, in any order. */
const hostPattern = /^[\w!$%&'()*+,\-.:;=[\]~]*$/;

/** Refuses CONNECT. Node would close HTTP/1.1 without a response, and answer HTTP/2 by itself. */
export function refuseTunnels(server: Http2SecureServer, connectionOf: ConnectionLookup): void {
  server.on('connect', (request: Http2ServerRequest, peer: Socket | Http2ServerResponse) => {
    if (peer instanceof Http2ServerResponse) {
      endStrangerAfterResponse(connectionOf(request), request, peer);
      peer.writeHead(405).end();
    } else endWith(peer, '405 Method Not Allowed');
  });
}

/** Refuses an Expect header other than `100-continue`, as Go. Node would answer by itself, outside of the queue of requests. */
export function refuseExpectations(server: Http2SecureServer, connectionOf: ConnectionLookup): void {
  server.on('checkExpectation', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    endStrangerAfterResponse(connectionOf(request), request, response);
    response.writeHead(417, request.httpVersionMajor === 1 ? { connection: 'close' } : {}).end();
  });
}

function endWith(socket: Socket, status: string): void {
  const head = [`HTTP/1.1 ${status}`, 'Content-Type: text/plain; charset=utf-8', 'Connection: close', '', ''];
  socket.end(head.join('\r\n') + status, () => socket.destroy());
}
