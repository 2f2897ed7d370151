/** Says in the words of whoever runs the cluster what a kubelet's answer other than 200 means. */
import type { KubeletResponse } from './client.ts';
import type { Explanation, ExplanationCode } from './explain.ts';
import { kubeletOf } from './failure.ts';

export function explainStatus(node: string, { address, status, body }: Refusal): Explanation {
  const quote = quoteOf(body);
  return {
    code: codeOf(status),
    what: `${kubeletOf({ node, address })} answers ${status}${quote === '' ? '' : `: ${quote}`}`,
    remedy: remedyOf(status, quote),
  };
}

/** What has to be known of an answer to explain it. */
type Refusal = Pick<KubeletResponse, 'address' | 'status' | 'body'>;

function codeOf(status: number): ExplanationCode {
  return codes.get(status) ?? (status >= 500 ? 'ServerError' : 'UnexpectedStatus');
}

const codes: ReadonlyMap<number, ExplanationCode> = new Map([
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
]);

function remedyOf(status: number, quote: string): string | undefined {
  if (status === 401) {
    return 'it does not accept our credentials: is webhook token authentication on (authentication.webhook.enabled: true in its configuration), and the token from its cluster?';
  }
  if (status !== 403) return undefined;
  const right = rightIn(quote);
  return `give our ServiceAccount the right to get ${right}: a ClusterRole rule {apiGroups: [""], resources: [${right}], verbs: [get]}; kubelets remember a refusal for 30 s`;
}

/** Kubelets name the subresource that they asked kube-apiserver about; it is another one than metrics for paths outside /metrics. */
function rightIn(quote: string): string {
  const subresource = /subresource\(s\)=\[(?:\w+ )*(\w+)\]/.exec(quote)?.[1];
  return `nodes/${subresource ?? 'metrics'}`;
}

function quoteOf(body: Buffer): string {
  return body
    .subarray(0, quotedBytes)
    .toString('latin1')
    .replaceAll(/[^\x21-\x7e]+/g, ' ')
    .trim();
}

/** How much of an error body is quoted. */
const quotedBytes = 200;
