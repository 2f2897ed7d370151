/** Answers new requests by 429 while the server waits for those in progress: --shutdown-send-retry-after. */
import { type Reply, textReply } from './reply.ts';

export interface Draining {
  /** Reports whether a request is served: each before the drain begins, then only those that k8s.io/apiserver exempts. */
  admits(path: string, userAgent: string | undefined): boolean;
  /** Counts a request that is served. Returns the function to call at its end. */
  admit(): () => void;
  /** Admits no more requests. Resolves when all admitted ones have ended, or with the limit. */
  begin(limit: Promise<unknown>): Promise<void>;
}

export function createDraining(): Draining {
  const drained = Promise.withResolvers<void>();
  let hasBegun = false;
  let admitted = 0;
  return {
    admits: (path, userAgent) => !hasBegun || isExempt(path, userAgent),
    admit() {
      admitted += 1;
      return () => {
        admitted -= 1;
        if (hasBegun && admitted === 0) drained.resolve();
      };
    },
    async begin(limit) {
      hasBegun = true;
      if (admitted > 0) await Promise.race([drained.promise, limit]);
    },
  };
}

/** Forwarded requests have their client's user agent, not kube-apiserver's. */
function isExempt(path: string, userAgent = ''): boolean {
  return exemptPrefixes.some((prefix) => path.startsWith(prefix)) || userAgent.startsWith('kube-apiserver/');
}

const exemptPrefixes = ['/readyz', '/livez', '/healthz', '/metrics'];

/** Returns k8s.io/apiserver's response to a request that arrives while it drains. */
export function shuttingDownReply(): Reply {
  const reply = textReply('The apiserver is shutting down, please try again later.\n', 429);
  return { ...reply, headers: { ...reply.headers, 'retry-after': '5' } };
}
