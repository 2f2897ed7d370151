/** What the main thread and a worker thread tell each other; in lists, see mailbox.ts. */
import type { Layout, NodeBatch } from '../../../sample/batch.ts';
import type { KubeletClientOptions } from '../../../kubelet/client.ts';
import type { KubeletTls } from '../../../kubelet/http/kubelettls.ts';
import type { Source } from '../../../sample/point.ts';
import type { LocalPoolOptions } from '../localpool.ts';
import type { ReadResult, BatchResult } from '../kubeletreader.ts';
import type { KubeletAddressList } from '../addressfallback.ts';
import type { LookupResponse, LookupRequest } from './namelookups.ts';
import type { ClonedResult, ClonedError } from './clonedresult.ts';

/** What a worker is started with. */
export type WorkerSettings = Omit<KubeletClientOptions, 'tls' | 'authorization' | 'resolve'> &
  Pick<LocalPoolOptions, 'fastPath'>;

export type ToWorker =
  | ReadRequest
  | { readonly kind: 'abort'; readonly id: number; readonly reason: ClonedError }
  | { readonly kind: 'release'; readonly node: string }
  | LookupResponse
  | WorkerCredentials;

/** Is answered exactly once, also when it is aborted. */
export interface ReadRequest {
  readonly kind: 'ask';
  readonly id: number;
  readonly node: string;
  readonly source: Source;
  readonly at: KubeletAddressList;
  /** Of /metrics/resource where the node is annotated with another one. */
  readonly path: string | undefined;
}

/** What kubelets are shown, as of now. */
export interface WorkerCredentials {
  readonly kind: 'credentials';
  readonly authorization: ClonedResult<string | undefined>;
  /** Undefined: as before. A new object would be a new connection to every kubelet. */
  readonly tls: ClonedResult<KubeletTls> | undefined;
}

export type FromWorker =
  /** Is answered with credentials: the worker keeps none for later questions, so each is asked with those that are good. */
  | { readonly kind: 'credentials-wanted' }
  | LookupRequest
  | {
      readonly kind: 'told';
      readonly id: number;
      readonly told: ClonedReadResult;
      /** Of a batch; undefined where it is that of the node's batch before, from the same source. */
      readonly layout: Layout | undefined;
    }
  /** A mistake of ours. */
  | { readonly kind: 'thrown'; readonly id: number; readonly error: ClonedError };

/** A layout is sent once, since it seldom changes; later batches name its version. The numbers are transferred. */
export type ClonedReadResult =
  | Exclude<ReadResult, BatchResult>
  | (Omit<BatchResult, 'batch'> & { readonly batch: ClonedBatch });

export type ClonedBatch = Omit<NodeBatch, 'layout'> & { readonly layoutVersion: number };
