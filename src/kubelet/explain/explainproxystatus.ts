/** Says what an answer other than 200 means that came by way of kube-apiserver: it is kube-apiserver's own, or the kubelet's to kube-apiserver. */
import { field, text } from '../../client/json.ts';
import type { KubeletResponse } from '../client.ts';
import type { Explanation, ExplanationCode } from './explanation.ts';
import { approveCertificates, askForCertificates } from './faults.ts';
import { kubeletOf } from './kubeleterror.ts';
import { quote } from './excerpt.ts';
import { grant } from './rights.ts';

/** @param code what the status alone says. */
export function explainProxyStatus(node: string, code: ExplanationCode, refusal: Refusal): Explanation {
  const { via, address, status, body } = refusal;
  const message = messageIn(body);
  if (message === undefined) {
    const what = `${kubeletOf({ node, via, address })} answers ${status}: ${quote(body)}`;
    return { code, what, remedy: remediesAtKubelet.get(code) };
  }
  const fault = faultsBehind.find(({ words }) => words.test(message));
  return {
    code: fault?.code ?? code,
    what: `kube-apiserver at ${address} answers ${status} for the kubelet of node ${node}: ${quote(message)}`,
    remedy: fault?.remedy ?? remediesAtApiServer.get(code),
  };
}

type Refusal = Pick<KubeletResponse, 'via' | 'address' | 'status' | 'body'>;

/** kube-apiserver answers with a Status, kubelets never do. */
function messageIn(body: Buffer): string | undefined {
  if (body.length > statusLimitBytes) return undefined;
  try {
    const status: unknown = JSON.parse(body.toString('utf8'));
    return field(status, 'kind') === 'Status' ? (text(field(status, 'message')) ?? '') : undefined;
  } catch {
    return undefined;
  }
}

/** A Status is a few hundred bytes. */
const statusLimitBytes = 64 * 1024;

const remediesAtApiServer: ReadonlyMap<ExplanationCode, string> = new Map([
  [
    'Unauthorized',
    'it does not accept our credentials: is the token, or the kubeconfig, one of this cluster and still valid?',
  ],
  ['Forbidden', `${grant('nodes/proxy')}, which manifests/components/kubelet-proxy has`],
]);

/** kube-apiserver shows kubelets a client certificate of its own, whoever asks. */
const remediesAtKubelet: ReadonlyMap<ExplanationCode, string> = new Map([
  [
    'Unauthorized',
    "it does not accept kube-apiserver's credentials: --kubelet-client-certificate of kube-apiserver has to be signed by authentication.x509.clientCAFile of the kubelet",
  ],
  [
    'Forbidden',
    "give the user in kube-apiserver's --kubelet-client-certificate the ClusterRole system:kubelet-api-admin",
  ],
]);

interface FaultBehind {
  /** Go's, in the message of kube-apiserver. */
  readonly words: RegExp;
  readonly code: ExplanationCode;
  readonly remedy: string;
}

const reach = 'it is kube-apiserver that has to reach the kubelet';

/** What kube-apiserver tells of its connection to the kubelet. */
const faultsBehind: readonly FaultBehind[] = [
  {
    words: /certificate signed by unknown authority/,
    code: 'UnknownAuthority',
    remedy: `kube-apiserver verifies kubelets by its own --kubelet-certificate-authority; name the CA that signed it there, or ${askForCertificates}`,
  },
  {
    words: /doesn't contain any IP SANs|certificate is (?:not )?valid for |legacy Common Name field/,
    code: 'CertificateNamesNeither',
    remedy: `${askForCertificates}; kube-apiserver wants the address in it, not the node's name`,
  },
  {
    words: /certificate has expired or is not yet valid/,
    code: 'CertificateExpired',
    remedy: 'look whether its renewal waits for approval (`kubectl get csr`) and whether the clocks are right (NTP)',
  },
  { words: /remote error: tls: internal error/, code: 'ServingCertificatePending', remedy: approveCertificates },
  { words: /connection refused/, code: 'ConnectionRefused', remedy: `${reach}: does the kubelet run?` },
  {
    words: /no route to host|network is unreachable|No agent available/,
    code: 'Unreachable',
    remedy: `${reach}: look at its routes, or at the konnectivity agents`,
  },
  {
    words: /i\/o timeout|TLS handshake timeout|context deadline exceeded/,
    code: 'ConnectTimeout',
    remedy: `${reach}: look at firewalls and security groups between them`,
  },
  {
    words: /no such host/,
    code: 'NameUnknown',
    remedy: `${reach}: put InternalIP first in its --kubelet-preferred-address-types`,
  },
  {
    words: /no preferred addresses found/,
    code: 'NoAddress',
    remedy: "look at .status.addresses of the Node and at kube-apiserver's --kubelet-preferred-address-types",
  },
];
