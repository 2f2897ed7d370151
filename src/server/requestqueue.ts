/**
 * Makes requests begin in the shares of their clients' networks: each of a thousand connections may send several at the same moment, and Node would emit
 * all of them at once.
 */
import type { Http2SecureServer, Http2ServerRequest } from 'node:http2';
import type { QueueShare } from './eventloopqueue.ts';
import { pipelineLimit, strangerPipelineLimit } from './waitinglimits.ts';

export interface RequestQueueOptions {
  /** Returns the share in which a request's connection is served. */
  readonly shareOf: (request: Http2ServerRequest) => QueueShare;
  /** Reports whether the request's connection is authenticated. */
  readonly isKnown: (request: Http2ServerRequest) => boolean;
  /** Called for an HTTP/2 request that waits. */
  readonly onWaiting: (request: Http2ServerRequest) => void;
  /** Closes the connection: more HTTP/1.1 requests wait on it than it may pipeline. */
  readonly close: (request: Http2ServerRequest) => void;
}

/** Replaces the server's own request listeners. */
export function queueRequests(
  server: Http2SecureServer,
  { shareOf, isKnown, onWaiting, close }: RequestQueueOptions,
): void {
  /** HTTP/1.1 requests that have not begun, by socket. */
  const waiting = new WeakMap<object, number>();
  const listeners = server.listeners('request');
  server.removeAllListeners('request');
  server.on('request', (request: Http2ServerRequest, response: unknown) => {
    const begin = () => {
      for (const listener of listeners) listener.call(server, request, response);
    };
    const share = shareOf(request);
    const known = isKnown(request);
    // What strangers have sent begins before more is read, so that few of their requests wait. Those of users take turns with all other work.
    const isUrgent = !known;
    const stream = streamOf(request);
    if (stream !== undefined) {
      // A listener for the end of an ended request would stay for ever.
      const isBegun = share.runOrEnqueue(() => !stream.destroyed && !stream.closed && begin(), isUrgent);
      if (!isBegun) onWaiting(request);
      return;
    }
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    waiting.set(socket, count);
    if (count > (known ? pipelineLimit : strangerPipelineLimit)) {
      close(request);
      return;
    }
    share.runOrEnqueue(() => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      if (!socket.destroyed) begin();
    }, isUrgent);
  });
}

/** Returns undefined over HTTP/1.1. */
function streamOf(request: Http2ServerRequest): Http2ServerRequest['stream'] | undefined {
  return (request as Partial<Http2ServerRequest>).stream;
}
