/** The API's expectations of a kubelet: whether a pod runs on the node, and whether one is unreported. */
import type { Clock } from '../clock.ts';
import type { PodInfo, Pods } from '../cluster/pods.ts';
import type { Expectations } from '../scrape/source/target.ts';
import type { Storage } from '../storage/storage.ts';

export interface ExpectationOptions {
  readonly pods: Pick<Pods, 'get' | 'values' | 'onSet'>;
  readonly usage: Pick<Storage, 'isReported'>;
  readonly clock: Clock;
}

/** A kubelet may report a pod this much later than the API. */
const overdueMs = 2 * 60_000;
/** Pods are checked when they change, and all at this interval, for those reported before. */
const sweepIntervalMs = 5 * 60_000;
/** A slice takes at most a few milliseconds. */
const sliceIntervalMs = 1_000;
const sliceSize = 2_500;
/** Per node; one is enough to compare endpoints. */
const unreportedLimit = 10;

interface Unreported {
  readonly pod: PodInfo;
  readonly sinceMs: number;
}

export function createExpectations({ pods, usage, clock }: ExpectationOptions): Expectations {
  /** By node, then by UID. Pods without a node are under undefined, and count for every node. */
  const unreported = new Map<string | undefined, Map<string, Unreported>>();
  /** Undefined between sweeps. */
  let rest: IterableIterator<PodInfo> | undefined;
  let sweepMs = -Infinity;
  let slicedMs = -Infinity;

  pods.onSet((pod) => expect(pod, clock.monotonicMs()));
  return { isRunning, anyUnreported };

  function isRunning(namespace: string, name: string, node: string): boolean {
    const pod = pods.get(namespace, name);
    return pod !== undefined && (pod.node === undefined || pod.node === node);
  }

  function anyUnreported(node: string): boolean {
    const nowMs = clock.monotonicMs();
    if (nowMs - slicedMs >= sliceIntervalMs) {
      slicedMs = nowMs;
      checkSlice(nowMs);
    }
    return isOverdue(node, nowMs) || isOverdue(undefined, nowMs);
  }

  function isOverdue(node: string | undefined, nowMs: number): boolean {
    const own = unreported.get(node);
    if (own === undefined) return false;
    dropReported(node, own);
    return own.values().some(({ sinceMs }) => nowMs - sinceMs >= overdueMs);
  }

  function dropReported(node: string | undefined, own: Map<string, Unreported>): void {
    for (const [uid, { pod }] of own) if (usage.isReported(pod) || !isOn(node, pod)) own.delete(uid);
    if (own.size === 0) unreported.delete(node);
  }

  function checkSlice(nowMs: number): void {
    if (rest === undefined && nowMs - sweepMs < sweepIntervalMs) return;
    if (rest === undefined) {
      sweepMs = nowMs;
      // Pods of nodes that are no longer scraped are checked only here.
      for (const [node, own] of unreported) dropReported(node, own);
    }
    rest ??= pods.values();
    for (let checked = 0; checked < sliceSize; checked += 1) {
      const { done, value: pod } = rest.next();
      if (done === true) {
        rest = undefined;
        return;
      }
      expect(pod, nowMs);
    }
  }

  function expect(pod: PodInfo, nowMs: number): void {
    if (usage.isReported(pod)) return;
    const own = unreported.get(pod.node) ?? new Map<string, Unreported>();
    if (own.has(pod.uid) || own.size >= unreportedLimit) return;
    unreported.set(pod.node, own.set(pod.uid, { pod, sinceMs: nowMs }));
  }

  /** Reports whether the pod exists, and the API still places it on the node; an unplaced one may be bound since. */
  function isOn(node: string | undefined, pod: PodInfo): boolean {
    const current = pods.get(pod.namespace, pod.name);
    return current?.uid === pod.uid && current.node === node;
  }
}
