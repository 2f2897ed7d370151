/** Records outages of kube-apiserver: one that just started denies valid rights, which must not be cached for long. */
import type { Clock } from '../clock.ts';

export interface Outage {
  /** Records a request without a server, a broken connection, or a 5xx of `isOutageCode`. */
  seen(): void;
  isRecent(): boolean;
}

/** How long a started kube-apiserver may deny valid rights; its startup probe allows twice as much. */
export const recentOutageMs = 30_000;

export function createOutage(clock: Pick<Clock, 'monotonicMs'>): Outage {
  let lastMs = -Infinity;
  return {
    seen: () => {
      lastMs = clock.monotonicMs();
    },
    isRecent: () => clock.monotonicMs() - lastMs < recentOutageMs,
  };
}

const outageCodes: ReadonlySet<number> = new Set([500, 502, 503, 504]);

export function isOutageCode(code: number): boolean {
  return outageCodes.has(code);
}
