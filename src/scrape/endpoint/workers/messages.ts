/** What the main thread and a worker thread tell each other; in lists, see mailbox.ts. */
import type { Layout, NodeBatch } from '../../../sample/batch.ts';
import type { KubeletClientOptions, KubeletTls } from '../../../kubelet/client.ts';
import type { Source } from '../../../sample/point.ts';
import type { Told, ToldBatch } from '../endpoint.ts';
import type { Addresses } from '../addressfallback.ts';
import type { NameAnswer, NameQuestion } from './names.ts';
import type { Carried, CarriedError } from './carried.ts';

/** What a worker is started with. */
export type WorkerSettings = Omit<KubeletClientOptions, 'tls' | 'authorization' | 'resolve'>;

export type ToWorker =
  | Question
  | { readonly kind: 'abort'; readonly id: number; readonly reason: CarriedError }
  | { readonly kind: 'release'; readonly node: string }
  | NameAnswer
  | Credentials;

/** Is answered exactly once, also when it is aborted. */
export interface Question {
  readonly kind: 'ask';
  readonly id: number;
  readonly node: string;
  readonly source: Source;
  readonly at: Addresses;
  /** Of /metrics/resource where the node is annotated with another one. */
  readonly path: string | undefined;
}

/** What kubelets are shown, as of now. */
export interface Credentials {
  readonly kind: 'credentials';
  readonly authorization: Carried<string | undefined>;
  /** Undefined: as before. A new object would be a new connection to every kubelet. */
  readonly tls: Carried<KubeletTls> | undefined;
}

export type FromWorker =
  /** Is answered with credentials: the worker keeps none for later questions, so each is asked with those that are good. */
  | { readonly kind: 'credentials-wanted' }
  | NameQuestion
  | {
      readonly kind: 'told';
      readonly id: number;
      readonly told: ToldAcross;
      /** Of a batch; undefined where it is that of the node's batch before, from the same source. */
      readonly layout: Layout | undefined;
    }
  /** A mistake of ours. */
  | { readonly kind: 'thrown'; readonly id: number; readonly error: CarriedError };

/** A layout is sent once, since it seldom changes; later batches name its version. The numbers are transferred. */
export type ToldAcross = Exclude<Told, ToldBatch> | (Omit<ToldBatch, 'batch'> & { readonly batch: BatchAcross });

export type BatchAcross = Omit<NodeBatch, 'layout'> & { readonly layoutVersion: number };
