/** The read side of the storage: a usage, or why there is none. */
import type { Clock } from '../clock.ts';
import type { UsageOrReason, Missing, PodUsage, Usage } from '../sample/point.ts';
import { isStale, readLastUsage, type Staleness } from './lastusage.ts';
import type { NodeTable } from './nodetable.ts';
import type { PodIdentity } from './podindex.ts';
import { matchPods } from './podmatch.ts';
import { readPodUsage } from './podusage.ts';
import { isWaiting, type StoredNode, type StoredPod, usageInRows } from './storednode.ts';

export interface UsageReader {
  nodeUsage(node: string): UsageOrReason<Usage>;
  podUsage(pod: PodIdentity): UsageOrReason<PodUsage>;
  isReported(pod: PodIdentity): boolean;
  /** Also for one of its pods. */
  hasUsage(node: StoredNode): boolean;
  /** Reports whether the node or one of its pods waits for its second sample. */
  isIncomplete(node: StoredNode): boolean;
}

export interface ReaderOptions {
  readonly clock: Clock;
  readonly stalenessMs: number;
}

export function createUsageReader({ nodes, index }: NodeTable, { clock, stalenessMs }: ReaderOptions): UsageReader {
  return { nodeUsage, podUsage, isReported, hasUsage, isIncomplete };

  function nodeUsage(name: string): UsageOrReason<Usage> {
    const node = nodes.get(name);
    if (node === undefined) return neverScraped;
    return withNode(name, readLastUsage(node.lastUsage, clock.monotonicMs(), stalenessOf(node, stalenessMs)));
  }

  function podUsage(identity: PodIdentity): UsageOrReason<PodUsage> {
    // Fast path: the only pod of its name, which the slow path would choose, too.
    const only = index.only(identity.namespace, identity.name);
    if (only !== undefined && only.layout.uid === identity.uid && isOn(only, identity))
      return withNode(only.node.name, readPod(only, clock.monotonicMs(), stalenessMs));
    // Slow path.
    const named = index.named(identity.namespace, identity.name);
    const { pods, isConflict } = matchPods(named, identity);
    const nowMs = clock.monotonicMs();
    let best: UsageOrReason<PodUsage> = { kind: 'missing', reason: reasonWithout(named, identity) };
    for (const pod of pods) {
      const answer = withNode(pod.node.name, readPod(pod, nowMs, stalenessMs));
      if (isBetter(answer, best)) best = answer;
    }
    return isConflict && best.kind === 'missing' ? conflict : best;
  }

  function isReported(identity: PodIdentity): boolean {
    const { pods, isConflict } = matchPods(index.named(identity.namespace, identity.name), identity);
    return isConflict || pods.length > 0;
  }

  function hasUsage(node: StoredNode): boolean {
    return hasAnswer(node, ({ kind }) => kind === 'ready');
  }

  function isIncomplete(node: StoredNode): boolean {
    return hasAnswer(node, (answer) => answer.kind === 'missing' && answer.reason === 'one-sample');
  }

  /** Reports whether the answer for the node or one of its pods matches. */
  function hasAnswer(node: StoredNode, matches: (answer: UsageOrReason<unknown>) => boolean): boolean {
    const nowMs = clock.monotonicMs();
    return (
      matches(readLastUsage(node.lastUsage, nowMs, stalenessOf(node, stalenessMs))) ||
      node.pods.some((pod) => matches(readPod(pod, nowMs, stalenessMs)))
    );
  }
}

/** Returns a stored pod's usage. */
export function readPod(pod: StoredPod, nowMs: number, atLeastMs: number): UsageOrReason<PodUsage> {
  const staleness = stalenessOf(pod.node, atLeastMs);
  // Slow path.
  if (pod.state !== undefined) return readPodUsage(pod.state.lastUsage, nowMs, staleness);
  // Fast path: a pod in rows.
  if (isWaiting(pod)) return oneSample;
  if (isStale(pod.sinceMs, nowMs, staleness)) return { kind: 'missing', reason: 'stale' };
  return { kind: 'ready', value: usageInRows(pod) };
}

function stalenessOf({ spacingMs }: StoredNode, atLeastMs: number): Staleness {
  return { atLeastMs, spacingMs };
}

const oneSample = { kind: 'missing', reason: 'one-sample' } as const;
const neverScraped = { kind: 'missing', reason: 'never-scraped' } as const;
const conflict = { kind: 'missing', reason: 'conflict' } as const;

/** The API may name no node. */
function isOn({ node }: StoredPod, identity: PodIdentity): boolean {
  return identity.node === undefined || identity.node === node.name;
}

function reasonWithout(named: readonly StoredPod[], { uid }: PodIdentity): Missing {
  const isOther = named.some(({ layout }) => layout.uid !== undefined && layout.uid !== uid);
  return isOther ? 'other-uid' : 'never-scraped';
}

function withNode<T>(node: string, answer: UsageOrReason<T>): UsageOrReason<T> {
  return answer.kind === 'ready' ? answer : { ...answer, node };
}

function isBetter(answer: UsageOrReason<PodUsage>, best: UsageOrReason<PodUsage>): boolean {
  if (answer.kind === 'missing')
    return best.kind === 'missing' && (best.reason === 'other-uid' || best.reason === 'never-scraped');
  return best.kind === 'missing' || answer.value.timestampMs > best.value.timestampMs;
}
