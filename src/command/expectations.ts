/** Tells the write side what the API knows of pods: whether one runs, and whether some run that no kubelet tells of. */
import type { Clock } from '../clock.ts';
import type { PodInfo, Pods } from '../cluster/pods.ts';
import type { Expectations } from '../scrape/target.ts';
import type { Storage } from '../storage/storage.ts';

export interface ExpectationOptions {
  readonly pods: Pick<Pods, 'get' | 'values' | 'onSet'>;
  readonly usage: Pick<Storage, 'isToldOf'>;
  readonly clock: Clock;
}

/** A pod that started may be told of a little later than the API tells that it runs. */
const overdueMs = 2 * 60_000;
const lookEveryMs = 1_000;
/** Pods are looked at when they are new or change, and all of them so often, for those that somebody told of once; each look takes a few milliseconds at most. */
const roundEveryMs = 5 * 60_000;
const sliceSize = 2_500;
/** One would do to be doubtful; when no kubelet can be reached, all pods are unreported and need not all be looked at each second. */
const unreportedLimit = 1_000;

export function createExpectations({ pods, usage, clock }: ExpectationOptions): Expectations {
  /** Since when nobody has told of them, monotonic. */
  const unreported = new Map<string, { readonly pod: PodInfo; readonly sinceMs: number }>();
  /** Where the next slice begins; a new round where there is none. */
  let rest: IterableIterator<PodInfo> | undefined;
  let roundMs = -Infinity;
  let lookedMs = -Infinity;

  pods.onSet((pod) => expect(pod, clock.monotonicMs()));
  return {
    isRunning: (namespace, name) => pods.get(namespace, name) !== undefined,
    anyUnreported,
  };

  function anyUnreported(): boolean {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedMs >= lookEveryMs) {
      lookedMs = nowMs;
      look(nowMs);
    }
    return unreported.size > 0 && unreported.values().some(({ sinceMs }) => nowMs - sinceMs >= overdueMs);
  }

  function look(nowMs: number): void {
    for (const [uid, { pod }] of unreported) if (usage.isToldOf(pod) || !isThere(pod)) unreported.delete(uid);
    if (rest === undefined && nowMs - roundMs < roundEveryMs) return;
    if (rest === undefined) roundMs = nowMs;
    rest ??= pods.values();
    for (let looked = 0; looked < sliceSize; looked += 1) {
      const { done, value: pod } = rest.next();
      if (done === true) {
        rest = undefined;
        return;
      }
      expect(pod, nowMs);
    }
  }

  function expect(pod: PodInfo, nowMs: number): void {
    if (usage.isToldOf(pod) || unreported.has(pod.uid) || unreported.size >= unreportedLimit) return;
    unreported.set(pod.uid, { pod, sinceMs: nowMs });
  }

  function isThere(pod: PodInfo): boolean {
    return pods.get(pod.namespace, pod.name)?.uid === pod.uid;
  }
}
