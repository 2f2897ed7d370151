/**
 * Remembers that kube-apiserver was away. One that has just started denies what it will allow, since its caches of rights are not filled, and
 * refuses credentials that are good; so for a while such answers are not kept for long.
 */
import type { Clock } from '../clock.ts';

export interface Outage {
  /** A request found no server, lost its connection, or was answered that the server cannot serve. */
  seen(): void;
  /** Reports whether that was within the last 30 s. */
  isRecent(): boolean;
}

/** How long a started kube-apiserver may take to know all rights, in milliseconds; its own start-up probe has twice as much. */
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

/** Statuses by which a server, or a proxy before it, says that it cannot serve. */
const outageCodes: ReadonlySet<number> = new Set([500, 502, 503, 504]);

/** Reports whether the status of an answer stands for an outage. */
export function isOutageCode(code: number): boolean {
  return outageCodes.has(code);
}
