/** Failures of kubelet connections: symptom, message, remedy. */
import { outOfFilesRemedy } from '../../logging.ts';
import { lookupErrorCode } from '../../dns/address.ts';
import type { ExplanationCode } from './explanation.ts';
import { type Attempt, kubeletOf } from './kubeleterror.ts';
import { quote } from './excerpt.ts';

export interface Fault {
  /** Error codes of Node, OpenSSL and undici; names of errors without a code. */
  readonly symptoms: readonly string[];
  readonly code: ExplanationCode;
  readonly what: (attempt: Attempt, error: Error) => string;
  readonly remedy: string | ((attempt: Attempt) => string) | undefined;
}

/** Certificates not signed by the cluster's CA. */
export const requestCertificate =
  'let the kubelet request a certificate from the cluster (serverTLSBootstrap: true in its configuration, then `kubectl get csr` and `kubectl certificate approve <name>`)';

/** A serving certificate that was not approved. */
export const approveCertificates =
  '`kubectl get csr` shows it as Pending, `kubectl certificate approve <name>` approves it; with serverTLSBootstrap: true, an approver is needed for every node';

/** A response that is too large. */
export const leakedCgroups = 'check the node for leaked cgroups';

const strongKey = 'a key of RSA of 2048 bits or more, or of ECDSA on P-256 or larger';

const table: readonly Fault[] = [
  {
    symptoms: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    code: 'CertificateNamesNeither',
    what: (attempt, error) =>
      `the certificate of ${kubeletOf(attempt)} is for neither that address nor the node's name: it names ${namesIn(error)}`,
    remedy: `${requestCertificate}, or put an address type that it names first in --kubelet-preferred-address-types`,
  },
  {
    symptoms: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
    code: 'UnknownAuthority',
    what: (attempt) =>
      `the certificate of ${kubeletOf(attempt)} is self-signed, or signed by a CA that it sent along and that is not trusted`,
    remedy: `${requestCertificate}, or set --kubelet-certificate-authority to a file with its CA`,
  },
  {
    symptoms: [
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
      'CERT_SIGNATURE_FAILURE',
      'CERT_UNTRUSTED',
      'INVALID_CA',
    ],
    code: 'UnknownAuthority',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} is signed by a CA that is not trusted`,
    remedy: `set --kubelet-certificate-authority to a file with the CA that signed it, or ${requestCertificate}`,
  },
  {
    symptoms: ['CERT_HAS_EXPIRED'],
    code: 'CertificateExpired',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} has expired`,
    remedy:
      'check whether its renewal awaits approval (`kubectl get csr`, then `kubectl certificate approve <name>`), and whether the clock of our node is right',
  },
  {
    symptoms: ['CERT_NOT_YET_VALID'],
    code: 'CertificateNotYetValid',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} is not valid yet by our clock`,
    remedy: 'synchronise the clocks of that node, of our node and of the signer by NTP',
  },
  {
    symptoms: ['INVALID_PURPOSE'],
    code: 'CertificateNotForServers',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} is not a server certificate`,
    remedy: `give the kubelet a certificate with the extended key usage "server auth": ${requestCertificate}`,
  },
  {
    symptoms: ['ERR_KUBELET_KEY_CHANGED'],
    code: 'KubeletKeyChanged',
    what: (attempt, error) => `${kubeletOf(attempt)} ${error.message}`,
    remedy: ({ node }) =>
      `if its certificate was replaced on purpose, run \`kubegauge trust ${node}\`; otherwise find out what answers at that address`,
  },
  {
    symptoms: ['ERR_KUBELET_PINS_FULL'],
    code: 'KubeletPinsFull',
    what: (attempt, error) => `${kubeletOf(attempt)} ${error.message}`,
    remedy: `pins of nodes that are gone make room within minutes; beyond about 7,000 nodes, ${requestCertificate}`,
  },
  {
    symptoms: ['ERR_KUBELET_KEY_UNRECORDED'],
    code: 'KubeletKeyUnrecorded',
    what: (attempt, error) => `${kubeletOf(attempt)} ${error.message}`,
    remedy:
      'it is tried again at each scrape; the ConfigMap and the right to get and update it are in manifests/components/kubelet-pins',
  },
  {
    symptoms: ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'],
    // Go's alert without a certificate: a kubelet has none until its request is approved.
    code: 'ServingCertificatePending',
    what: (attempt) =>
      `${kubeletOf(attempt)} ended the handshake with "tls: internal error": most likely it has no serving certificate, because its signing request is not approved`,
    remedy: approveCertificates,
  },
  {
    symptoms: [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
      'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
      'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN',
    ],
    code: 'ClientCertificateRefused',
    what: (attempt) => `${kubeletOf(attempt)} rejected our client certificate, or requires one`,
    remedy:
      'use a client certificate signed by the CA in authentication.x509.clientCAFile of its configuration: set --kubelet-client-certificate and --kubelet-client-key, or those of the kubeconfig',
  },
  {
    symptoms: [
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    ],
    code: 'NoCommonTls',
    what: (attempt) => `${kubeletOf(attempt)} has no TLS version or cipher suite in common with this server`,
    // RSA with 512 bits is too small for every signature algorithm of TLS 1.3.
    remedy: `allow TLS 1.2 or 1.3: check tlsMinVersion and tlsCipherSuites in its configuration, and that its certificate has ${strongKey}`,
  },
  {
    symptoms: ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_PEER_NOT_TLS'],
    code: 'NotTls',
    what: ({ node, address }) =>
      `the server at ${address}, the address of the kubelet of node ${node}, does not speak TLS`,
    remedy: portRemedy('check whether it is the kubelet'),
  },
  {
    symptoms: ['HTTPParserError', 'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'HttpError'],
    code: 'NotHttp',
    what: ({ node, address }) =>
      `the server at ${address}, the address of the kubelet of node ${node}, does not speak HTTP/1.1`,
    remedy: portRemedy('check whether it is the kubelet'),
  },
  {
    symptoms: ['ECONNREFUSED'],
    code: 'ConnectionRefused',
    what: ({ node, address }) => `nothing listens at ${address}, the address of the kubelet of node ${node}`,
    remedy: portRemedy('check whether the kubelet runs'),
  },
  {
    symptoms: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ConnectionLostError'],
    code: 'ConnectionLost',
    what: (attempt) => `${kubeletOf(attempt)} closed the connection before its response was complete`,
    remedy: 'if it persists, check whether the kubelet restarts, or whether something in between closes connections',
  },
  {
    symptoms: ['UND_ERR_CONNECT_TIMEOUT', 'ConnectTimeoutError', 'ETIMEDOUT'],
    code: 'ConnectTimeout',
    what: (attempt) => `no connection within ${attempt.timeoutMs} ms to ${kubeletOf(attempt)}`,
    remedy:
      'allow our pod to connect to this TCP port of every node: check NetworkPolicies, firewalls and security groups; if only kube-apiserver may connect, set --kubelet-connection=proxy',
  },
  {
    symptoms: ['TimeoutError', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
    code: 'Timeout',
    what: (attempt) => `no response within ${attempt.timeoutMs} ms from ${kubeletOf(attempt)}`,
    remedy: 'check whether the node is overloaded; --kubelet-request-timeout sets a longer timeout',
  },
  {
    symptoms: [lookupErrorCode, 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'],
    code: 'NameUnknown',
    what: ({ node, address }, error) =>
      `${error.message}; it is the name in ${address}, the address of the kubelet of node ${node}`,
    remedy:
      'put InternalIP first in --kubelet-preferred-address-types, or add the name to the DNS of our pod (/etc/resolv.conf and /etc/hosts are read)',
  },
  {
    symptoms: ['EHOSTUNREACH', 'ENETUNREACH'],
    code: 'Unreachable',
    what: (attempt) => `there is no route to ${kubeletOf(attempt)}`,
    remedy:
      'put an address type that our pod can reach first in --kubelet-preferred-address-types; if only kube-apiserver can reach nodes, set --kubelet-connection=proxy',
  },
  {
    symptoms: ['Z_DATA_ERROR', 'Z_BUF_ERROR'],
    code: 'BodyBroken',
    what: (attempt) => `the compressed body from ${kubeletOf(attempt)} is broken`,
    remedy: 'if it persists, set --kubelet-compression=false, and check what compresses in between',
  },
  {
    symptoms: ['EndlessAnswerError'],
    code: 'BodyBroken',
    what: (attempt) =>
      `the response of ${kubeletOf(attempt)} has neither a Content-Length nor chunks, so it may have been cut off`,
    remedy: 'check what responds at that address: every kubelet sends one of them',
  },
  {
    symptoms: ['EMFILE', 'ENFILE'],
    code: 'OutOfFiles',
    what: ({ node, address }) =>
      `no connection to ${address} for node ${node}: this server has as many files and connections open as it may`,
    remedy: outOfFilesRemedy,
  },
  {
    symptoms: ['EE certificate key too weak', 'CA certificate key too weak'],
    code: 'WeakKey',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)}, or that of its CA, has a key that is too weak`,
    remedy: `replace it by one with ${strongKey}`,
  },
  {
    // See tls/handshakeguard.ts.
    symptoms: ['ERR_PEER_CERTIFICATE'],
    code: 'WeakKey',
    what: (attempt) =>
      `${kubeletOf(attempt)} sent a certificate chain that is rejected: a key is weak, too large or of an unknown kind, or there are too many certificates`,
    remedy: `replace it by one with ${strongKey}`,
  },
  {
    symptoms: ['CA signature digest algorithm too weak'],
    code: 'WeakKey',
    what: (attempt) =>
      `the certificate of ${kubeletOf(attempt)}, or that of its CA, is signed with a hash that is too weak`,
    remedy: 'sign it again with SHA-256 or better',
  },
  {
    symptoms: ['ERR_SSL_DH_KEY_TOO_SMALL', 'ERR_SSL_BAD_DH_VALUE', 'ERR_SSL_MODULUS_TOO_SMALL'],
    code: 'WeakKey',
    what: (attempt) => `${kubeletOf(attempt)} uses Diffie-Hellman parameters that are too weak`,
    remedy: 'configure ECDHE cipher suites, or parameters of 2048 bits or more',
  },
  {
    // Our own certificate, before there is a connection.
    symptoms: ['ERR_SSL_EE_KEY_TOO_SMALL', 'ERR_SSL_CA_KEY_TOO_SMALL', 'ERR_SSL_CA_MD_TOO_WEAK'],
    code: 'WeakKey',
    what: (attempt) => `our client certificate for ${kubeletOf(attempt)} has a key, or a signature, that is too weak`,
    remedy: `replace the certificate in --kubelet-client-certificate, or in the kubeconfig, by one with ${strongKey}, signed with SHA-256`,
  },
];

function portRemedy(check: string): string {
  return `${check}; --kubelet-use-node-status-port uses the port of the Node's status, --kubelet-port sets one for all nodes`;
}

/** Signed by a trusted CA, so they may be shown. */
function namesIn(error: Error): string {
  const { cert } = error as { readonly cert?: { readonly subjectaltname?: string } };
  const names = cert?.subjectaltname ?? '';
  return names === '' ? 'nothing (it has no subject alternative names)' : quote(names, namesLimit);
}

/** Characters. */
const namesLimit = 200;

/** Faults by symptom. */
export const faults: ReadonlyMap<string, Fault> = new Map(
  table.flatMap((fault) => fault.symptoms.map((symptom) => [symptom, fault])),
);
