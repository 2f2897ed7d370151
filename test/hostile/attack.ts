/** One attack on the running program: what it does, and what it may cost. */
import type { Authority, Issued } from '../fakes/certificates.ts';
import type { FakeApiServer } from '../fakes/apiserver.ts';
import type { Lane } from './bystander.ts';
import type { HostileKubelet, HostileKubeletOptions } from './hostilekubelet.ts';

export interface Attack {
  /** A whole sentence: what the attacker does. */
  readonly name: string;
  /** The part of the program that has to withstand it, by its path below src/. */
  readonly target: string;
  /** Deviations from `defaultLimits`, each with its reason beside it. */
  readonly limits?: Partial<Limits>;
  /** Bystanders who are strangers to the defence, as the attacker is: their waits are printed and not judged. */
  readonly alike?: readonly Lane[];
  /** More flags of the program; a later one of the same name wins. With them the attack has a program of its own. */
  readonly args?: readonly string[];
  /** Attacks. Throws if the program reacts wrongly. Returns what else is worth a line. */
  run(context: AttackContext): Promise<string | void>;
  /** Builds what `run` sends, before the measurement begins: this process also runs the fake kube-apiserver. */
  prepare?(context: AttackContext): Promise<void> | void;
}

/** Limits for the cost of an attack. */
export interface Limits {
  /**
   * CPU milliseconds of the server's main thread in one turn of its event loop, beyond what the control run has. Time of other processes on the
   * same core does not count.
   */
  readonly holdCpuMs: number;
  /** Milliseconds by the clock, as the longest turn of the server's event loop and as the longest wait of a bystander. */
  readonly waitMs: number;
  /** Bytes by which the server's resident memory grows at most, at its peak. */
  readonly addedBytes: number;
  /** CPU seconds of the whole process while the attack lasts, beyond what bystanders and good kubelets take. */
  readonly cpuSeconds: number;
}

/** The goal for the longest hold of another caller, in milliseconds. */
export const goalHoldMs = 50;

/** The asserted limits. Waits by the clock also contain the time of other processes, so their bound is wide. */
export const defaultLimits: Limits = {
  holdCpuMs: goalHoldMs,
  waitMs: 3_000,
  addedBytes: 64 * 1024 ** 2,
  cpuSeconds: 5,
};

export interface AttackContext {
  readonly port: number;
  /** The cluster's client CA, which also signed the serving certificate and those of good kubelets. */
  readonly clientCa: Authority;
  /** A client certificate of it: user `alice`, who may do nothing. */
  readonly client: Issued;
  /** The fake kube-apiserver: its objects, reviews, faults and what it was asked. The attack's own settings are undone after it. */
  readonly apiServer: FakeApiServer;
  /** The program's own bearer token. */
  readonly programToken: string;
  /** Adds a node whose kubelet answers as `onRequest` says, byte by byte. Its certificate is a good one. */
  addKubelet(options: HostileKubeletOptions): Promise<HostileKubelet>;
  /** Asks the program over HTTP/1.1 as an administrator. */
  askAsAdmin(path: string): Promise<Answered>;
  /** Everything the program has logged so far. */
  log(): string;
  /** Starts another program with more flags in the same cluster. Resolves when it is ready. Rejects with its log when it ends before. */
  startAnother(args: readonly string[]): Promise<Program>;
  /** A folder of this attack's own. */
  readonly folder: string;
  /** Aborts when the attack has taken longer than `attackTimeoutMs`. */
  readonly signal: AbortSignal;
}

export interface Answered {
  readonly status: number;
  readonly text: string;
}

export interface Program extends AsyncDisposable {
  askAsAdmin(path: string): Promise<Answered>;
  log(): string;
}

/** How long one attack may take: seconds, of a busy machine more. */
export const attackTimeoutMs = 120_000;
