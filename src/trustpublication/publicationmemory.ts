/** Keeps state between decisions about one APIService; all times are monotonic, in milliseconds. */
import type { RootOwner } from '../tls/podroot.ts';
import type { PublishedRoot } from './publishedroots.ts';

export interface Memory {
  /** Readiness never ends: an unready server helps no request, and kubelets probe every 10 s, so coming back is slow. */
  readonly ready: boolean;
  /** Since when the bundle holds our root; undefined while it does not. */
  readonly heldSinceMs: number | undefined;
  /** Whether the bundle ever held our root: a root that it lacks now was removed by another writer. */
  readonly everHeld: boolean;
  /** Whether our root was ever staged. */
  readonly everStaged: boolean;
  /** Since when the informer lacks pods that published a root, by UID. */
  readonly missingSinceMs: ReadonlyMap<string, number>;
  /** UIDs of pods that a GET reported as gone. */
  readonly gone: ReadonlySet<string>;
  /** When we wrote what another writer had undone; of the last hour. */
  readonly repairsMs: readonly number[];
}

export function createMemory(): Memory {
  return {
    ready: false,
    heldSinceMs: undefined,
    everHeld: false,
    everStaged: false,
    missingSinceMs: new Map(),
    gone: new Set(),
    repairsMs: [],
  };
}

/** Repairs older than this do not delay the next one. */
const repairMemoryMs = 60 * 60_000;
/** After the first repair, which is immediate; four times as long after each further one. */
const repairDelayMs = 1_000;
const longestRepairDelayMs = 10 * 60_000;

/** Returns the memory after a repeated write. */
export function afterRepair(memory: Memory, nowMs: number): Memory {
  return { ...memory, repairsMs: [...recentRepairs(memory, nowMs), nowMs] };
}

/** Returns how long the next repeated write has to wait: each makes a new transport in every kube-apiserver. */
export function repairWaitMs(memory: Memory, nowMs: number): number {
  const recent = recentRepairs(memory, nowMs);
  const last = recent.at(-1);
  if (last === undefined) return 0;
  const delayMs = Math.min(repairDelayMs * 4 ** (recent.length - 1), longestRepairDelayMs);
  return Math.max(0, last + delayMs - nowMs);
}

function recentRepairs({ repairsMs }: Memory, nowMs: number): readonly number[] {
  return repairsMs.filter((ms) => nowMs - ms < repairMemoryMs);
}

/** The memory is of the pods that still have a root. */
export function trackMissing(
  memory: Memory,
  roots: readonly PublishedRoot[],
  isRunning: (owner: RootOwner) => boolean,
  nowMs: number,
): Memory {
  const missingSinceMs = new Map<string, number>();
  const gone = new Set<string>();
  for (const { owner } of roots) {
    if (isRunning(owner)) continue;
    missingSinceMs.set(owner.uid, memory.missingSinceMs.get(owner.uid) ?? nowMs);
    if (memory.gone.has(owner.uid)) gone.add(owner.uid);
  }
  return { ...memory, missingSinceMs, gone };
}

/**
 * Meanwhile requests end on open connections of a pod that is replaced, and informers catch up. The roots of a rolling
 * update are pruned by one patch.
 */
export const pruneGraceMs = 60_000;
/** Pods prune one after the other, so that mostly the first one writes. */
const pruneStepMs = 10_000;

export interface DueForPruning {
  /** Owners whose absence a GET has to confirm now. */
  readonly unconfirmed: readonly RootOwner[];
  /** Milliseconds until the next one is due; undefined if none is missing. */
  readonly nextMs: number | undefined;
}

/** Returns which owners have been missing for longer than the grace time. */
export function dueForPruning(
  memory: Memory,
  roots: readonly PublishedRoot[],
  ownUid: string,
  nowMs: number,
): DueForPruning {
  const { missingSinceMs, gone } = memory;
  const uids = roots.map(({ owner }) => owner.uid).filter((uid) => uid < ownUid && !missingSinceMs.has(uid));
  const graceMs = pruneGraceMs + new Set(uids).size * pruneStepMs;
  const unconfirmed = new Map<string, RootOwner>();
  let nextMs: number | undefined;
  for (const { owner } of roots) {
    const sinceMs = missingSinceMs.get(owner.uid);
    if (sinceMs === undefined || gone.has(owner.uid) || owner.uid === ownUid) continue;
    const waitMs = sinceMs + graceMs - nowMs;
    if (waitMs <= 0) unconfirmed.set(owner.uid, owner);
    else nextMs = Math.min(nextMs ?? Infinity, waitMs);
  }
  return { unconfirmed: [...unconfirmed.values()], nextMs };
}
