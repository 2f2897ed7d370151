/** What can go wrong between us and a kubelet, by what it is told by, in the words of whoever runs the cluster. */
import { outOfFilesRemedy } from '../../logging.ts';
import { lookupErrorCode } from '../../dns/address.ts';
import type { ExplanationCode } from './explanation.ts';
import { type Attempt, kubeletOf } from './kubeleterror.ts';
import { quote } from './excerpt.ts';

export interface Fault {
  /** Codes of Node, OpenSSL and undici; names of errors that have no code, as ours. */
  readonly symptoms: readonly string[];
  readonly code: ExplanationCode;
  readonly what: (attempt: Attempt, error: Error) => string;
  readonly remedy: string | undefined;
}

/** How a kubelet gets a certificate that the cluster's CA has signed. */
export const askForCertificates =
  'let the kubelet ask the cluster for a certificate (serverTLSBootstrap: true in its configuration, then `kubectl get csr` and `kubectl certificate approve <name>`)';

/** What a kubelet without a serving certificate waits for. */
export const approveCertificates =
  '`kubectl get csr` shows it as Pending, `kubectl certificate approve <name>` approves it; with serverTLSBootstrap: true something has to do so for every node';

/** What makes an answer too large. */
export const leakedCgroups = 'look for leaked cgroups on the node';

const strongKey = 'RSA of 2048 bits and more, or ECDSA with P-256 and more';

const table: readonly Fault[] = [
  {
    symptoms: ['ERR_TLS_CERT_ALTNAME_INVALID'],
    code: 'CertificateNamesNeither',
    what: (attempt, error) =>
      `the certificate of ${kubeletOf(attempt)} is for neither that address nor the node's name: it names ${namesIn(error)}`,
    remedy: `${askForCertificates}, or put the type of an address that it names first in --kubelet-preferred-address-types`,
  },
  {
    symptoms: ['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN'],
    code: 'UnknownAuthority',
    what: (attempt) =>
      `the certificate of ${kubeletOf(attempt)} is signed by itself, or by an authority that it brings along and that we do not trust`,
    remedy: `${askForCertificates}, or name a file with its CA in --kubelet-certificate-authority`,
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
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} is signed by an authority that we do not trust`,
    remedy: `name a file with the CA that signed it in --kubelet-certificate-authority, or ${askForCertificates}`,
  },
  {
    symptoms: ['CERT_HAS_EXPIRED'],
    code: 'CertificateExpired',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} has expired`,
    remedy:
      'look whether its renewal waits for approval (`kubectl get csr`, then `kubectl certificate approve <name>`) and whether our clock is right',
  },
  {
    symptoms: ['CERT_NOT_YET_VALID'],
    code: 'CertificateNotYetValid',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} is not valid yet by our clock`,
    remedy: 'synchronise the clocks of that node, of ours and of whoever signed it (NTP)',
  },
  {
    symptoms: ['INVALID_PURPOSE'],
    code: 'CertificateNotForServers',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)} is not one for servers`,
    remedy: `give the kubelet one with the usage "server auth": ${askForCertificates}`,
  },
  {
    symptoms: ['ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR'],
    // Go ends the handshake so when it finds no certificate to show; a kubelet has none until its request is approved.
    code: 'ServingCertificatePending',
    what: (attempt) =>
      `${kubeletOf(attempt)} breaks off with "tls: internal error": most likely it has no serving certificate, because its signing request is not approved`,
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
    what: (attempt) => `${kubeletOf(attempt)} does not accept our client certificate, or wants one`,
    remedy:
      'show it one that authentication.x509.clientCAFile of its configuration has signed: --kubelet-client-certificate and --kubelet-client-key, or the kubeconfig',
  },
  {
    symptoms: [
      'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
      'ERR_SSL_UNSUPPORTED_PROTOCOL',
      'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE',
    ],
    code: 'NoCommonTls',
    what: (attempt) => `${kubeletOf(attempt)} and we have no TLS version or cipher suite in common`,
    // A server with RSA of 512 bits finds no signature algorithm of TLS 1.3 that its key is large enough for.
    remedy: `look at tlsMinVersion and tlsCipherSuites in its configuration, and whether its certificate has ${strongKey}; we speak TLS 1.2 and 1.3`,
  },
  {
    symptoms: ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_PEER_NOT_TLS'],
    code: 'NotTls',
    what: ({ node, address }) => `what listens at ${address} speaks no TLS; the kubelet of node ${node} should`,
    remedy: portRemedy('is it the kubelet?'),
  },
  {
    symptoms: ['HTTPParserError', 'UND_ERR_HEADERS_OVERFLOW', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'HttpError'],
    code: 'NotHttp',
    what: ({ node, address }) => `what listens at ${address} speaks no HTTP/1.1; the kubelet of node ${node} should`,
    remedy: portRemedy('is it the kubelet?'),
  },
  {
    symptoms: ['ECONNREFUSED'],
    code: 'ConnectionRefused',
    what: ({ node, address }) => `nothing listens at ${address}, where the kubelet of node ${node} should`,
    remedy: portRemedy('does it run?'),
  },
  {
    symptoms: ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ConnectionLostError'],
    code: 'ConnectionLost',
    what: (attempt) => `${kubeletOf(attempt)} broke the connection off before its answer was whole`,
    remedy: 'if it stays so: does the kubelet restart, or does something between it and us end connections?',
  },
  {
    symptoms: ['UND_ERR_CONNECT_TIMEOUT', 'ConnectTimeoutError', 'ETIMEDOUT'],
    code: 'ConnectTimeout',
    what: (attempt) => `no connection within ${attempt.timeoutMs} ms to ${kubeletOf(attempt)}`,
    remedy:
      'let our pod reach this TCP port of every node: look at NetworkPolicies, firewalls and security groups; where only kube-apiserver may reach it: --kubelet-connection=proxy',
  },
  {
    symptoms: ['TimeoutError', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
    code: 'Timeout',
    what: (attempt) => `no answer within ${attempt.timeoutMs} ms from ${kubeletOf(attempt)}`,
    remedy: 'is the node overloaded? --kubelet-request-timeout lets it take longer',
  },
  {
    symptoms: [lookupErrorCode, 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'],
    code: 'NameUnknown',
    what: ({ node, address }, error) =>
      `${error.message}; it is the name in ${address}, where the kubelet of node ${node} should be`,
    remedy:
      'put InternalIP before the names in --kubelet-preferred-address-types, or add the name to the DNS of our pod (its /etc/resolv.conf and /etc/hosts are read)',
  },
  {
    symptoms: ['EHOSTUNREACH', 'ENETUNREACH'],
    code: 'Unreachable',
    what: (attempt) => `there is no route to ${kubeletOf(attempt)}`,
    remedy:
      'put a type of address that our pod can reach first in --kubelet-preferred-address-types; where only kube-apiserver reaches nodes: --kubelet-connection=proxy',
  },
  {
    symptoms: ['Z_DATA_ERROR', 'Z_BUF_ERROR'],
    code: 'BodyBroken',
    what: (attempt) => `the compressed body from ${kubeletOf(attempt)} is broken`,
    remedy: undefined,
  },
  {
    symptoms: ['EndlessAnswerError'],
    code: 'BodyBroken',
    what: (attempt) =>
      `the answer of ${kubeletOf(attempt)} has neither Content-Length nor chunks, so it may have been cut off`,
    remedy: 'let whatever answers there send one of both, as every kubelet does',
  },
  {
    symptoms: ['EMFILE', 'ENFILE'],
    code: 'OutOfFiles',
    what: ({ node, address }) =>
      `no connection to ${address} for node ${node}: our process has as many files and connections open as it may`,
    remedy: outOfFilesRemedy,
  },
  {
    symptoms: ['EE certificate key too weak', 'CA certificate key too weak'],
    code: 'WeakKey',
    what: (attempt) => `the certificate of ${kubeletOf(attempt)}, or that of its CA, has a key that is too weak`,
    remedy: `make it anew with ${strongKey}`,
  },
  {
    // See tls/handshakeguard.ts.
    symptoms: ['ERR_PEER_CERTIFICATE'],
    code: 'WeakKey',
    what: (attempt) =>
      `${kubeletOf(attempt)} shows a certificate, or one with it, that is not read: its key is weak, too large or of an unknown kind, or there are too many`,
    remedy: `make it anew with ${strongKey}`,
  },
  {
    symptoms: ['CA signature digest algorithm too weak'],
    code: 'WeakKey',
    what: (attempt) =>
      `the certificate of ${kubeletOf(attempt)}, or that of its CA, is signed with a digest that is too weak`,
    remedy: 'sign it anew with SHA-256 or better',
  },
  {
    symptoms: ['ERR_SSL_DH_KEY_TOO_SMALL', 'ERR_SSL_BAD_DH_VALUE', 'ERR_SSL_MODULUS_TOO_SMALL'],
    code: 'WeakKey',
    what: (attempt) => `${kubeletOf(attempt)} uses Diffie-Hellman parameters that are too weak`,
    remedy: 'let it use ECDHE cipher suites, or parameters of 2048 bits and more',
  },
  {
    // Thrown when our own certificate is read, before there is a connection.
    symptoms: ['ERR_SSL_EE_KEY_TOO_SMALL', 'ERR_SSL_CA_KEY_TOO_SMALL', 'ERR_SSL_CA_MD_TOO_WEAK'],
    code: 'WeakKey',
    what: (attempt) => `our client certificate for ${kubeletOf(attempt)} has a key, or a signature, that is too weak`,
    remedy: `make the certificate in --kubelet-client-certificate, or in the kubeconfig, anew with ${strongKey} and SHA-256`,
  },
];

function portRemedy(question: string): string {
  return `${question} --kubelet-use-node-status-port takes the port of the Node's status, --kubelet-port sets one for all`;
}

/** The names in the certificate that the error is about; a CA that we trust signed it, so they may be shown. */
function namesIn(error: Error): string {
  const { cert } = error as { readonly cert?: { readonly subjectaltname?: string } };
  const names = cert?.subjectaltname ?? '';
  return names === '' ? 'nothing (it has no subject alternative names)' : quote(names, namesLimit);
}

const namesLimit = 200;

/** Faults by symptom. */
export const faults: ReadonlyMap<string, Fault> = new Map(
  table.flatMap((fault) => fault.symptoms.map((symptom) => [symptom, fault])),
);
