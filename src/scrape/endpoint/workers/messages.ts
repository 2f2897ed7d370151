/** Messages between the main thread and a worker; sent as lists, see messagebatcher.ts. */
import type { Layout, NodeBatch } from '../../../sample/batch.ts';
import type { KubeletClientOptions } from '../../../kubelet/client.ts';
import type { KubeletTls } from '../../../kubelet/http/kubelettls.ts';
import type { Source } from '../../../sample/point.ts';
import type { WantedColumns } from '../../../sample/seriescolumns.ts';
import type { KubeletAddressList } from '../addressfallback.ts';
import type { BatchResult, ReadResult } from '../readresult.ts';
import type { ClonedError, ClonedResult } from './clonedresult.ts';
import type { LookupRequest, LookupResponse } from './namelookups.ts';
import type { PinRequest, PinResponse } from './pinchecks.ts';

/** Plain data. */
export interface WorkerSettings extends Omit<KubeletClientOptions, 'tls' | 'authorization' | 'resolve' | 'checkPin'> {
  /** Whether the main thread compares keys with their pins. */
  readonly pinned: boolean;
  /** See LocalPoolOptions. */
  readonly fastPath: boolean;
}

export type ToWorker =
  | ReadRequest
  | { readonly kind: 'abort'; readonly id: number; readonly reason: ClonedError }
  | { readonly kind: 'release'; readonly node: string }
  | LookupResponse
  | PinResponse
  | WorkerCredentials;

/** Gets exactly one response, even if aborted. */
export interface ReadRequest {
  readonly kind: 'read';
  readonly id: number;
  readonly node: string;
  readonly source: Source;
  readonly at: KubeletAddressList;
  /** The annotated path for /metrics/resource. */
  readonly path: string | undefined;
  /** Series of /metrics/cadvisor beside the quantities. */
  readonly wanted: WantedColumns;
}

/** The current credentials for kubelets. */
export interface WorkerCredentials {
  readonly kind: 'credentials';
  readonly authorization: ClonedResult<string | undefined>;
  /** Undefined if unchanged: a new object would reconnect to every kubelet. */
  readonly tls: ClonedResult<KubeletTls> | undefined;
}

export type FromWorker =
  /** The worker caches none, so each request uses current ones. */
  | { readonly kind: 'credentials-wanted' }
  | LookupRequest
  | PinRequest
  | {
      readonly kind: 'result';
      readonly id: number;
      readonly result: ClonedReadResult;
      /** Undefined if its version was sent before. */
      readonly layout: Layout | undefined;
    }
  /** A bug of ours. */
  | { readonly kind: 'thrown'; readonly id: number; readonly error: ClonedError };

/** A layout is sent once, since it seldom changes; later batches name its version. The numbers are transferred. */
export type ClonedReadResult =
  | Exclude<ReadResult, BatchResult>
  | (Omit<BatchResult, 'batch'> & { readonly batch: ClonedBatch });

export type ClonedBatch = Omit<NodeBatch, 'layout'> & { readonly layoutVersion: number };
