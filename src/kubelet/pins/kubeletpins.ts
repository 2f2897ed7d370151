/**
 * The pins of all kubelets, shared by replicas through a ConfigMap. A first use counts only once it is written there, so
 * the first writer wins. Without the ConfigMap, pins are in memory.
 */
import { StatusError } from '../../apimachinery/status.ts';
import type { Clock } from '../../clock.ts';
import { describeError, type Logger } from '../../logging.ts';
import {
  defaultPinsNamespace,
  type PinConfigMap,
  type PinRest,
  pinsConfigMapName,
  readPinConfigMap,
  replacePins,
} from './pinconfigmap.ts';
import {
  changePins,
  isPinnableUid,
  lostPins,
  type Pin,
  type PinChange,
  pinKey,
  type Pins,
  pinsLimitBytes,
} from './pinlist.ts';
import type { PinFailure, PinVerdict, Proof } from './proof.ts';

export interface KubeletPinsOptions {
  readonly rest: PinRest;
  /** Our pod's; undefined outside of a pod, where pins are in memory. */
  readonly namespace: string | undefined;
  /** Reports whether kubelets never get our own credentials; nothing is written before. */
  readonly mayWrite: () => boolean;
  readonly uidOf: (node: string) => string | undefined;
  /** Returns all Nodes as last listed. */
  readonly nodes: () => readonly { readonly name: string; readonly uid: string | undefined }[];
  readonly clock: Clock;
  readonly log: Logger;
}

/** Milliseconds. After `kubegauge trust`, new connections accept the previous key for at most this long. */
export const longestAgeMs = 10_000;
/** The same for open connections, in milliseconds: with many nodes, each read is a megabyte. */
export const openAgeMs = 60_000;
/** Milliseconds: before a kubelet is refused, the pins are read again, but no more often than this. */
const refusalAgeMs = 1_000;
/**
 * Milliseconds for which kube-apiserver has to say so before pins are in memory: one that starts denies what it will
 * allow, and a server without pins would take any key for a first use.
 */
const missingGraceMs = 30_000;
/** Milliseconds before the ConfigMap is tried again after kube-apiserver has said that there is none, or no right. */
const missingRetryMs = 60_000;
/** Milliseconds between two writes: the first scrape of 5,000 nodes must not write a megabyte for each. */
const writeIntervalMs = 1_000;
/** Two replicas that write at once need two. */
const conflictLimit = 10;

export class KubeletPins {
  readonly #options: KubeletPinsOptions;
  /** Undefined: pins are in memory. */
  #shared: PinConfigMap | undefined;
  #readAtMs = -Infinity;
  /** Time of the last read that failed. */
  #failedAtMs = -Infinity;
  /** Pins that are not shared, or not yet. */
  #memory: Pins = new Map();
  /** Why pins are in memory; undefined if they are shared. */
  #whyMemory: string | undefined;
  #logged: string | undefined;
  /** Since when reads, or writes, are denied or find nothing. */
  #missingSinceMs: number | undefined;
  #isWriteDenied = false;
  #failure: PinFailure = { reason: 'it was not written yet' };
  #reading: Promise<void> | undefined;
  #changes: PinChange[] = [];
  #writing: Promise<void> | undefined;
  #writtenAtMs = -Infinity;

  constructor(options: KubeletPinsOptions) {
    this.#options = options;
  }

  /** Never rejects. See CheckPin. */
  async check(node: string, proof: Proof, isOpen = false): Promise<PinVerdict> {
    const uid = this.#options.uidOf(node);
    if (!isPinnableUid(uid)) return { kind: 'unrecorded', reason: 'its Node has no UID' };
    const key = pinKey(node);
    const pin = { uid, proof };
    if (isOpen) await this.#refresh(openAgeMs, openAgeMs);
    else await this.#refresh(longestAgeMs);
    let verdict = this.#compare(key, pin);
    // It may have been removed by `kubegauge trust`.
    if (verdict?.kind === 'changed') {
      await this.#refresh(refusalAgeMs);
      verdict = this.#compare(key, pin);
    }
    if (verdict !== undefined) return verdict;
    // The Node may be another one by now, whose first use is that of its own connection.
    if (isOpen) return { kind: 'unrecorded', reason: 'the connection is older than the Node, or than the pins' };
    await this.change([{ key, pin }]);
    return this.#compare(key, pin) ?? { kind: 'unrecorded', ...this.#failure };
  }

  /** Returns all pins as last read. */
  pins(): Pins {
    return this.#shared?.pins ?? this.#memory;
  }

  /** Returns a sentence for /status while pins are not shared. */
  note(): string | undefined {
    if (this.#whyMemory === undefined) return undefined;
    return `the keys of kubelets are pinned in memory only, so a restart pins them anew: ${this.#whyMemory}`;
  }

  /** Applies changes, with others of the same second. Never rejects; `check` reports failures. */
  change(changes: readonly PinChange[]): Promise<void> {
    this.#changes.push(...changes);
    this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  /** Returns undefined at a first use. */
  #compare(key: string, { uid, proof }: Pin): PinVerdict | undefined {
    const pinned = this.#shared?.pins.get(key) ?? this.#memory.get(key);
    if (pinned?.uid !== uid) return undefined;
    if (pinned.proof === proof) return { kind: 'good' };
    return proof === 'ca' ? undefined : { kind: 'changed', pinned: pinned.proof };
  }

  async #refresh(ageMs: number, failureAgeMs = refusalAgeMs): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#readAtMs < ageMs || nowMs - this.#failedAtMs < failureAgeMs) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  /** Keeps the last copy if the ConfigMap cannot be read for a while. */
  async #read(): Promise<void> {
    const { rest, namespace, mayWrite, clock } = this.#options;
    const atMs = clock.monotonicMs();
    if (namespace === undefined) return this.#keepInMemory('this server runs outside of a pod', atMs);
    if (!mayWrite()) {
      return this.#keepInMemory('kubelets get the token of this server, which must not have a right to write', atMs);
    }
    try {
      const found = await readPinConfigMap(rest, namespace);
      // A write that ended meanwhile has left a newer version.
      if (this.#writtenAtMs <= atMs) this.#share(found, atMs);
    } catch (error) {
      this.#fail(error, atMs);
    }
  }

  #share(found: PinConfigMap, atMs: number): void {
    // A ConfigMap that was deleted and created again is filled again.
    if (this.#shared?.uid !== found.uid) this.#keepShared();
    else this.#keepLost(found);
    this.#shared = found;
    this.#readAtMs = atMs;
    this.#whyMemory = undefined;
    if (!this.#isWriteDenied) this.#missingSinceMs = undefined;
    this.#forgetShared(found.pins);
    if (this.#memory.size > 0) void this.change([]);
  }

  #keepShared(): void {
    if (this.#shared !== undefined) this.#memory = new Map([...this.#memory, ...this.#shared.pins]);
  }

  /** So is one whose pins were removed at once, as by `kubectl replace` with our manifest, which keeps its UID. */
  #keepLost(found: PinConfigMap): void {
    if (this.#shared === undefined) return;
    const lost = lostPins(this.#shared.pins, found, this.#options.nodes);
    if (lost.size === 0) return;
    const counts = { lost: lost.size, before: this.#shared.pins.size };
    this.#options.log.warn(
      { code: 'PinsLost', ...counts },
      'keys of kubelets were removed at once; they are pinned again',
    );
    this.#memory = new Map([...this.#memory, ...lost]);
  }

  /** Drops from memory what is shared now: that counts. */
  #forgetShared(shared: Pins): void {
    if (this.#memory.size > 0) this.#memory = new Map([...this.#memory].filter(([key]) => !shared.has(key)));
  }

  #fail(error: unknown, atMs: number): void {
    if (isMissing(error)) {
      this.#missingSinceMs ??= atMs;
      const isSure = this.#whyMemory !== undefined || atMs - this.#missingSinceMs >= missingGraceMs;
      if (isSure) return this.#keepInMemory(describeError(error), atMs + missingRetryMs - longestAgeMs);
    }
    this.#failedAtMs = atMs;
    const name = `${this.#options.namespace ?? defaultPinsNamespace}/${pinsConfigMapName}`;
    this.#failure = { reason: `the ConfigMap ${name} cannot be read or written: ${describeError(error)}` };
  }

  #keepInMemory(why: string, readAtMs: number): void {
    this.#readAtMs = readAtMs;
    this.#keepShared();
    this.#shared = undefined;
    if (this.#logged !== why) {
      this.#options.log.warn({ code: 'PinsInMemory', reason: why }, 'keys of kubelets are pinned in memory only');
    }
    this.#whyMemory = why;
    this.#logged = why;
  }

  async #writeAll(): Promise<void> {
    const { clock } = this.#options;
    try {
      do {
        const waitMs = this.#whyMemory === undefined ? this.#writtenAtMs + writeIntervalMs - clock.monotonicMs() : 0;
        // At least one turn of the event loop, so that changes come together.
        await clock.sleep(Math.max(0, waitMs));
        await this.#write(this.#changes.splice(0));
      } while (this.#changes.length > 0);
    } finally {
      this.#writing = undefined;
    }
  }

  async #write(changes: readonly PinChange[]): Promise<void> {
    for (let tries = 0; tries < conflictLimit; tries += 1) {
      const shared = this.#shared;
      const kept = shared === undefined ? [] : [...this.#memory].map(([key, pin]) => ({ key, pin }));
      const { pins, isChanged, isFull } = changePins(this.pins(), [...kept, ...changes]);
      if (isFull) this.#failure = { reason: `there is no room for more pins (${pinsLimitBytes} bytes)`, isFull };
      if (!isChanged) return;
      if (shared === undefined) {
        // Before the first read nothing is known, and nothing is pinned.
        if (this.#whyMemory !== undefined) this.#memory = pins;
        return;
      }
      try {
        await this.#replace(shared, pins);
        return;
      } catch (error) {
        const nowMs = this.#options.clock.monotonicMs();
        if (!(error instanceof StatusError) || error.code !== 409) {
          this.#isWriteDenied = isMissing(error);
          this.#fail(error, nowMs);
          if (this.#whyMemory === undefined) return;
          continue;
        }
        this.#failure = { reason: describeError(error) };
        this.#readAtMs = -Infinity;
        await this.#refresh(refusalAgeMs);
      }
    }
  }

  async #replace(shared: PinConfigMap, pins: Pins): Promise<void> {
    const { rest, clock, log, namespace = defaultPinsNamespace } = this.#options;
    const atMs = clock.monotonicMs();
    this.#shared = await replacePins(rest, namespace, shared, pins);
    this.#readAtMs = atMs;
    this.#writtenAtMs = clock.monotonicMs();
    this.#isWriteDenied = false;
    this.#missingSinceMs = undefined;
    this.#forgetShared(this.#shared.pins);
    log.info({ before: shared.pins.size, now: pins.size }, 'keys of kubelets are pinned');
  }
}

/** Reports whether there is no ConfigMap, or no right. */
function isMissing(error: unknown): boolean {
  return error instanceof StatusError && (error.code === 403 || error.code === 404);
}
