/** Known callers who ask for something cheap all the time while an attack runs. They are in a thread of their own, so that the attack's own work does not delay them. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Issued } from '../fakes/certificates.ts';

/** Each has a connection of its own. */
export const lanes = ['known', 'reviewed', 'token'] as const;

/**
 * known: an administrator behind the front proxy, who needs no review; reviewed: each request is from another user, whose right is asked of kube-apiserver;
 * token: each request has another good bearer token, so that kube-apiserver is asked who that is, too.
 */
export type Lane = (typeof lanes)[number];

export interface Seen {
  /** The longest time from a request to its answer, with connecting again and asking again if it was refused, in milliseconds. */
  readonly longestMs: number;
  /** How many requests were answered with 200. */
  readonly answered: number;
  /** How many were refused or cut off, and the last reason. */
  readonly refused: number;
  readonly reason: string;
}

export type Sight = Readonly<Record<Lane, Seen>>;

export interface BystanderOptions {
  readonly port: number;
  readonly ca: string;
  readonly frontProxy: Issued;
}

export interface Bystander extends AsyncDisposable {
  /** Returns the measurements since the last call. A request that is still in flight counts with its time so far. */
  take(): Promise<Sight>;
  /** Resolves when each lane has had one more good answer. */
  served(signal: AbortSignal): Promise<void>;
}

/** Good tokens of bystanders begin with it. */
export const bystanderToken = 'bystander-';

export async function startBystander(options: BystanderOptions): Promise<Bystander> {
  const worker = new Worker(new URL('bystanderworker.ts', import.meta.url), { workerData: options });
  await once(worker, 'online');
  return {
    take,
    async served(signal) {
      await take();
      for (;;) {
        signal.throwIfAborted();
        const sight = await take();
        if (lanes.every((lane) => sight[lane].answered > 0)) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };

  async function take(): Promise<Sight> {
    worker.postMessage('take', []);
    const [sight] = (await once(worker, 'message')) as [Sight];
    return sight;
  }
}
