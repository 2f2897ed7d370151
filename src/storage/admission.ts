/**
 * Decides which pods of a scrape reach the store, by what the API knows of them. A pod never moves, so a kubelet that reports a pod of another node is
 * not believed, whatever it says and whoever was first. Pods that a source reports without UIDs get those that the API knows, on their own node only, so
 * that a pod is the same whichever endpoint reports it.
 */
import { column, columns, type Layout, type NodeBatch, type PodLayout } from '../batch.ts';
import type { PodIdentity } from './podindex.ts';

/** What the API knows of a running pod; the same object until something of it changes. */
export interface KnownPod extends Omit<PodIdentity, 'namespace' | 'name'> {
  /** Its creationTimestamp in seconds since the epoch; undefined where it is not known. */
  readonly createdSeconds: number | undefined;
}

/** What is stored already of pods that the API has placed. */
export interface Bindings {
  /** Returns the node on which the API has placed the pod, by its UID; undefined where nothing stored says so. */
  verifiedNode(pod: PodLayout): string | undefined;
  /** Reports whether the container is stored as one of this pod, by its UID, which the API has placed on the node. */
  hasContainer(node: string, pod: PodLayout, containerId: string): boolean;
}

export interface AdmissionOptions {
  /** Returns the running pod of the name; undefined where the API knows none, or could not be asked yet. */
  readonly knownPod: (namespace: string, name: string) => KnownPod | undefined;
  readonly bindings: Bindings;
  /** Called for each scrape that reports pods of other nodes, with how many, and the first of them. */
  readonly onForeign: (node: string, pods: number, first: PodLayout) => void;
}

/** Pods of the last scrape of a node. */
export interface PodCounts {
  /** Stored, but the API has not placed them on the node: it does not know them, or names no node. */
  readonly unverified: number;
  /** Not stored: the API places them on other nodes. */
  readonly foreign: number;
}

export interface Admission {
  /**
   * Returns the batch with the pods that may be stored. Its layout is the same object as long as the scrape has the same layout and the API says
   * the same of its pods.
   * @param clockAheadMs how far the node's clock is ahead of ours, in milliseconds.
   */
  admit(batch: NodeBatch, clockAheadMs: number): NodeBatch;
  /** Of the last scrape; undefined before the first. */
  counts(node: string): PodCounts | undefined;
  forget(node: string): void;
}

/** Pods that one node may report and the API does not know, as it does not know the newest; more are dropped. */
export const unknownPodLimit = 1_000;

/**
 * A container that started longer than this before its pod was created is one of an earlier pod of that name, in milliseconds. No container starts before
 * its pod, so this is for clocks that differ, and for the Date header, whose seconds are whole and which is written before the answer is.
 */
export const startMarginMs = 30_000;

/** What was decided of a node's last scrape. */
interface Decision extends PodCounts {
  /** The layout that it was decided of. */
  readonly from: Layout;
  /** What the API knew of each of its pods. */
  readonly known: readonly (KnownPod | undefined)[];
  readonly layout: Layout;
  readonly firstForeign: PodLayout | undefined;
}

/** A pod that is stored, with the UID that the API gives it; or why it is not. */
type Verdict = { readonly pod: PodLayout; readonly isVerified: boolean } | 'foreign' | 'earlier';

export function createAdmission({ knownPod, bindings, onForeign }: AdmissionOptions): Admission {
  const decisions = new Map<string, Decision>();
  return { admit, counts, forget: (node) => void decisions.delete(node) };

  function counts(node: string): PodCounts | undefined {
    const decision = decisions.get(node);
    return decision && { unverified: decision.unverified, foreign: decision.foreign };
  }

  function admit(batch: NodeBatch, clockAheadMs: number): NodeBatch {
    let decision = decisions.get(batch.node);
    if (decision === undefined || !isSettled(decision, batch.layout)) {
      decision = keepLayout(decision, decide(batch, clockAheadMs));
      decisions.set(batch.node, decision);
    }
    const { layout, foreign, firstForeign } = decision;
    if (firstForeign !== undefined) onForeign(batch.node, foreign, firstForeign);
    return { ...batch, layout };
  }

  /** Fast path: the same layout of which the API says the same, as in nearly all scrapes; the decision would be the same. */
  function isSettled({ from, known }: Decision, layout: Layout): boolean {
    if (from !== layout) return false;
    const { pods } = layout;
    for (let index = 0; index < pods.length; index += 1) {
      const { namespace, name } = pods[index]!;
      if (knownPod(namespace, name) !== known[index]) return false;
    }
    return true;
  }

  function decide(batch: NodeBatch, clockAheadMs: number): Decision {
    const from = batch.layout;
    const known = from.pods.map(({ namespace, name }) => knownPod(namespace, name));
    const pods: PodLayout[] = [];
    const unverified = new Set<PodLayout>();
    const foreign: PodLayout[] = [];
    for (const [index, reported] of from.pods.entries()) {
      const verdict = judgePod(reported, known[index], batch, clockAheadMs);
      if (verdict === 'foreign') foreign.push(reported);
      if (typeof verdict === 'string') continue;
      if (!verdict.isVerified && unverified.size >= unknownPodLimit) continue;
      pods.push(verdict.pod);
      if (!verdict.isVerified) unverified.add(verdict.pod);
    }
    const layout = {
      pods: areSame(pods, from.pods) ? from.pods : pods,
      unverified: unverified.size === 0 ? none : unverified,
    };
    const counts = { unverified: unverified.size, foreign: foreign.length };
    return { from, known, layout, ...counts, firstForeign: foreign[0] };
  }

  function judgePod(pod: PodLayout, known: KnownPod | undefined, batch: NodeBatch, clockAheadMs: number): Verdict {
    const isOfKnown =
      known !== undefined && (pod.uid === undefined || pod.uid === known.uid || pod.uid === known.configHash);
    const node = isOfKnown && known.node !== undefined ? known.node : bindings.verifiedNode(pod);
    if (node === undefined) return { pod, isVerified: false };
    if (node !== batch.node) return 'foreign';
    if (pod.uid !== undefined || known === undefined) return { pod, isVerified: true };
    const bound = { ...pod, uid: known.configHash ?? known.uid };
    return isOfEarlierPod(bound, known, batch, clockAheadMs) ? 'earlier' : { pod: bound, isVerified: true };
  }

  /**
   * Reports whether a container of a pod that is known by its name alone is older than the pod. Containers of static pods may be: their mirror pod is created
   * later. What was once found to be the pod's stays so, since the correction of a clock changes what its start time seems to be.
   */
  function isOfEarlierPod(pod: PodLayout, known: KnownPod, batch: NodeBatch, clockAheadMs: number): boolean {
    if (known.configHash !== undefined || known.createdSeconds === undefined) return false;
    const earliestMs = known.createdSeconds * 1000 - startMarginMs + clockAheadMs;
    return pod.containers.some(
      ({ containerId }, index) =>
        batch.numbers[(pod.firstRow + index) * columns + column.startTimeMs]! < earliestMs &&
        !bindings.hasContainer(batch.node, pod, containerId),
    );
  }
}

/** Shared by nearly all nodes. */
const none: ReadonlySet<PodLayout> = new Set();

/** Keeps the layout's identity where the API says other things of the pods, such as labels, that change nothing here. */
function keepLayout(before: Decision | undefined, now: Decision): Decision {
  if (before?.from !== now.from || !areAlike(before.layout, now.layout)) return now;
  return { ...now, layout: before.layout };
}

/** Reports whether two layouts that were decided of the same one are equal. */
function areAlike(a: Layout, b: Layout): boolean {
  return (
    a.pods.length === b.pods.length &&
    a.pods.every((pod, index) => {
      const other = b.pods[index]!;
      return (
        pod.firstRow === other.firstRow && pod.uid === other.uid && a.unverified?.has(pod) === b.unverified?.has(other)
      );
    })
  );
}

function areSame(a: readonly PodLayout[], b: readonly PodLayout[]): boolean {
  return a.length === b.length && a.every((pod, index) => pod === b[index]);
}
