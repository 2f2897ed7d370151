/** Answers new requests by 429 during a drain. */
import { type Reply, textReply } from './reply.ts';

export interface Draining {
  /** During the drain, admits only what k8s.io/apiserver exempts. */
  admits(path: string, userAgent: string | undefined): boolean;
  /** Counts a request. Returns the function that ends it. */
  admit(): () => void;
  /** Resolves when all admitted requests have ended, or with the limit. */
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

/** Forwarded requests have their client's user agent. */
function isExempt(path: string, userAgent = ''): boolean {
  return exemptPrefixes.some((prefix) => path.startsWith(prefix)) || userAgent.startsWith('kube-apiserver/');
}

const exemptPrefixes = ['/readyz', '/livez', '/healthz', '/metrics'];

/** Returns k8s.io/apiserver's response during a drain. */
export function shuttingDownReply(): Reply {
  const reply = textReply('The apiserver is shutting down, please try again later.\n', 429);
  return { ...reply, headers: { ...reply.headers, 'retry-after': '5' } };
}
