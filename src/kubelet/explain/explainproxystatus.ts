/** Explains a status through the node proxy: it is kube-apiserver's or the kubelet's. */
import { field, parseJson, text } from '../../client/json.ts';
import type { ErrorResponse } from './errorresponse.ts';
import type { Explanation, ExplanationCode } from './explanation.ts';
import { approveCertificates, requestCertificate } from './faults.ts';
import { kubeletOf } from './kubeleterror.ts';
import { quote } from './excerpt.ts';
import { grant } from './rights.ts';

/** @param code of the status alone. */
export function explainProxyStatus(node: string, code: ExplanationCode, response: ErrorResponse): Explanation {
  const { via, address, status, body } = response;
  const message = messageIn(body);
  if (message === undefined) {
    const what = `${kubeletOf({ node, via, address })} returned ${status}: ${quote(body)}`;
    return { code, what, remedy: remediesAtKubelet.get(code) };
  }
  const fault = faultsBehind.find(({ words }) => words.test(message));
  return {
    code: fault?.code ?? code,
    what: `kube-apiserver at ${address} returned ${status} for the kubelet of node ${node}: ${quote(message)}`,
    remedy: fault?.remedy ?? (code === 'Forbidden' ? allowProxy(message) : remediesAtApiServer.get(code)),
  };
}

/** Kubelets never send a Status. */
function messageIn(body: Buffer): string | undefined {
  if (body.length > statusLimitBytes) return undefined;
  const status = parseJson(body);
  return field(status, 'kind') === 'Status' ? (text(field(status, 'message')) ?? '') : undefined;
}

/** A Status has a few hundred bytes. */
const statusLimitBytes = 64 * 1024;

const remediesAtApiServer: ReadonlyMap<ExplanationCode, string> = new Map([
  [
    'Unauthorized',
    'it rejected our credentials: check that the token, or the kubeconfig, is of this cluster and still valid',
  ],
]);

/**
 * The account is in kube-apiserver's message. Kubelets got the token of metrics-server's, and get it again after a way
 * back, and each of them could use the right on all nodes.
 */
function allowProxy(message: string): string {
  if (!/"system:serviceaccount:[^":]+:metrics-server"/.test(message))
    return `${grant('nodes/proxy')}, which manifests/components/kubelet-proxy has`;
  return (
    'apply manifests/ with manifests/components/kubelet-proxy, where the server runs as ServiceAccount kubegauge; ' +
    "do not give nodes/proxy to metrics-server's account: its token goes to kubelets with metrics-server, and the right is as good as root on the nodes"
  );
}

/** kube-apiserver authenticates by its own client certificate. */
const remediesAtKubelet: ReadonlyMap<ExplanationCode, string> = new Map([
  [
    'Unauthorized',
    "it rejected kube-apiserver's credentials: the CA in authentication.x509.clientCAFile of the kubelet has to sign --kubelet-client-certificate of kube-apiserver",
  ],
  [
    'Forbidden',
    "give the user in kube-apiserver's --kubelet-client-certificate the ClusterRole system:kubelet-api-admin",
  ],
]);

interface FaultBehind {
  /** Go's error, in kube-apiserver's message. */
  readonly words: RegExp;
  readonly code: ExplanationCode;
  readonly remedy: string;
}

const reach = 'kube-apiserver has to reach the kubelet';

const faultsBehind: readonly FaultBehind[] = [
  {
    words: /certificate signed by unknown authority/,
    code: 'UnknownAuthority',
    remedy: `kube-apiserver verifies kubelets by its own --kubelet-certificate-authority; add the CA that signed it there, or ${requestCertificate}`,
  },
  {
    words: /doesn't contain any IP SANs|certificate is (?:not )?valid for |legacy Common Name field/,
    code: 'CertificateNamesNeither',
    remedy: `${requestCertificate}; kube-apiserver requires the address in it, not the node's name`,
  },
  {
    words: /certificate has expired or is not yet valid/,
    code: 'CertificateExpired',
    remedy: 'check whether its renewal awaits approval (`kubectl get csr`), and the clocks (NTP)',
  },
  { words: /remote error: tls: internal error/, code: 'ServingCertificatePending', remedy: approveCertificates },
  { words: /connection refused/, code: 'ConnectionRefused', remedy: `${reach}: check whether the kubelet runs` },
  {
    words: /no route to host|network is unreachable|No agent available/,
    code: 'Unreachable',
    remedy: `${reach}: check its routes, or the konnectivity agents`,
  },
  {
    words: /i\/o timeout|TLS handshake timeout|context deadline exceeded/,
    code: 'ConnectTimeout',
    remedy: `${reach}: check firewalls and security groups between them`,
  },
  {
    words: /no such host/,
    code: 'NameUnknown',
    remedy: `${reach}: put InternalIP first in its --kubelet-preferred-address-types`,
  },
  {
    words: /no preferred addresses found/,
    code: 'NoAddress',
    remedy: "check .status.addresses of the Node and kube-apiserver's --kubelet-preferred-address-types",
  },
];
