/** Lists the problems of kubelets. */
import type { Severity } from '../finding.ts';
import type { KubeletEvidence, Surroundings } from './kubeletevidence.ts';

export const kubeletCodes = [
  'node-not-ready',
  'node-no-address',
  'node-usage-missing',
  'node-one-sample',
  'node-usage-old',
  'node-usage-zero',
  'node-without-kubelet',
  'kubelet-port-differs',
  'kubelet-request-pending',
  'kubelet-request-refused',
  'kubelet-certificate-expired',
  'kubelet-certificate-expires',
  'kubelet-certificate-untrusted',
  'kubelet-certificate-names',
  'kubelet-key-changed',
  'kubelet-key-unrecorded',
  'kubelet-pins-full',
  'kubelet-unauthorized',
  'kubelet-forbidden',
  'kubelet-refuses-connections',
  'kubelet-unreachable',
  'kubelet-name-unknown',
  'kubelet-is-own-fargate',
  'kubelet-clock',
  'kubelet-failing',
  'cadvisor-unlabelled',
  'cadvisor-unusable',
  'kubelets-not-verified',
  'kubelets-not-scraped',
] as const;

export type KubeletCode = (typeof kubeletCodes)[number];

/** Nodes with equal code and words are one finding. */
export interface KubeletProblem {
  readonly code: KubeletCode;
  readonly severity: Severity;
  /** Names no node. */
  readonly words: string;
  readonly evidence: string | undefined;
  readonly remedy: (nodes: readonly KubeletEvidence[], around: Surroundings) => string | undefined;
}
