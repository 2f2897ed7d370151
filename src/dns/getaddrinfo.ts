/** Calls getaddrinfo, for sources beside files and DNS; it may hang for minutes in one of libuv's threads. */
import { lookup } from 'node:dns';
import { promisify } from 'node:util';
import type { Address } from './address.ts';

/** Resolves to none if it fails. */
export type Getaddrinfo = (name: string) => Promise<readonly Address[]>;

/** Before replaceLookup (lookup.ts) replaces it. */
const systemLookup = promisify(lookup);

export async function getaddrinfo(name: string): Promise<readonly Address[]> {
  try {
    const found = await systemLookup(name, { all: true });
    return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
  } catch {
    return [];
  }
}

/**
 * Makes one call at a time: libuv has two threads, and each may hang. The signal ends queued calls, which resolve to
 * none; it cannot end a running one.
 */
export function serialized(call: Getaddrinfo): (name: string, signal: AbortSignal) => Promise<readonly Address[]> {
  const queue = new Set<() => void>();
  let isBusy = false;
  return (name, signal) =>
    new Promise((resolve) => {
      const leave = () => {
        queue.delete(start);
        resolve([]);
      };
      const start = () => {
        queue.delete(start);
        signal.removeEventListener('abort', leave);
        void run(name).then(resolve);
      };
      queue.add(start);
      signal.addEventListener('abort', leave, { once: true });
      if (signal.aborted) leave();
      next();
    });

  async function run(name: string): Promise<readonly Address[]> {
    isBusy = true;
    try {
      return await call(name);
    } finally {
      isBusy = false;
      next();
    }
  }

  function next(): void {
    const [start] = queue;
    if (!isBusy) start?.();
  }
}
