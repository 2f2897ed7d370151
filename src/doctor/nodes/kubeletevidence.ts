/** Collects what was seen of one node's kubelet, from the API, by the server, and from here. */
import type { AddressCandidates } from '../../cluster/address.ts';
import type { RefusedServingRequest } from '../../cluster/servingrequests.ts';
import type { ExposedAccounts } from '../apiside/shownaccounts.ts';
import type { Look } from '../certificates.ts';
import type { NodeFacts } from './nodefacts.ts';
import type { KubeletFlags, ServerInstallation } from './serverflags.ts';

/** The message of the server about its last scrape. */
export interface ServersWord {
  /** An ExplanationCode of `kubelet/explain/`, or a reason such as NotReported. */
  readonly code: string;
  readonly message: string;
}

/** Read through kube-apiserver's node proxy, as the server would. */
export type ProxyReading =
  | {
      readonly kind: 'read';
      /** Why /metrics/resource is needed instead of /metrics/cadvisor. */
      readonly fallback: string | undefined;
      /** How the kubelet's clock differs from ours, in words; undefined within the limit. */
      readonly skew: string | undefined;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly what: string };

export interface KubeletEvidence {
  readonly node: NodeFacts;
  /** Those that the server would use. */
  readonly addresses: AddressCandidates;
  /** Name of a CertificateSigningRequest that awaits approval. */
  readonly pendingRequest: string | undefined;
  /** Its newest request, where that leads to no certificate. */
  readonly refusedRequest: RefusedServingRequest | undefined;
  /** Time of the usage served, milliseconds since the epoch; `missing`, or undefined if that could not be read. */
  readonly served: { readonly atMs: number; readonly isZero: boolean } | 'missing' | undefined;
  readonly serversWord: ServersWord | undefined;
  readonly look: Look | undefined;
  readonly proxy: ProxyReading | undefined;
  /** Undefined if it was not read. */
  readonly config: KubeletConfig | undefined;
}

/** Parts of a KubeletConfiguration. */
export interface KubeletConfig {
  readonly runtimeEndpoint: string | undefined;
  /** Whether kube-apiserver reviews tokens for it (authentication.webhook.enabled). */
  readonly hasWebhook: boolean | undefined;
}

export interface Surroundings {
  readonly installation: ServerInstallation | undefined;
  readonly exposed: ExposedAccounts;
  /** Nodes of the server's pods. */
  readonly serverNodes: ReadonlySet<string>;
  readonly flags: KubeletFlags;
  readonly nowMs: number;
}
