/**
 * Decides which pods of a scrape are stored. A pod never moves: a kubelet that reports another node's is not believed.
 * Pods without UIDs get the API's, on their own node only, so that a pod is the same on either endpoint.
 */
import { type Layout, newLayoutVersion, type NodeBatch, type PodLayout } from '../sample/batch.ts';
import { type Bindings, decidePod, isOf, type KnownPod, nodeOf } from './placement.ts';

export interface AdmissionOptions {
  /** Returns the running pod; undefined without one, or before the API was read. */
  readonly knownPod: (namespace: string, name: string) => KnownPod | undefined;
  readonly bindings: Bindings;
  /** Called per scrape with pods of other nodes. */
  readonly onForeign: OnPodConflict;
  /** The API places them on no node, and several nodes report them. */
  readonly onConflict: OnPodConflict;
  /** Default: true. False is for diagnosis. */
  readonly fastPath?: boolean;
}

type OnPodConflict = (node: string, pods: number, first: PodLayout) => void;

/** Counts pods of a node's last scrape. */
export interface PodCounts {
  /** Stored, but the API does not know or place them. */
  readonly unverified: number;
  /** Not stored: the API places them on other nodes. */
  readonly foreign: number;
}

export interface Admission {
  /**
   * Returns the batch with the pods to store. Its layout keeps its version until the scrape's layout or the API's pods
   * change.
   * @param clockAheadMs of the node's to kube-apiserver's clock.
   */
  admit(batch: NodeBatch, clockAheadMs: number): NodeBatch;
  /** Invalidates the decision after a change of the node's pods in the API. */
  changed(node: string): void;
  /** Returns undefined before the first scrape. */
  counts(node: string): PodCounts | undefined;
  forget(node: string): void;
}

/** Pods that the API does not know: of one scrape, and as many of earlier ones. More are dropped. */
export const unknownPodLimit = 1_000;

interface NodeDecision extends PodCounts {
  readonly from: Layout;
  readonly known: readonly (KnownPod | undefined)[];
  /** Undefined if unknown. */
  readonly nodes: readonly (string | undefined)[];
  readonly layout: Layout;
  readonly firstForeign: PodLayout | undefined;
  /** Whether a pod is an earlier one of its name: the node's clock decides that, too. */
  readonly hasEarlier: boolean;
  /** Stored pods that the API knows but places on no node; nearly always none. */
  readonly unplaced: readonly PodLayout[];
  isStale: boolean;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { knownPod, bindings, onForeign, onConflict, fastPath = true } = options;
  const decisions = new Map<string, NodeDecision>();
  return { admit, changed, counts, forget: (node) => void decisions.delete(node) };

  function counts(node: string): PodCounts | undefined {
    const decision = decisions.get(node);
    return decision && { unverified: decision.unverified, foreign: decision.foreign };
  }

  function admit(batch: NodeBatch, clockAheadMs: number): NodeBatch {
    let decision = decisions.get(batch.node);
    if (decision === undefined || !isReusable(decision, batch.layout)) {
      decision = keepLayout(decision, decide(batch, clockAheadMs, options));
      decisions.set(batch.node, decision);
    }
    const { layout, foreign, firstForeign, unplaced } = decision;
    if (firstForeign !== undefined) onForeign(batch.node, foreign, firstForeign);
    if (unplaced.length > 0) reportConflicts(batch.node, unplaced);
    return { ...batch, layout };
  }

  function reportConflicts(node: string, unplaced: readonly PodLayout[]): void {
    const conflicts = unplaced.filter(({ namespace, name }) => {
      const known = knownPod(namespace, name);
      return known !== undefined && bindings.isConflict({ namespace, name, ...known });
    });
    if (conflicts[0] !== undefined) onConflict(node, conflicts.length, conflicts[0]);
  }

  /**
   * Fast path: layout and API are the same, so the decision is. If all pods are placed on the node, `changed` reports
   * what would change that. Slow path: decide. A property test in admission.test.ts compares them.
   */
  function isReusable(decision: NodeDecision, layout: Layout): boolean {
    if (!fastPath) return false;
    const { from, known, nodes, unverified, hasEarlier, isStale } = decision;
    if (from.version !== layout.version) return false;
    if (hasEarlier) return false;
    const { pods } = layout;
    if (!isStale && unverified === 0 && decision.layout.pods.length === pods.length) return true;
    for (let index = 0; index < pods.length; index += 1) {
      const { namespace, name } = pods[index]!;
      if (knownPod(namespace, name) !== known[index]) return false;
      if (nodeOf(pods[index]!, known[index], bindings) !== nodes[index]) return false;
    }
    decision.isStale = false;
    return true;
  }

  function changed(node: string): void {
    const decision = decisions.get(node);
    if (decision !== undefined) decision.isStale = true;
  }
}

/** Slow path; isReusable is the fast path. */
function decide(batch: NodeBatch, clockAheadMs: number, { knownPod, bindings }: AdmissionOptions): NodeDecision {
  const from = batch.layout;
  const known = from.pods.map(({ namespace, name }) => knownPod(namespace, name));
  const nodes = from.pods.map((pod, index) => nodeOf(pod, known[index], bindings));
  const pods: PodLayout[] = [];
  const unverified = new Set<PodLayout>();
  const unplaced: PodLayout[] = [];
  let foreign = 0;
  let firstForeign: PodLayout | undefined;
  let hasEarlier = false;
  for (const [index, reported] of from.pods.entries()) {
    const decision = decidePod(reported, known[index], nodes[index], batch, clockAheadMs, bindings);
    if (decision === 'earlier') {
      hasEarlier = true;
      continue;
    }
    if (decision === 'foreign') {
      foreign += 1;
      firstForeign ??= reported;
      continue;
    }
    const { pod, isVerified } = decision;
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
  const counts = { unverified: unverified.size, foreign };
  return { from, known, nodes, layout, ...counts, firstForeign, hasEarlier, unplaced, isStale: false };
}

/** Shared by nearly all nodes. */
const none: ReadonlySet<PodLayout> = new Set();

/** Keeps the layout if a change in the API, as of labels, changes no decision. */
function keepLayout(previous: NodeDecision | undefined, now: NodeDecision): NodeDecision {
  if (previous?.from.version !== now.from.version || !areAlike(previous.layout, now.layout)) return now;
  return { ...now, layout: previous.layout };
}

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
