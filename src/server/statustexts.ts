/** Sentences of the server's report that `kubegauge status` and the page both show. They load nothing of what serves it. */
import type { KubeletIdentityReport } from './statuspage.ts';

/** Returns the credentials that kubelets get as a sentence, without a period. */
export function kubeletIdentityText({ sent, account, reason }: KubeletIdentityReport): string {
  const because = reason === undefined ? '' : `: ${reason}`;
  if (sent === 'account') return `kubelets get tokens of ServiceAccount ${account}${because}`;
  return `kubelets get ${sent === 'own' ? 'our own token' : 'no token'}${because}`;
}

/** @param reason why /metrics/cadvisor does not do. */
export function fallbackText(reason: string): string {
  return `served from /metrics/resource: ${reason}`;
}

export function foreignPodsText(pods: number): string {
  return `reports pods of other nodes, which are not served: ${pods}`;
}
