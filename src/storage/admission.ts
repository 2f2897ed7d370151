/**
 * Decides which pods of a scrape reach the store, by what the API knows of them. A pod never moves, so a kubelet that reports a pod of another node is
 * not believed, whatever it reports and in whatever order. Pods that a source reports without UIDs get those that the API knows, on their own node only, so
 * that a pod is the same whichever endpoint reports it.
 */
import { column, columns, type Layout, newLayoutVersion, type NodeBatch, type PodLayout } from '../sample/batch.ts';
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
  /** Reports whether several nodes report a pod that the API places on none. */
  isDisputed(pod: PodIdentity): boolean;
  /** Reports whether the container is stored as one of this pod, by its UID, which the API has placed on the node. */
  hasContainer(node: string, pod: PodLayout, containerId: string): boolean;
}

export interface AdmissionOptions {
  /** Returns the running pod of the name; undefined where the API knows none, or could not be asked yet. */
  readonly knownPod: (namespace: string, name: string) => KnownPod | undefined;
  readonly bindings: Bindings;
  /** Called for each scrape that reports pods of other nodes, with how many, and the first of them. */
  readonly onForeign: OnConflict;
  /** Called for each scrape that reports pods which the API knows and places on no node, and other nodes report, too. */
  readonly onDisputed: OnConflict;
}

type OnConflict = (node: string, pods: number, first: PodLayout) => void;

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
   * @param clockAheadMs how far the node's clock is ahead of kube-apiserver's, in milliseconds.
   */
  admit(batch: NodeBatch, clockAheadMs: number): NodeBatch;
  /** Says that a pod of the node has come, gone or changed in the API, so that the node's next scrape is looked at. */
  changed(node: string): void;
  /** Of the last scrape; undefined before the first. */
  counts(node: string): PodCounts | undefined;
  forget(node: string): void;
}

/** Pods that one node may report in a scrape and the API does not know, as it does not know the newest; more are dropped. As many are kept of earlier scrapes. */
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
  /** Stored pods that the API knows and places on no node; nearly always none. */
  readonly unplaced: readonly PodLayout[];
  /** Whether the API has changed one of the node's pods since. */
  isStale: boolean;
}

/** A pod that is stored, with the UID that the API gives it; or why it is not. */
type Verdict = { readonly pod: PodLayout; readonly isVerified: boolean } | 'foreign' | 'earlier';

export function createAdmission({ knownPod, bindings, onForeign, onDisputed }: AdmissionOptions): Admission {
  const decisions = new Map<string, Decision>();
  return { admit, changed, counts, forget: (node) => void decisions.delete(node) };

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
    const { layout, foreign, firstForeign, unplaced } = decision;
    if (firstForeign !== undefined) onForeign(batch.node, foreign, firstForeign);
    if (unplaced.length > 0) noteDisputed(batch.node, unplaced);
    return { ...batch, layout };
  }

  function noteDisputed(node: string, unplaced: readonly PodLayout[]): void {
    const disputed = unplaced.filter(({ namespace, name }) => {
      const known = knownPod(namespace, name);
      return known !== undefined && bindings.isDisputed({ namespace, name, ...known });
    });
    if (disputed[0] !== undefined) onDisputed(node, disputed.length, disputed[0]);
  }

  /**
   * Fast path: the same layout of which the API says the same, as in nearly all scrapes; the decision would be the same. Where all pods are placed on the node,
   * `changed` is called for whatever would change that. A property test holds it to deciding anew.
   */
  function isSettled(decision: Decision, layout: Layout): boolean {
    const { from, known, unverified, isStale } = decision;
    if (from.version !== layout.version) return false;
    const { pods } = layout;
    if (!isStale && unverified === 0 && decision.layout.pods.length === pods.length) return true;
    for (let index = 0; index < pods.length; index += 1) {
      const { namespace, name } = pods[index]!;
      if (knownPod(namespace, name) !== known[index]) return false;
    }
    decision.isStale = false;
    return true;
  }

  function changed(node: string): void {
    const decision = decisions.get(node);
    if (decision !== undefined) decision.isStale = true;
  }

  function decide(batch: NodeBatch, clockAheadMs: number): Decision {
    const from = batch.layout;
    const known = from.pods.map(({ namespace, name }) => knownPod(namespace, name));
    const pods: PodLayout[] = [];
    const unverified = new Set<PodLayout>();
    const unplaced: PodLayout[] = [];
    let foreign = 0;
    let firstForeign: PodLayout | undefined;
    for (const [index, reported] of from.pods.entries()) {
      const verdict = judgePod(reported, known[index], batch, clockAheadMs);
      if (verdict === 'earlier') continue;
      if (verdict === 'foreign') {
        foreign += 1;
        firstForeign ??= reported;
        continue;
      }
      const { pod, isVerified } = verdict;
      if (!isVerified) {
        if (unverified.size >= unknownPodLimit) continue;
        unverified.add(pod);
        if (isOf(reported, known[index])) unplaced.push(pod);
      }
      pods.push(pod);
    }
    const layout = {
      version: newLayoutVersion(),
      pods: areSame(pods, from.pods) ? from.pods : pods,
      unverified: unverified.size === 0 ? none : unverified,
    };
    return { from, known, layout, unverified: unverified.size, foreign, firstForeign, unplaced, isStale: false };
  }

  function judgePod(pod: PodLayout, known: KnownPod | undefined, batch: NodeBatch, clockAheadMs: number): Verdict {
    const node = (isOf(pod, known) ? known.node : undefined) ?? bindings.verifiedNode(pod);
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

/** Reports whether the pod says that it is the known one; without a UID by its name alone. */
function isOf({ uid }: PodLayout, known: KnownPod | undefined): known is KnownPod {
  return known !== undefined && (uid === undefined || uid === known.uid || uid === known.configHash);
}

/** Shared by nearly all nodes. */
const none: ReadonlySet<PodLayout> = new Set();

/** Keeps the layout's identity where the API says other things of the pods, such as labels, that change nothing here. */
function keepLayout(before: Decision | undefined, now: Decision): Decision {
  if (before?.from.version !== now.from.version || !areAlike(before.layout, now.layout)) return now;
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
