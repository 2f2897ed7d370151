/** Look-ups of a worker thread, which the main thread does: one cache, and one limit on getaddrinfo, for the whole process. */
import type { Address, Resolve } from '../../../dns/address.ts';
import { type Carried, carried, unpack } from './carried.ts';

/** To the main thread. */
export type NameQuestion =
  | { readonly kind: 'resolve'; readonly id: number; readonly name: string }
  /** The answer is not needed any more. */
  | { readonly kind: 'resolve-abort'; readonly id: number };

/** To the worker; each question gets one, also when it was aborted. */
export interface NameAnswer {
  readonly kind: 'resolved';
  readonly id: number;
  readonly addresses: Carried<readonly Address[]>;
}

export interface AskedNames {
  readonly resolve: Resolve;
  take(answer: NameAnswer): void;
}

/** In the worker. */
export function askNames(send: (question: NameQuestion) => void): AskedNames {
  const waiting = new Map<number, (addresses: NameAnswer['addresses']) => void>();
  let lastId = 0;
  return { resolve, take: ({ id, addresses }) => waiting.get(id)?.(addresses) };

  async function resolve(name: string, signal: AbortSignal): Promise<readonly Address[]> {
    const id = ++lastId;
    const answer = Promise.withResolvers<NameAnswer['addresses']>();
    const abort = () => send({ kind: 'resolve-abort', id });
    waiting.set(id, answer.resolve);
    send({ kind: 'resolve', id, name });
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    try {
      return unpack(await answer.promise);
    } finally {
      waiting.delete(id);
      signal.removeEventListener('abort', abort);
    }
  }
}

export interface AnsweredNames {
  take(question: NameQuestion): void;
  /** Ends all look-ups, as when the worker has ended. */
  end(): void;
}

/** In the main thread. */
export function answerNames(resolve: Resolve, send: (answer: NameAnswer) => void): AnsweredNames {
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
    const addresses = await carried(() => resolve(name, abort.signal));
    underWay.delete(id);
    send({ kind: 'resolved', id, addresses });
  }
}
