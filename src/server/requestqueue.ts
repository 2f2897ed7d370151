/**
 * Lets requests of strangers take turns: each of a thousand connections may send several at the same moment, and Node would have all of them begun before
 * anybody else's. Requests on connections of those who are known begin at once.
 */
import type { Http2SecureServer, Http2ServerRequest } from 'node:http2';
import type { InTurn } from './strangerbudget.ts';
import { strangerPipelineLimit } from './waitinglimits.ts';

export interface RequestTurnsOptions {
  readonly atOnce: InTurn;
  /** Reports whether an authenticated request has come by its connection. */
  readonly isKnown: (request: Http2ServerRequest) => boolean;
  /** Closes the connection of a stranger with more than `strangerPipelineLimit` requests over HTTP/1.1 that have not begun. */
  readonly close: (request: Http2ServerRequest) => void;
}

/** Takes the place of the server's own listeners. */
export function takeRequestsInTurn(server: Http2SecureServer, { atOnce, isKnown, close }: RequestTurnsOptions): void {
  /** Requests over HTTP/1.1 that wait, by socket. */
  const waiting = new WeakMap<object, number>();
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: Http2ServerRequest, response: unknown) => {
    const begin = () => {
      for (const listener of listeners) listener.call(server, request, response);
    };
    if (isKnown(request)) {
      begin();
      return;
    }
    const stream = streamOf(request);
    if (stream === undefined) {
      const { socket } = request;
      const count = (waiting.get(socket) ?? 0) + 1;
      waiting.set(socket, count);
      if (count > strangerPipelineLimit) {
        close(request);
        return;
      }
    }
    atOnce(() => {
      // What listens for the end of a request that has ended would do so for ever.
      if (stream !== undefined) {
        if (!stream.destroyed && !stream.closed) begin();
        return;
      }
      waiting.set(request.socket, (waiting.get(request.socket) ?? 1) - 1);
      if (!request.socket.destroyed) begin();
    });
  });
}

/** Undefined over HTTP/1.1. */
function streamOf(request: Http2ServerRequest): Http2ServerRequest['stream'] | undefined {
  return (request as Partial<Http2ServerRequest>).stream;
}
