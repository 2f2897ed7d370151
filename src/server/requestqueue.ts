/** Makes requests begin in their networks' shares: Node would emit those of a thousand connections at once. */
import type { Http2SecureServer, Http2ServerRequest } from 'node:http2';
import type { QueueShare } from '../eventloopqueue.ts';
import { pipelineLimit, strangerPipelineLimit } from './waitinglimits.ts';

export interface RequestQueueOptions {
  readonly shareOf: (request: Http2ServerRequest) => QueueShare;
  readonly isKnown: (request: Http2ServerRequest) => boolean;
  /** Only for HTTP/2. */
  readonly onWaiting: (request: Http2ServerRequest) => void;
  /** For too many pipelined HTTP/1.1 requests. */
  readonly close: (request: Http2ServerRequest) => void;
}

/** The events of Node's servers that bring a request. `connect` has the method CONNECT, `checkExpectation` an Expect header. */
const requestEvents = ['request', 'connect', 'checkExpectation'] as const;

/** Replaces the server's own listeners. */
export function queueRequests(
  server: Http2SecureServer,
  { shareOf, isKnown, onWaiting, close }: RequestQueueOptions,
): void {
  const waiting = new WeakMap<object, number>();
  for (const event of requestEvents) {
    const listeners = server.listeners(event);
    server.removeAllListeners(event);
    // Without a listener, Node answers by itself.
    if (listeners.length === 0) continue;
    server.on(event, (request: Http2ServerRequest, ...rest: unknown[]) => {
      const begin = () => {
        for (const listener of listeners) listener.call(server, request, ...rest);
      };
      // Its connection has left the HTTP/1.1 parser, and no other listener.
      if (event === 'connect' && streamOf(request) === undefined) begin();
      else queue(request, begin);
    });
  }

  function queue(request: Http2ServerRequest, begin: () => void): void {
    const share = shareOf(request);
    const known = isKnown(request);
    // Strangers' requests begin before more is read, so that few wait. Users' take turns with all other work.
    const isUrgent = !known;
    const stream = streamOf(request);
    if (stream !== undefined) {
      // A listener for an ended request's end would stay for ever.
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
  }
}

function streamOf(request: Http2ServerRequest): Http2ServerRequest['stream'] | undefined {
  return (request as Partial<Http2ServerRequest>).stream;
}
