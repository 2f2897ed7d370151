/**
 * Decides, from one APIService and what is known of the pods behind its Service, whether to patch it, and whether our
 * pod may be ready. Pure: the same situation and memory yield the same decision.
 *
 * Invariant that makes verification safe: a pod is ready only when its root is staged, or in the bundle. The patch that
 * begins to verify tests the staged roots and moves all of them at once, so no ready pod is left out.
 */
import type { X509Certificate } from 'node:crypto';
import {
  type ApiServiceView,
  bundleText,
  otherWriterOf,
  readApiService,
  type ServiceName,
  stagedText,
} from './apiserviceview.ts';
import type { BundleCode } from '../messagecodes.ts';
import type { RootOwner } from '../tls/podroot.ts';
import { type JsonPatch, writePatch } from './bundlepatch.ts';
import { bundleStates } from './bundlestates.ts';
import { dueForPruning, type Memory, repairWaitMs, trackMissing } from './publicationmemory.ts';
import {
  bundleLimitBytes,
  includesRoot,
  type OwnerOf,
  type PublishedRoot,
  rootsIn,
  withoutRoots,
  withRoots,
} from './publishedroots.ts';
import { readyStrangers } from './servicepods.ts';
import { type ServiceBackends, switchObstacle } from './switchobstacle.ts';

export interface OwnPod {
  readonly owner: RootOwner;
  readonly root: X509Certificate;
  /** Our Service: other APIServices are left alone. */
  readonly service: ServiceName;
}

export interface Situation {
  /** Undefined if there is none. */
  readonly apiService: unknown;
  /** Read after the APIService; undefined if it was not read. */
  readonly behind: ServiceBackends | undefined;
  /** Whether the informer, which lags, has the pod. */
  readonly isRunning: (owner: RootOwner) => boolean;
  /** Why nothing may be patched; undefined if it may. */
  readonly hindrance: Hindrance | undefined;
  /** Monotonic, in milliseconds. */
  readonly nowMs: number;
}

export type Hindrance =
  /** kube-apiserver has denied or rejected a patch. */
  | 'denied'
  /** Kubelets get our own token: with a right to patch, one of them could have it. */
  | 'shared-identity'
  /** Another process of our pod publishes its root, and each would replace that of the other. */
  | 'second-process';

export type Write = 'stage' | 'switch' | 'append' | 'repair' | 'prune';

export interface Patch {
  readonly write: Write;
  /** Whether another writer has undone such a write of ours: then the next one waits. */
  readonly isRepeated: boolean;
  readonly operations: JsonPatch;
}

export interface Decision {
  readonly patch: Patch | undefined;
  readonly ready: boolean;
  readonly code: BundleCode;
  /** One sentence for the log and `/status`; changes only with the state. */
  readonly state: string;
  readonly level: 'info' | 'warn';
  /** Decide again with what is behind the Service: its pods, and endpoints added by hand. */
  readonly needsBackends: boolean;
  /** Decide again when a GET has confirmed which of these pods are gone. */
  readonly confirm: readonly RootOwner[];
  /** Milliseconds until a decision without any event; undefined if only an event matters. */
  readonly againMs: number | undefined;
}

/** From the watch event that shows our root until other kube-apiservers have it, too. */
export const propagationMs = 2_000;
/** How often the Service's pods are read while a pod without root is in the way. */
export const blockedRetryMs = 10_000;

/** @returns the decision and the memory for the next one. */
export function decide(
  own: OwnPod,
  ownerOf: OwnerOf,
  situation: Situation,
  before: Memory,
): { readonly decision: Decision; readonly memory: Memory } {
  const { nowMs } = situation;
  const view = situation.apiService === undefined ? undefined : readApiService(situation.apiService);
  if (view?.service?.name !== own.service.name || view.service.namespace !== own.service.namespace) {
    const state = view === undefined ? bundleStates.none : bundleStates.otherService;
    return { decision: { ...idle, ready: true, ...state }, memory: { ...before, ready: true, heldSinceMs: undefined } };
  }
  const text = view.insecure ? stagedText(view) : bundleText(view);
  const tooLong = text.length > bundleLimitBytes;
  const roots = tooLong ? [] : rootsIn(text, ownerOf);
  const isHeld = includesRoot(roots, own.root);
  const tracked = trackMissing(before, roots, situation.isRunning, nowMs);
  const isInBundle = isHeld && !view.insecure;
  const memory: Memory = {
    ...tracked,
    heldSinceMs: isInBundle ? (before.heldSinceMs ?? nowMs) : undefined,
    everHeld: before.everHeld || isInBundle,
    everStaged: before.everStaged || (isHeld && view.insecure),
  };
  const scene: Scene = { own, ownerOf, situation, memory, view, text, roots, isHeld };
  const decision = withReadiness(scene, withheld(scene, tooLong) ?? (view.insecure ? stage(scene) : publish(scene)));
  return { decision, memory: { ...memory, ready: decision.ready } };
}

interface Scene {
  readonly own: OwnPod;
  readonly ownerOf: OwnerOf;
  readonly situation: Situation;
  readonly memory: Memory;
  readonly view: ApiServiceView;
  /** The staged roots while insecure, otherwise the bundle. */
  readonly text: string;
  readonly roots: readonly PublishedRoot[];
  readonly isHeld: boolean;
}

type Draft = Omit<Decision, 'ready'>;

const idle = {
  patch: undefined,
  level: 'info',
  needsBackends: false,
  confirm: [],
  againMs: undefined,
} as const satisfies Partial<Decision>;

/** Returns a decision without a patch where we must not write. */
function withheld({ view, situation }: Scene, tooLong: boolean): Draft | undefined {
  const other = otherWriterOf(view);
  if (other !== undefined) {
    const state = `caBundle is left to ${other.writer}: the annotation ${other.annotation} is set`;
    return { ...idle, code: 'BundleKeptOff', state };
  }
  if (tooLong) return { ...idle, level: 'warn', ...bundleStates.tooLong };
  const { hindrance } = situation;
  if (hindrance === undefined) return undefined;
  if (hindrance === 'second-process') return { ...idle, level: 'warn', ...bundleStates.secondProcess };
  if (hindrance === 'shared-identity') return { ...idle, againMs: blockedRetryMs, ...bundleStates.sharedIdentity };
  return { ...idle, level: 'warn', ...bundleStates.denied };
}

/** While insecure: stages our root, and switches when nothing behind the Service is without one. */
function stage(scene: Scene): Draft {
  const { own, situation, view, text, roots, isHeld, memory } = scene;
  const due = dueForPruning(memory, roots, own.owner.uid, situation.nowMs);
  const stale = staleRoots(scene);
  if (!isHeld || stale.length > 0) {
    const staged = withRoots(withoutRoots(text, stale), isHeld ? [] : [own.root]);
    if (staged.length > bundleLimitBytes) return makeRoom(scene, { staged: withoutRoots(text, stale) });
    const isRepeated = isHeld ? stale.some(isOwn(scene)) : memory.everStaged;
    const patch = { write: isHeld ? 'prune' : 'stage', isRepeated, operations: writePatch(view, { staged }) } as const;
    return later(scene, { ...idle, patch, ...bundleStates.staging });
  }
  const { behind } = situation;
  const draft = { ...idle, confirm: due.unconfirmed, againMs: soonest(blockedRetryMs, due.nextMs) };
  if (behind === undefined) return { ...draft, needsBackends: true, ...bundleStates.staged };
  if (!behind.pods.some(({ uid }) => uid === own.owner.uid)) {
    return { ...draft, level: 'warn', ...bundleStates.notSelected };
  }
  const uids = new Set(roots.map(({ owner }) => owner.uid));
  const obstacle = switchObstacle(behind, uids, templateOf(scene));
  if (obstacle !== undefined) return { ...draft, ...obstacle };
  // Only roots of ours: text of another writer does not become trusted.
  const bundle = withRoots(
    '',
    roots.map(({ certificate }) => certificate),
  );
  const operations = writePatch(view, { bundle, staged: '' });
  return later(scene, {
    ...draft,
    patch: { write: 'switch', isRepeated: memory.everHeld, operations },
    ...bundleStates.verifying,
  });
}

/** While verified, or with the system's roots: keeps our root in the bundle. */
function publish(scene: Scene): Draft {
  const { own, ownerOf, situation, view, text, roots, isHeld, memory } = scene;
  const stale = staleRoots(scene);
  const kept = withoutRoots(text, stale);
  if (isHeld) {
    const due = dueForPruning(memory, roots, own.owner.uid, situation.nowMs);
    const draft = { ...idle, confirm: due.unconfirmed, againMs: due.nextMs, ...bundleStates.published };
    if (stale.length === 0) return draft;
    const isRepeated = stale.some(isOwn(scene));
    const operations = writePatch(view, { bundle: kept });
    return later(scene, { ...draft, patch: { write: 'prune', isRepeated, operations } });
  }
  const withheldFor = strangersThatWork(scene);
  if (withheldFor !== undefined) return withheldFor;
  const write = memory.everHeld ? 'repair' : 'append';
  // Left from a switch that an operator made by hand: other pods would append theirs one by one.
  const staged = stagedText(view);
  const rescued = rootsIn(staged, ownerOf).filter(
    ({ owner, certificate }) => owner.uid !== own.owner.uid && !includesRoot(roots, certificate),
  );
  const bundle = [[...rescued.map(({ certificate }) => certificate), own.root], [own.root]]
    .map((added) => withRoots(kept, added))
    .find(({ length }) => length <= bundleLimitBytes);
  if (bundle === undefined) return makeRoom(scene, { bundle: kept });
  const operations = writePatch(view, staged === '' ? { bundle } : { bundle, staged: '' });
  const patch = { write, isRepeated: write === 'repair', operations } as const;
  const draft = write === 'repair' ? ({ level: 'warn', ...bundleStates.lostRoot } as const) : bundleStates.publishing;
  return later(scene, { ...idle, patch, ...draft });
}

/**
 * Returns the decision while there is no room for our root: roots of pods that are gone are confirmed and removed.
 * @param pruned what stays without the stale ones.
 */
function makeRoom(scene: Scene, pruned: { readonly bundle: string } | { readonly staged: string }): Draft {
  const { own, situation, view, roots, memory } = scene;
  const due = dueForPruning(memory, roots, own.owner.uid, situation.nowMs);
  const draft = {
    ...idle,
    level: 'warn',
    confirm: due.unconfirmed,
    againMs: due.nextMs,
    ...bundleStates.tooLong,
  } as const;
  const stale = staleRoots(scene);
  if (stale.length === 0) return draft;
  const patch = { write: 'prune', isRepeated: stale.some(isOwn(scene)), operations: writePatch(view, pruned) } as const;
  return later(scene, { ...draft, patch });
}

/** Returns the draft without its patch while a repeated write has to wait. */
function later({ memory, situation }: Scene, draft: Draft): Draft {
  const waitMs = draft.patch?.isRepeated === true ? repairWaitMs(memory, situation.nowMs) : 0;
  if (waitMs <= 0) return draft;
  const againMs = soonest(waitMs, draft.againMs);
  return { ...draft, patch: undefined, level: 'warn', againMs, ...bundleStates.contested };
}

/** Matches roots of earlier containers of our pod. Without another writer they leave with the write that adds our root. */
function isOwn({ own }: Scene): (root: PublishedRoot) => boolean {
  return ({ owner }) => owner.uid === own.owner.uid;
}

/** Returns a decision without a patch while other pods or endpoints serve with certificates that the system's roots verify: a bundle would end that. */
function strangersThatWork(scene: Scene): Draft | undefined {
  const { view, situation, memory } = scene;
  if (view.caBundle !== undefined || !view.available) return undefined;
  if (situation.behind === undefined) return { ...idle, needsBackends: true, ...bundleStates.noBundle };
  const { pods, addedEndpoints = [] } = situation.behind;
  const strangers = readyStrangers(pods, templateOf(scene)).map(({ pod }) => pod);
  // Where the bundle held our root, another writer has removed it a moment ago: added endpoints were verified by that bundle.
  const [stranger] = memory.everHeld ? strangers : [...strangers, ...addedEndpoints];
  if (stranger === undefined) return undefined;
  const state =
    `no bundle is written: ${stranger} serves with a certificate of the system's roots. ` +
    'Set insecureSkipTLSVerify until it is replaced';
  return { ...idle, level: 'warn', againMs: blockedRetryMs, code: 'SystemRootsInUse', state };
}

/** Returns the label pod-template-hash of our own pod; undefined if the Service does not select it. */
function templateOf({ own, situation }: Scene): string | undefined {
  return situation.behind?.pods.find(({ uid }) => uid === own.owner.uid)?.template;
}

/** Returns older roots of our own pod, whose keys are lost, and roots of pods that are gone. */
function staleRoots({ own, roots, memory }: Scene): readonly PublishedRoot[] {
  return roots.filter(({ owner, certificate }) =>
    owner.uid === own.owner.uid ? !certificate.raw.equals(own.root.raw) : memory.gone.has(owner.uid),
  );
}

function withReadiness({ view, situation, memory, isHeld }: Scene, draft: Draft): Decision {
  if (memory.ready) return { ...draft, ready: true };
  const { nowMs } = situation;
  if (view.insecure) {
    // Time does not help: a pod without contact to kube-apiserver would not see that verification has begun.
    return { ...draft, ready: isHeld || otherWriterOf(view) !== undefined || situation.hindrance !== undefined };
  }
  const waitMs = (memory.heldSinceMs ?? Infinity) + propagationMs - nowMs;
  if (waitMs <= 0) return { ...draft, ready: true };
  return { ...draft, ready: false, againMs: waitMs === Infinity ? draft.againMs : soonest(waitMs, draft.againMs) };
}

function soonest(ms: number, other: number | undefined): number {
  return Math.min(ms, other ?? Infinity);
}
