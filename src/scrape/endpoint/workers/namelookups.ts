/** A worker thread's DNS lookups, made by the main thread: the process has one cache and one limit on getaddrinfo. */
import type { Address, Resolve } from '../../../dns/address.ts';
import { type ClonedResult, cloneResult, unwrap } from './clonedresult.ts';

/** To the main thread. */
export type LookupRequest =
  | { readonly kind: 'resolve'; readonly id: number; readonly name: string }
  | { readonly kind: 'resolve-abort'; readonly id: number };

/** Sent for every request, even an aborted one. */
export interface LookupResponse {
  readonly kind: 'resolved';
  readonly id: number;
  readonly addresses: ClonedResult<readonly Address[]>;
}

export interface LookupClient {
  readonly resolve: Resolve;
  receive(response: LookupResponse): void;
}

/** Creates the worker's side. */
export function createLookupClient(send: (request: LookupRequest) => void): LookupClient {
  const waiting = new Map<number, (addresses: LookupResponse['addresses']) => void>();
  let lastId = 0;
  return { resolve, receive: ({ id, addresses }) => waiting.get(id)?.(addresses) };

  async function resolve(name: string, signal: AbortSignal): Promise<readonly Address[]> {
    const id = ++lastId;
    const response = Promise.withResolvers<LookupResponse['addresses']>();
    const abort = () => send({ kind: 'resolve-abort', id });
    waiting.set(id, response.resolve);
    send({ kind: 'resolve', id, name });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      return unwrap(await response.promise);
    } finally {
      waiting.delete(id);
      signal.removeEventListener('abort', abort);
    }
  }
}

export interface LookupServer {
  receive(request: LookupRequest): void;
  end(): void;
}

/** Creates the main thread's side. */
export function createLookupServer(resolve: Resolve, send: (response: LookupResponse) => void): LookupServer {
  const inFlight = new Map<number, AbortController>();
  return {
    receive(request) {
      if (request.kind === 'resolve') void lookUp(request.id, request.name);
      else inFlight.get(request.id)?.abort();
    },
    end: () => inFlight.forEach((abort) => abort.abort()),
  };

  async function lookUp(id: number, name: string): Promise<void> {
    const abort = new AbortController();
    inFlight.set(id, abort);
    const addresses = await cloneResult(() => resolve(name, abort.signal));
    inFlight.delete(id);
    send({ kind: 'resolved', id, addresses });
  }
}
