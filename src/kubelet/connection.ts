/** The connection to one node's kubelet: opened when there is a question, kept for the next one, replaced when it turns out to be dead. */
import { untilAborted } from '../abort.ts';
import { type Answer, Incoming, type Question, type Request } from './exchange.ts';
import type { Attempt } from './failure.ts';
import type { MakeInflater } from './inflate.ts';
import type { ResponseSink } from './http1.ts';
import { requestBytes } from './request.ts';
import { ConnectionLostError, KubeletSocket, type SocketOptions } from './socket.ts';

export interface Connection {
  /** One question at a time, others wait. Throws what came in the way. */
  ask(question: Question, attempt: Attempt, signal: AbortSignal): Promise<Answer>;
  /** Once the question under way has its answer. */
  close(): Promise<void>;
  /** Now. */
  destroy(): Promise<void>;
}

export interface ConnectionOptions extends SocketOptions {
  readonly makeInflater: MakeInflater;
}

/** Kubelets close a connection that was idle for 90 s; ours goes first. */
export const keepAliveMs = 80_000;

/** @param authority host and port as in a URL. */
export function createConnection(authority: string, options: ConnectionOptions): Connection {
  let kept: KubeletSocket | undefined;
  let gone = false;
  /** Settles when everything that was asked has its answer; undefined when that is so. */
  let underWay: Promise<unknown> | undefined;
  let written: { readonly request: Request; readonly bytes: Buffer } | undefined;
  let idle: NodeJS.Timeout | undefined;
  return { ask, close, destroy };

  function ask(question: Question, attempt: Attempt, signal: AbortSignal): Promise<Answer> {
    const exchange = async () => {
      try {
        return await ofKept(question, attempt, signal);
      } finally {
        clearTimeout(idle);
        if (!gone) idle = setTimeout(closeIdle, keepAliveMs).unref();
      }
    };
    const before = underWay;
    const answer = before === undefined ? exchange() : untilAborted(before, signal).then(exchange);
    const ended = () => {
      if (underWay === settled) underWay = undefined;
    };
    const settled = before === undefined ? answer.then(ended, ended) : Promise.allSettled([before, answer]).then(ended);
    underWay = settled;
    return answer;
  }

  async function ofKept(question: Question, attempt: Attempt, signal: AbortSignal): Promise<Answer> {
    const bytes = bytesOf(question);
    if (kept?.closed === false) {
      const socket = kept;
      try {
        return await ofSocket(socket);
      } catch (cause) {
        // The kubelet may have closed it, or restarted, since the last answer; a GET may be asked twice.
        if (socket.answered || signal.aborted) throw cause;
      }
    }
    if (gone) throw notNeeded();
    kept = new KubeletSocket(options);
    await kept.opened(signal);
    return ofSocket(kept);

    async function ofSocket(socket: KubeletSocket): Promise<Answer> {
      const incoming = new Incoming(question, attempt, options.makeInflater);
      await socket.ask(bytes, sinkOf(incoming), signal);
      try {
        return incoming.end();
      } catch (cause) {
        socket.fail(cause);
        throw cause;
      }
    }
  }

  /** From one scrape to the next only a token may have changed. */
  function bytesOf({ path, accept, gzip, authorization }: Question): Buffer {
    // Without who reads the body: it would be kept with all that it has read.
    const request = { path, accept, gzip, authorization };
    if (written === undefined || !sameRequest(written.request, request)) {
      written = { request, bytes: requestBytes(authority, request) };
    }
    return written.bytes;
  }

  function closeIdle(): void {
    if (underWay === undefined) kept?.fail(new ConnectionLostError('the connection was idle for too long'));
  }

  async function close(): Promise<void> {
    await underWay;
    await destroy();
  }

  async function destroy(): Promise<void> {
    gone = true;
    clearTimeout(idle);
    kept?.fail(notNeeded());
  }
}

function sinkOf(incoming: Incoming): ResponseSink {
  return {
    onHead: ({ status, headers }) =>
      incoming.start(status, {
        contentType: headers.get('content-type'),
        contentEncoding: headers.get('content-encoding'),
        date: headers.get('date'),
      }),
    onBody: (chunk) => incoming.write(chunk),
  };
}

function sameRequest(a: Request, b: Request): boolean {
  return a.path === b.path && a.accept === b.accept && a.gzip === b.gzip && a.authorization === b.authorization;
}

function notNeeded(): ConnectionLostError {
  return new ConnectionLostError('the connection is not needed any more');
}
