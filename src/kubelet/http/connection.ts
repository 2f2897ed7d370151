/** The connection to one node's kubelet: opened when there is a question, kept for the next one, replaced when it turns out to be dead. */
import { type GetResponse, IncomingResponse, type GetRequest, type WireRequest } from './exchange.ts';
import type { Attempt } from '../explain/kubeleterror.ts';
import type { MakeInflater } from './inflate.ts';
import type { RequestDeadline } from './requestdeadline.ts';
import { requestBytes } from './requestbytes.ts';
import { ConnectionLostError, KubeletSocket, type SocketOptions } from './socket.ts';

export interface Connection {
  /** One question at a time, others wait. Throws what came in the way. */
  ask(question: GetRequest, attempt: Attempt, limit: RequestDeadline): Promise<GetResponse>;
  /** Once the question under way has its answer. */
  close(): Promise<void>;
  /** Now. */
  destroy(): Promise<void>;
}

export interface ConnectionOptions extends SocketOptions {
  readonly makeInflater: MakeInflater | undefined;
}

/** Kubelets close a connection that was idle for 90 s; ours goes first. */
export const keepAliveMs = 80_000;

/** @param authority host and port as in a URL. */
export function createConnection(authority: string, options: ConnectionOptions): Connection {
  let kept: KubeletSocket | undefined;
  let gone = false;
  /** Whether a question has the connection, and how many others wait for it. */
  let isBusy = false;
  let waiting = 0;
  /** Settles when everything that was asked has its answer; undefined when that is so. */
  let underWay: Promise<unknown> | undefined;
  let written: { readonly request: WireRequest; readonly bytes: Buffer } | undefined;
  let idle: NodeJS.Timeout | undefined;
  return { ask, close, destroy };

  function ask(question: GetRequest, attempt: Attempt, limit: RequestDeadline): Promise<GetResponse> {
    const before = underWay;
    if (before === undefined) {
      const answer = exchange(question, attempt, limit);
      underWay = answer;
      return answer;
    }
    const answer = inTurn(before, question, attempt, limit);
    underWay = Promise.allSettled([before, answer]);
    return answer;
  }

  async function inTurn(
    before: Promise<unknown>,
    question: GetRequest,
    attempt: Attempt,
    limit: RequestDeadline,
  ): Promise<GetResponse> {
    waiting += 1;
    try {
      await limit.until(before.catch(ignore));
    } finally {
      waiting -= 1;
    }
    return exchange(question, attempt, limit);
  }

  async function exchange(question: GetRequest, attempt: Attempt, limit: RequestDeadline): Promise<GetResponse> {
    isBusy = true;
    try {
      const bytes = bytesOf(question);
      const socket = kept;
      if (socket?.closed === false) {
        try {
          return await socket.ask(bytes, new IncomingResponse(question, attempt, options.makeInflater), limit);
        } catch (cause) {
          // The kubelet may have closed it, or restarted, since the last answer; a GET may be asked twice.
          if (socket.answered || limit.ended) throw cause;
        }
      }
      return await ofNew(bytes, new IncomingResponse(question, attempt, options.makeInflater), limit);
    } finally {
      ended();
    }
  }

  async function ofNew(question: Buffer, incoming: IncomingResponse, limit: RequestDeadline): Promise<GetResponse> {
    if (gone) throw notNeeded();
    const socket = new KubeletSocket(options);
    kept = socket;
    await socket.opened(limit);
    return socket.ask(question, incoming, limit);
  }

  function ended(): void {
    isBusy = false;
    if (waiting === 0) underWay = undefined;
    clearTimeout(idle);
    if (!gone) idle = setTimeout(closeIdle, keepAliveMs).unref();
  }

  /** From one scrape to the next only a token may have changed. */
  function bytesOf({ path, accept, gzip, authorization }: GetRequest): Buffer {
    // Without who reads the body: it would be kept with all that it has read.
    const request = { path, accept, gzip, authorization };
    if (written === undefined || !sameRequest(written.request, request)) {
      written = { request, bytes: requestBytes(authority, request) };
    }
    return written.bytes;
  }

  function closeIdle(): void {
    if (!isBusy) kept?.fail(new ConnectionLostError('the connection was idle for too long'));
  }

  async function close(): Promise<void> {
    await Promise.allSettled([underWay]);
    await destroy();
  }

  async function destroy(): Promise<void> {
    gone = true;
    clearTimeout(idle);
    kept?.fail(notNeeded());
  }
}

function sameRequest(a: WireRequest, b: WireRequest): boolean {
  return a.path === b.path && a.accept === b.accept && a.gzip === b.gzip && a.authorization === b.authorization;
}

function notNeeded(): ConnectionLostError {
  return new ConnectionLostError('the connection is not needed any more');
}

function ignore(): void {
  // Whoever waits for a question to be answered does not care how.
}
