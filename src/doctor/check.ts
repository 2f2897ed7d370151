/** Defines checks, and the context that they may use. */
import type { ApiServer } from '../client/apiserver.ts';
import type { Options } from '../options/flags.ts';
import type { Certificates } from './certificates.ts';
import type { ClusterReader } from './clusterreader.ts';
import type { Finding } from './finding.ts';
import { UncheckedError } from './uncheckederror.ts';

export interface CheckContext {
  readonly api: ClusterReader;
  readonly certificates: Certificates;
  /** For clients of other modules; its credentials go to kube-apiserver only. */
  readonly server: ApiServer;
  /** The flags that doctor was given: in the pod, those of the server. */
  readonly options: Options;
  /** In a pod of the cluster, addresses of pods and nodes can be reached. */
  readonly place: 'pod' | 'outside';
  /** kube-apiserver's time, in milliseconds since the epoch: a laptop's clock may be wrong. Exact to two seconds. */
  nowMs(): number;
  /** Aborts at the check's deadline. */
  readonly signal: AbortSignal;
}

export interface Check {
  /** As on the command line: lower case and dashes. */
  readonly name: string;
  /** Says in a few words what it looks at. */
  readonly title: string;
  /** Every code that its findings may have, beside `unchecked`. */
  readonly codes: readonly string[];
  /**
   * Yields findings as they are made. An UncheckedError ends the check with a finding that says what could not be
   * checked; those that were yielded before stay.
   */
  run(context: CheckContext): AsyncIterable<Finding>;
}

/** Runs one part of a check. Where it cannot look, it yields a finding that says so, and the check goes on. */
export async function* tolerant(part: () => AsyncIterable<Finding>): AsyncIterable<Finding> {
  try {
    yield* part();
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    yield error.toFinding();
  }
}

/** Returns what a read returns, or `otherwise` where it cannot look, without a finding: what is read only explains more. @throws other errors. */
export async function readable<T, U>(pending: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await pending;
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    return otherwise;
  }
}

/** Returns what a read returns. Where it cannot look, it yields a finding that says so, and returns `otherwise`. */
export async function* readOr<T>(otherwise: T, read: () => Promise<T>): AsyncGenerator<Finding, T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    yield error.toFinding();
    return otherwise;
  }
}
