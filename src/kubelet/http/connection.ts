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
  return new KeptConnection(authority, options);
}

class KeptConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #writer: RequestWriter;
  #socket: KubeletSocket | undefined;
  #isClosed = false;
  /** Whether a request uses the connection, and how many others are queued. */
  #isBusy = false;
  #queued = 0;
  /** Settles when all requests have settled; undefined without any. */
  #underWay: Promise<unknown> | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(authority: string, options: ConnectionOptions) {
    this.#writer = new RequestWriter(authority);
    this.#options = options;
  }

  send(request: GetRequest, attempt: Attempt, deadline: RequestDeadline): Promise<GetResponse> {
    const previous = this.#underWay;
    if (previous === undefined) {
      const response = this.#exchange(request, attempt, deadline);
      this.#underWay = response;
      return response;
    }
    const response = this.#queue(previous, request, attempt, deadline);
    this.#underWay = Promise.allSettled([previous, response]);
    return response;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.#underWay]);
    await this.destroy();
  }

  async destroy(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#idle);
    this.#socket?.fail(notNeeded());
  }

  async #queue(
    previous: Promise<unknown>,
    request: GetRequest,
    attempt: Attempt,
    deadline: RequestDeadline,
  ): Promise<GetResponse> {
    this.#queued += 1;
    try {
      await deadline.until(previous.catch(() => undefined));
    } finally {
      this.#queued -= 1;
    }
    return this.#exchange(request, attempt, deadline);
  }

  async #exchange(request: GetRequest, attempt: Attempt, deadline: RequestDeadline): Promise<GetResponse> {
    this.#isBusy = true;
    const incoming = () => new IncomingResponse(request, attempt, this.#options.makeInflater);
    try {
      const bytes = this.#writer.bytesOf(request);
      const kept = this.#socket;
      if (kept?.closed === false) {
        try {
          return await kept.send(bytes, incoming(), deadline);
        } catch (cause) {
          // The kubelet may have closed it, or restarted, since the previous response. A GET may be sent twice.
          if (kept.responded || deadline.ended) throw cause;
        }
      }
      if (this.#isClosed) throw notNeeded();
      const opened = new KubeletSocket(this.#options);
      this.#socket = opened;
      await opened.opened(deadline);
      return await opened.send(bytes, incoming(), deadline);
    } finally {
      this.#finish();
    }
  }

  #finish(): void {
    this.#isBusy = false;
    if (this.#queued === 0) this.#underWay = undefined;
    clearTimeout(this.#idle);
    if (!this.#isClosed) this.#idle = setTimeout(() => this.#closeIdle(), keepAliveMs).unref();
  }

  #closeIdle(): void {
    if (!this.#isBusy) this.#socket?.fail(new ConnectionLostError('the connection was idle for too long'));
  }
}

function notNeeded(): ConnectionLostError {
  return new ConnectionLostError('the connection is not needed any more');
}
