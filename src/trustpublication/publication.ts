/** Keeps our root in the caBundle of one APIService: watches it, decides, patches, and reports readiness. */
import type { RestClient } from '../client/rest.ts';
import { backoffMs } from '../client/watchretry.ts';
import type { Clock } from '../clock.ts';
import { describeError, type Logger } from '../logging.ts';
import type { BundleCode } from '../messagecodes.ts';
import type { RootOwner } from '../tls/podroot.ts';
import { fieldManager } from './apiserviceview.ts';
import { apiServicePath, Denials, isInsecure, isOlder, type Observed, watchApiService } from './apiservicewatch.ts';
import { encodePatch } from './bundlepatch.ts';
import { bundleStates } from './bundlestates.ts';
import { PatchError, rejections } from './patcherror.ts';
import { PodReads } from './podreads.ts';
import { type Decision, decide, type OwnPod, type Situation, type Write } from './publicationdecision.ts';
import { afterRepair, createMemory, type Memory } from './publicationmemory.ts';
import type { OwnerOf } from './publishedroots.ts';
import type { BackendSource } from './servicebackends.ts';
import { readinessUnread, readyUnread } from './unreadable.ts';

export interface PublicationOptions {
  readonly rest: RestClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of the APIService, such as v1beta1.metrics.k8s.io. */
  readonly name: string;
  readonly own: OwnPod;
  readonly ownerOf: OwnerOf;
  readonly pods: BackendSource;
  /** Whether the informer has the pod; true until the informer has synced. */
  readonly isRunning: (owner: RootOwner) => boolean;
  /** Whether kubelets get tokens of another ServiceAccount; before that nothing is written. */
  readonly isSeparate: () => boolean;
  /** Whether the pod may stay unready without the right to read the APIService. False where other APIs of the pod matter more. */
  readonly mayHoldBack: boolean;
  /** Whether no other process of our pod publishes a root; in a second one nothing is written. */
  readonly isFirst: () => boolean;
  readonly onPatch?: (write: Write) => void;
  /** Gets each new state, to be logged. */
  readonly onState: (state: Pick<Decision, 'code' | 'state' | 'level'>) => void;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

export interface Publication {
  /** Reports whether kube-apiserver accepts our certificate for this API, or needs none of ours. Never becomes false again. */
  ready(): boolean;
  /** Returns one sentence for `/status`. */
  state(): string;
  code(): BundleCode;
  /** Reports whether the state needs an operator. */
  isTrouble(): boolean;
  /** Follows the APIService until the signal aborts. Never rejects; writes nothing after the abort. */
  run(signal: AbortSignal): Promise<void>;
  /** Decides again, such as after a change of the pods. */
  wake(): void;
}

/** Until the next patch after a denied one, in milliseconds. */
export const deniedPatchRetryMs = 5 * 60_000;
/** Patches that one decision may lead to; the next event leads to more. */
const patchesAtOnce = 5;
/** After so many, in milliseconds. */
const patchPauseMs = 1_000;

export function createPublication(options: PublicationOptions): Publication {
  return new WatchedPublication(options);
}

class WatchedPublication implements Publication {
  readonly #options: PublicationOptions;
  readonly #random: () => number;
  #memory: Memory;
  #observed: Observed | undefined;
  /** Number of observations. */
  #observations = 0;
  readonly #denials = new Denials();
  readonly #podReads = new PodReads();
  #reported: Pick<Decision, 'code' | 'state' | 'level'> = { ...bundleStates.notRead, level: 'info' };
  #logged: string | undefined;
  #deniedUntilMs = -Infinity;
  /** Failed patches and reads since the last success. */
  #failures = 0;
  /** Patches that failed a test, since the last success. */
  #conflicts = 0;
  #woken = Promise.withResolvers<void>();

  constructor(options: PublicationOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#memory = createMemory();
  }

  ready(): boolean {
    return this.#memory.ready;
  }

  state(): string {
    return this.#reported.state;
  }

  code(): BundleCode {
    return this.#reported.code;
  }

  isTrouble(): boolean {
    return this.#reported.level === 'warn';
  }

  wake(): void {
    this.#woken.resolve();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { rest, clock, log, name } = this.#options;
    const onChange = (observed: Observed) => this.#observe(observed);
    const beginRead = () => this.#beginRead();
    const watching = watchApiService({ rest, clock, log, name, onChange, beginRead, random: this.#random }, signal);
    while (!signal.aborted) {
      // Before the decision, so that a change during it leads to another one.
      this.#woken = Promise.withResolvers();
      let againMs: number | undefined;
      try {
        againMs = await this.#settle(signal);
        this.#failures = 0;
        this.#conflicts = 0;
        if (this.#hindrance(clock.monotonicMs()) !== 'denied') this.#denials.end();
      } catch (error) {
        if (signal.aborted) break;
        againMs = await this.#onFailure(error, signal);
      }
      await this.#pause(againMs, signal);
    }
    await watching;
  }

  /** Waits for an event, or for the time. */
  async #pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
    if (ms === 0) return;
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const timer = this.#options.clock.sleep(ms ?? longestPauseMs, either).catch(() => undefined);
    await Promise.race([this.#woken.promise, timer]);
    ended.abort();
  }

  #observe(observed: Observed): void {
    if (!isOlder(observed, this.#observed)) this.#take(observed);
  }

  /** The object that was read is current, although a restore of etcd takes versions back; unless a later response came in between. */
  #beginRead(): (observed: Observed) => void {
    const before = this.#observations;
    return (observed) => (before === this.#observations ? this.#take(observed) : this.#observe(observed));
  }

  #take(observed: Observed): void {
    // Another pod has begun to verify, perhaps without our root.
    if (isInsecure(this.#observed) && !isInsecure(observed)) this.#deniedUntilMs = -Infinity;
    this.#observed = observed;
    this.#observations += 1;
    this.wake();
  }

  /** Decides and patches until nothing is left to do. Returns milliseconds until the next decision without an event. */
  async #settle(signal: AbortSignal): Promise<number | undefined> {
    for (let patches = 0; patches < patchesAtOnce; patches += 1) {
      if (this.#observed === undefined) return undefined;
      if (this.#observed.kind === 'denied') return this.#onUnreadable(signal);
      const decision = await this.#decide(this.#observed, signal);
      signal.throwIfAborted();
      if (decision.patch === undefined) {
        this.#report(decision);
        return this.#orAfterDenial(decision.againMs);
      }
      if (decision.level === 'warn') this.#report(decision);
      // The patch has a line of its own.
      else this.#reported = decision;
      await this.#patch(decision.patch, signal);
    }
    return patchPauseMs;
  }

  /** Where only the image was replaced, no pod publishes a root, so kube-apiserver does not verify by them. */
  async #onUnreadable(signal: AbortSignal): Promise<number | undefined> {
    const { name, own, pods, isSeparate, mayHoldBack, clock } = this.#options;
    const mayBeVerified = mayHoldBack && !this.#memory.ready && isSeparate();
    const waitMs = mayBeVerified ? this.#podReads.take(clock.monotonicMs()) : 0;
    if (waitMs > 0) return waitMs;
    const decision = mayBeVerified ? await readinessUnread(name, pods, own.owner.uid, signal) : readyUnread(name);
    this.#memory = { ...this.#memory, ready: decision.ready };
    this.#report(decision);
    return decision.againMs;
  }

  #orAfterDenial(againMs: number | undefined): number | undefined {
    const waitMs = this.#deniedUntilMs - this.#options.clock.monotonicMs();
    return waitMs > 0 ? Math.min(waitMs, againMs ?? Infinity) : againMs;
  }

  /** Decides, and again with what the first decision lacked. */
  async #decide(observed: Observed, signal: AbortSignal): Promise<Decision> {
    const { own, ownerOf, clock, isRunning, pods } = this.#options;
    const nowMs = clock.monotonicMs();
    const situation: Situation = {
      apiService: observed.kind === 'present' ? observed.object : undefined,
      behind: undefined,
      isRunning,
      hindrance: this.#hindrance(nowMs),
      nowMs,
    };
    let decision = this.#remember(decide(own, ownerOf, situation, this.#memory));
    if (decision.confirm.length === 0 && !decision.needsBackends) return decision;
    const waitMs = this.#podReads.take(nowMs);
    if (waitMs > 0) return { ...decision, againMs: Math.min(waitMs, decision.againMs ?? Infinity) };
    const gone = new Set(this.#memory.gone);
    for (const owner of decision.confirm) if (await pods.isGone(owner, signal)) gone.add(owner.uid);
    this.#memory = { ...this.#memory, gone };
    const behind = decision.needsBackends ? await pods.behindService(signal) : undefined;
    decision = this.#remember(decide(own, ownerOf, { ...situation, behind }, this.#memory));
    return decision;
  }

  #hindrance(nowMs: number): Situation['hindrance'] {
    if (nowMs < this.#deniedUntilMs) return 'denied';
    if (!this.#options.isFirst()) return 'second-process';
    return this.#options.isSeparate() ? undefined : 'shared-identity';
  }

  #remember({ decision, memory }: ReturnType<typeof decide>): Decision {
    this.#memory = memory;
    return decision;
  }

  async #patch({ write, isRepeated, operations }: NonNullable<Decision['patch']>, signal: AbortSignal): Promise<void> {
    const { rest, name, log, clock, onPatch } = this.#options;
    const query = { fieldManager };
    const object = await rest.patch(apiServicePath(name), encodePatch(operations), { query, signal }).catch((cause) => {
      throw new PatchError(cause);
    });
    log.info({ apiService: name, write }, 'patched the APIService');
    onPatch?.(write);
    if (isRepeated) this.#memory = afterRepair(this.#memory, clock.monotonicMs());
    this.#observe({ kind: 'present', object });
  }

  /** Returns how long to wait. After a conflict the object is read: the watch may lag. */
  async #onFailure(failure: unknown, signal: AbortSignal): Promise<number> {
    const { rest, name, clock, log } = this.#options;
    const code = failure instanceof PatchError ? failure.code : undefined;
    this.#failures += 1;
    const isConflict = code === 409 || code === 422;
    if (isConflict) this.#conflicts += 1;
    if (code !== 403) this.#denials.end();
    const isDenied = code === 403 && this.#denials.areSure(clock.monotonicMs());
    // Rejected by RBAC, an admission webhook, or validation, which has the code of a conflict.
    if (isDenied || rejections.has(code) || this.#conflicts >= conflictLimit) {
      // Once: it is tried again every few minutes.
      if (this.#deniedUntilMs === -Infinity)
        log.warn({ code: 'BundlePatchDenied', apiService: name, err: failure }, 'a patch for caBundle was denied');
      this.#deniedUntilMs = clock.monotonicMs() + deniedPatchRetryMs;
      this.#failures = 0;
      this.#conflicts = 0;
      return 0;
    }
    if (!isConflict || this.#conflicts >= reportedConflicts) {
      const state = `caBundle cannot be maintained; retries until it works: ${describeError(failure)}`;
      this.#report({ code: 'BundleNotWritten', state, level: 'warn' });
    }
    if (isConflict) {
      const onRead = this.#beginRead();
      const read = rest.get(apiServicePath(name), { signal });
      await read.then((object) => onRead({ kind: 'present', object })).catch(() => undefined);
      // The event that just came must not end the pause, or pods that conflict would never come apart.
      this.#woken = Promise.withResolvers();
    }
    return backoffMs(this.#failures - 1, this.#random());
  }

  #report({ code, state, level }: Pick<Decision, 'code' | 'state' | 'level'>): void {
    this.#reported = { code, state, level };
    if (state === this.#logged) return;
    this.#logged = state;
    this.#options.onState(this.#reported);
  }
}

/** Conflicts are usual while pods start together; so many in a row are not. */
const reportedConflicts = 5;
/** So many conflicts in a row, with their backoff a minute or more, are no conflicts. */
const conflictLimit = 10;
/** Without any event or deadline, in milliseconds. */
const longestPauseMs = 10 * 60_000;
