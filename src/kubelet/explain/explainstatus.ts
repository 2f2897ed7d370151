/** Says in the words of whoever runs the cluster what an answer other than 200 means. */
import type { KubeletResponse } from '../client.ts';
import type { Explanation, ExplanationCode } from './explanation.ts';
import { explainProxyStatus } from './explainproxystatus.ts';
import { kubeletOf } from './kubeleterror.ts';
import { quote } from './excerpt.ts';
import { grant } from './rights.ts';

/** What has to be known of an answer to explain it. */
type Refusal = Pick<KubeletResponse, 'via' | 'address' | 'status' | 'body'>;

export function explainStatus(node: string, refusal: Refusal): Explanation {
  const { via, address, status, body } = refusal;
  const code = codes.get(status) ?? (status >= 500 ? 'ServerError' : 'UnexpectedStatus');
  if (via === 'apiserver') return explainProxyStatus(node, code, refusal);
  const text = quote(body);
  return {
    code,
    what: `${kubeletOf({ node, via, address })} answers ${status}${text === '' ? '' : `: ${text}`}`,
    remedy: remedyOf(status, text),
  };
}

const codes: ReadonlyMap<number, ExplanationCode> = new Map([
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'NotFound'],
]);

function remedyOf(status: number, text: string): string | undefined {
  if (status === 401) {
    return 'it does not accept our credentials: is webhook token authentication on (authentication.webhook.enabled: true in its configuration), and the token from its cluster?';
  }
  return status === 403 ? `${grant(rightIn(text))}; kubelets remember a refusal for 30 s` : undefined;
}

/** Kubelets name the subresource that they asked kube-apiserver about; it is another one than metrics for paths outside /metrics. */
function rightIn(text: string): string {
  const subresource = /subresource\(s\)=\[(?:\w+ )*(\w+)\]/.exec(text)?.[1];
  return `nodes/${subresource ?? 'metrics'}`;
}
