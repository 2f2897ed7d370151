/** The connection to one node's kubelet: opened for a request, kept for the next one, replaced when it is dead. */
import type { Attempt } from '../explain/kubeleterror.ts';
import { type GetRequest, type GetResponse, IncomingResponse } from './exchange.ts';
import type { MakeInflater } from './inflate.ts';
import { RequestWriter } from './requestbytes.ts';
import type { RequestDeadline } from './requestdeadline.ts';
import { ConnectionLostError, KubeletSocket, type SocketOptions } from './socket.ts';

export interface Connection {
  /** Sends one request at a time; others queue. Rejects with the cause of a failure. */
  send(request: GetRequest, attempt: Attempt, deadline: RequestDeadline): Promise<GetResponse>;
  /** Closes once the requests under way have their responses. */
  close(): Promise<void>;
  /** Closes at once. */
  destroy(): Promise<void>;
}

export interface ConnectionOptions extends SocketOptions {
  readonly makeInflater: MakeInflater | undefined;
}

/** Kubelets close a connection that was idle for 90 s. Ours closes first. */
export const keepAliveMs = 80_000;

/** @param authority host and port as in a URL. */
export function createConnection(authority: string, options: ConnectionOptions): Connection {
  const writer = new RequestWriter(authority);
  let socket: KubeletSocket | undefined;
  let isClosed = false;
  /** Whether a request uses the connection, and how many others are queued. */
  let isBusy = false;
  let queued = 0;
  /** Settles when all requests have settled; undefined without any. */
  let underWay: Promise<unknown> | undefined;
  let idle: NodeJS.Timeout | undefined;
  return { send, close, destroy };

  function send(request: GetRequest, attempt: Attempt, deadline: RequestDeadline): Promise<GetResponse> {
    const previous = underWay;
    if (previous === undefined) {
      const response = exchange(request, attempt, deadline);
      underWay = response;
      return response;
    }
    const response = queue(previous, request, attempt, deadline);
    underWay = Promise.allSettled([previous, response]);
    return response;
  }

  async function queue(
    previous: Promise<unknown>,
    request: GetRequest,
    attempt: Attempt,
    deadline: RequestDeadline,
  ): Promise<GetResponse> {
    queued += 1;
    try {
      await deadline.until(previous.catch(() => undefined));
    } finally {
      queued -= 1;
    }
    return exchange(request, attempt, deadline);
  }

  async function exchange(request: GetRequest, attempt: Attempt, deadline: RequestDeadline): Promise<GetResponse> {
    isBusy = true;
    const incoming = () => new IncomingResponse(request, attempt, options.makeInflater);
    try {
      const bytes = writer.bytesOf(request);
      const kept = socket;
      if (kept?.closed === false) {
        try {
          return await kept.send(bytes, incoming(), deadline);
        } catch (cause) {
          // The kubelet may have closed it, or restarted, since the previous response. A GET may be sent twice.
          if (kept.responded || deadline.ended) throw cause;
        }
      }
      if (isClosed) throw notNeeded();
      const opened = new KubeletSocket(options);
      socket = opened;
      await opened.opened(deadline);
      return await opened.send(bytes, incoming(), deadline);
    } finally {
      isBusy = false;
      if (queued === 0) underWay = undefined;
      clearTimeout(idle);
      if (!isClosed) idle = setTimeout(closeIdle, keepAliveMs).unref();
    }
  }

  function closeIdle(): void {
    if (!isBusy) socket?.fail(new ConnectionLostError('the connection was idle for too long'));
  }

  async function close(): Promise<void> {
    await Promise.allSettled([underWay]);
    await destroy();
  }

  async function destroy(): Promise<void> {
    isClosed = true;
    clearTimeout(idle);
    socket?.fail(notNeeded());
  }
}

function notNeeded(): ConnectionLostError {
  return new ConnectionLostError('the connection is not needed any more');
}
