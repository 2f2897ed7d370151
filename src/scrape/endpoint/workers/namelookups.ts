/** Look-ups of a worker thread, which the main thread does: one cache, and one limit on getaddrinfo, for the whole process. */
import type { Address, Resolve } from '../../../dns/address.ts';
import { type ClonedResult, cloneResult, unwrap } from './clonedresult.ts';

/** To the main thread. */
export type LookupRequest =
  | { readonly kind: 'resolve'; readonly id: number; readonly name: string }
  /** The answer is not needed any more. */
  | { readonly kind: 'resolve-abort'; readonly id: number };

/** To the worker; each question gets one, also when it was aborted. */
export interface LookupResponse {
  readonly kind: 'resolved';
  readonly id: number;
  readonly addresses: ClonedResult<readonly Address[]>;
}

export interface LookupClient {
  readonly resolve: Resolve;
  take(answer: LookupResponse): void;
}

/** In the worker. */
export function createLookupClient(send: (question: LookupRequest) => void): LookupClient {
  const waiting = new Map<number, (addresses: LookupResponse['addresses']) => void>();
  let lastId = 0;
  return { resolve, take: ({ id, addresses }) => waiting.get(id)?.(addresses) };

  async function resolve(name: string, signal: AbortSignal): Promise<readonly Address[]> {
    const id = ++lastId;
    const answer = Promise.withResolvers<LookupResponse['addresses']>();
    const abort = () => send({ kind: 'resolve-abort', id });
    waiting.set(id, answer.resolve);
    send({ kind: 'resolve', id, name });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      return unwrap(await answer.promise);
    } finally {
      waiting.delete(id);
      signal.removeEventListener('abort', abort);
    }
  }
}

export interface LookupServer {
  take(question: LookupRequest): void;
  /** Ends all look-ups, as when the worker has ended. */
  end(): void;
}

/** In the main thread. */
export function createLookupServer(resolve: Resolve, send: (answer: LookupResponse) => void): LookupServer {
  const underWay = new Map<number, AbortController>();
  return {
    take(question) {
      if (question.kind === 'resolve') void answer(question.id, question.name);
      else underWay.get(question.id)?.abort();
    },
    end: () => underWay.forEach((abort) => abort.abort()),
  };

  async function answer(id: number, name: string): Promise<void> {
    const abort = new AbortController();
    underWay.set(id, abort);
    const addresses = await cloneResult(() => resolve(name, abort.signal));
    underWay.delete(id);
    send({ kind: 'resolved', id, addresses });
  }
}
