/** One node's connection: kept for the next request, replaced when dead. */
import type { Attempt } from '../explain/kubeleterror.ts';
import { type GetRequest, type GetResponse, IncomingResponse } from './exchange.ts';
import type { MakeInflater } from './inflate.ts';
import { RequestWriter } from './requestbytes.ts';
import type { RequestDeadline } from './requestdeadline.ts';
import { ConnectionLostError, KubeletSocket, type SocketOptions } from './socket.ts';

export interface Connection {
  /** One request at a time; others queue. Rejects with a failure's cause. */
  send(request: GetRequest, attempt: Attempt, deadline: RequestDeadline): Promise<GetResponse>;
  /** After the responses under way. */
  close(): Promise<void>;
  destroy(): Promise<void>;
}

export interface ConnectionOptions extends SocketOptions {
  readonly makeInflater: MakeInflater | undefined;
}

/** Kubelets close connections idle for 90 s. Ours closes first. */
export const keepAliveMs = 80_000;

/** Returns a connection that opens on demand; `authority` is host and port as in a URL. */
export function createConnection(authority: string, options: ConnectionOptions): Connection {
  return new KeptConnection(authority, options);
}

class KeptConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #writer: RequestWriter;
  #socket: KubeletSocket | undefined;
  #isClosed = false;
  #isBusy = false;
  #queued = 0;
  /** Settles with all requests. */
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
          // The kubelet may have closed it, or restarted, since the previous response. A GET may be repeated.
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
