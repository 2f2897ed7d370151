/** Explains a kubelet's status other than 200. */
import type { ErrorResponse } from './errorresponse.ts';
import type { Explanation, ExplanationCode } from './explanation.ts';
import { explainProxyStatus } from './explainproxystatus.ts';
import { kubeletOf } from './kubeleterror.ts';
import { quote } from './excerpt.ts';
import { grant } from './rights.ts';

export function explainStatus(node: string, response: ErrorResponse): Explanation {
  const { via, address, status, body } = response;
  const code = codes.get(status) ?? (status >= 500 ? 'ServerError' : 'UnexpectedStatus');
  if (via === 'apiserver') return explainProxyStatus(node, code, response);
  const text = quote(body);
  return {
    code,
    what: `${kubeletOf({ node, via, address })} returned ${status}${text === '' ? '' : `: ${text}`}`,
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
    return 'it rejected our credentials: check that webhook token authentication is on (authentication.webhook.enabled: true in its configuration), and that the token is of its cluster';
  }
  return status === 403
    ? `${grant(rightIn(text), 'the ServiceAccount of --kubelet-service-account, or without it ours,')}; kubelets cache a denial for 30 s`
    : undefined;
}

/** The right that the kubelet checked; outside /metrics its subresource is not `metrics`. */
function rightIn(text: string): string {
  const subresource = /subresource\(s\)=\[(?:\w+ )*(\w+)\]/.exec(text)?.[1];
  return `nodes/${subresource ?? 'metrics'}`;
}
