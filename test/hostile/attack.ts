/** One attack on the running program: what it does, and what it may cost. */
import type { Issued } from '../fakes/certificates.ts';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import type { HostileKubelet, HostileKubeletOptions } from './hostilekubelet.ts';

export interface Attack {
  /** A whole sentence: what the attacker does. */
  readonly name: string;
  /** The part of the program that has to withstand it, by its path below src/. */
  readonly target: string;
  /** Deviations from `defaultLimits`, each with its reason beside it. */
  readonly limits?: Partial<Limits>;
  /** More flags of the program; a later one of the same name wins. */
  readonly args?: readonly string[];
  /** More flags of Node. */
  readonly nodeArgs?: readonly string[];
  /** Attacks. Build large payloads in `prepare`: this process also runs the fake kube-apiserver. Throws if the program reacts wrongly. */
  run(context: AttackContext): Promise<void>;
  /** Builds what `run` sends, before the measurement begins. */
  prepare?(context: AttackContext): Promise<void> | void;
}

/** What an attack may cost. */
export interface Limits {
  /** CPU milliseconds of the server's main thread in one turn of its event loop. Time of other processes on the same core does not count. */
  readonly holdCpuMs: number;
  /** Milliseconds by the clock, as the longest turn of the server's event loop and as the longest wait of a bystander. */
  readonly waitMs: number;
  /** Bytes by which the server's resident memory grows at most, at its peak. */
  readonly addedBytes: number;
  /** CPU seconds of the whole process while the attack lasts. */
  readonly cpuSeconds: number;
}

/** The goal for the longest hold of another caller, in milliseconds. It is printed beside what was measured. */
export const goalHoldMs = 50;

/**
 * The asserted limits. Holds are asserted by CPU time at three times the goal: a turn that meets a full garbage collection or cold code takes up to 60 ms on a shared core.
 * Waits by the clock also contain the time of other processes, so their bound is wide.
 */
export const defaultLimits: Limits = {
  holdCpuMs: 150,
  waitMs: 1_000,
  addedBytes: 64 * 1024 ** 2,
  cpuSeconds: 5,
};

export interface AttackContext {
  /** `https://127.0.0.1:<port>` of the program. */
  readonly url: string;
  readonly port: number;
  /** PEM of the authority of the program's serving certificate. */
  readonly ca: string;
  /** A bearer token that TokenReview knows: user `known`, who may read metrics. */
  readonly token: string;
  /** Certificate of the front proxy: a caller with it names its user in `x-remote-user` and `x-remote-group`. */
  readonly frontProxy: Issued;
  /** A client certificate of the cluster's client CA: user `alice`. */
  readonly client: Issued;
  /** A client certificate of an authority that nobody trusts. */
  readonly stranger: Issued;
  /** The fake kube-apiserver: its objects, reviews, faults and what it was asked. */
  readonly apiServer: FakeApiServer;
  /** The process ID of the program. */
  readonly pid: number;
  /** Adds a node whose kubelet answers as `onRequest` says, byte by byte. Its certificate is a good one. */
  addKubelet(options: HostileKubeletOptions): Promise<HostileKubelet>;
  /** Asks the program over HTTP/1.1 as an administrator. */
  askAsAdmin(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** What the program has logged so far. */
  log(): string;
  /** Aborts when the attack has taken longer than `attackTimeoutMs`. */
  readonly signal: AbortSignal;
}

/** How long one attack may take. */
export const attackTimeoutMs = 30_000;
