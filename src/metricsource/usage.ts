/** The contract between a source that is asked for usages during a request, and metrics.k8s.io. */
import type { PodUsage, Usage } from '../sample/point.ts';
import type { Caller } from './source.ts';

export interface UsageQuestion<O> {
  /** At least one; sorted by namespace, then name. */
  readonly objects: readonly O[];
  /** Whether these are all objects of their namespaces, or all nodes. */
  readonly isWhole: boolean;
  readonly caller: Caller;
}

export interface AskedNode {
  readonly name: string;
}

export interface AskedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** An object's usage, or why there is none, as a cause of its 404. */
export type AskedUsage<U> =
  | { readonly kind: 'ready'; readonly value: U }
  | { readonly kind: 'missing'; readonly message: string };

/** Returns the usage of an object of the question. */
export type UsageOf<O, U> = (object: O) => AskedUsage<U>;

/** @throws StatusError for the client; its cause is for the log. Or the signal's reason. */
export interface UsageSource {
  nodeUsages(question: UsageQuestion<AskedNode>, signal: AbortSignal): Promise<UsageOf<AskedNode, Usage>>;
  podUsages(question: UsageQuestion<AskedPod>, signal: AbortSignal): Promise<UsageOf<AskedPod, PodUsage>>;
}
