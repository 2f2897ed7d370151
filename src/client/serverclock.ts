/** Tracks how far kube-apiserver's clock, which times objects, is ahead. */
import type { Clock } from '../clock.ts';

export interface ServerClock {
  /** Takes the Date header of a new response; ignores invalid ones. */
  onDate(date: string | readonly string[] | undefined): void;
  /** Exact to a second or two; 0 before the first response. */
  aheadMs(): number;
}

/** Groups that kube-apiserver serves itself, also those of most CRDs. Servers behind the aggregation layer answer for metrics groups. */
const ownGroup = /^\/apis\/(?:[a-z]+|(?!(?:[^/]+\.)?metrics\.k8s\.io[/?])[^/?]+\.k8s\.io)[/?]/;

/**
 * Reports whether the Date of a response is by kube-apiserver's clock. It passes on that of aggregated servers, nodes, pods and Services, whose
 * clocks are others. Any group that it may not serve itself counts as another's.
 * @param path of the request, without the prefix of kube-apiserver's URL.
 */
export function isDatedByServer(path: string): boolean {
  if (path.startsWith('/apis/')) return ownGroup.test(path);
  return !/^\/api\/v1\/[^?]*\/proxy(?:[/?]|$)/.test(path);
}

export function createServerClock(clock: Pick<Clock, 'wallMs'>): ServerClock {
  let aheadMs = 0;
  return { onDate, aheadMs: () => aheadMs };

  function onDate(date: string | readonly string[] | undefined): void {
    const dateMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    if (!Number.isNaN(dateMs)) aheadMs = dateMs - clock.wallMs();
  }
}
