/** The end of a server that tells new requests when to come again while it waits for those under way: --shutdown-send-retry-after. */
import { type Reply, textReply } from './reply.ts';

export interface Draining {
  /** Reports whether a request is served: before the end each is, then those that k8s.io/apiserver spares. */
  admits(path: string, userAgent: string | undefined): boolean;
  /** Counts a request that is served. The function that it returns is to be called at the request's end. */
  admit(): () => void;
  /** Admits no more; resolves when all that were admitted have ended, or when the limit resolves. The port stays open meanwhile. */
  begin(limit: Promise<unknown>): Promise<void>;
}

export function createDraining(): Draining {
  const drained = Promise.withResolvers<void>();
  let hasBegun = false;
  let admitted = 0;
  return {
    admits: (path, userAgent) => !hasBegun || isSpared(path, userAgent),
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

/** By prefix, and what kube-apiserver asks for itself: what it forwards has its client's user agent. */
function isSpared(path: string, userAgent = ''): boolean {
  return sparedPrefixes.some((prefix) => path.startsWith(prefix)) || userAgent.startsWith('kube-apiserver/');
}

const sparedPrefixes = ['/readyz', '/livez', '/healthz', '/metrics'];

/** The answer of k8s.io/apiserver to a request that comes when no new ones are served any more. */
export function shuttingDownReply(): Reply {
  const reply = textReply('The apiserver is shutting down, please try again later.\n', 429);
  return { ...reply, headers: { ...reply.headers, 'retry-after': '5' } };
}
