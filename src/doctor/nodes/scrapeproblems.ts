/** Explains failed scrapes by their codes: those of `kubelet/explain/`, or found in the log of metrics-server. */
import type { RefusedServingRequest } from '../../cluster/servingrequests.ts';
import { foreignText } from '../../foreigntext.ts';
import { pinsConfigMapName } from '../../kubelet/pins/pinconfigmap.ts';
import type { KubeletEvidence, Surroundings } from './kubeletevidence.ts';
import type { KubeletCode, KubeletProblem } from './kubeletproblem.ts';
import * as remedies from './kubeletremedies.ts';

interface ScrapeProblem {
  readonly code: KubeletCode;
  readonly words: string;
  readonly remedy: KubeletProblem['remedy'];
}

/** By ExplanationCode. Without an entry a code is no failure, such as OneSample. */
const problems: Readonly<Record<string, ScrapeProblem>> = {
  ServingCertificatePending: {
    code: 'kubelet-request-pending',
    words: 'it has no serving certificate: its request was denied, failed, or was removed before it was approved',
    remedy: remedies.restartKubelets,
  },
  UnknownAuthority: {
    code: 'kubelet-certificate-untrusted',
    words: "its serving certificate is self-signed, or of another CA than the cluster's",
    remedy: remedies.requestCertificates,
  },
  CertificateNamesNeither: {
    code: 'kubelet-certificate-names',
    words: 'its serving certificate is not for the address that is used',
    remedy: remedies.requestCertificates,
  },
  KubeletKeyChanged: {
    code: 'kubelet-key-changed',
    words:
      'its key is not the one that was pinned: trust the new one only if the certificate was replaced on purpose, for another host may answer at the address',
    remedy: remedies.trustKeys,
  },
  KubeletKeyUnrecorded: {
    code: 'kubelet-key-unrecorded',
    words: `its key could not be pinned, as the server cannot read or update the ConfigMap ${pinsConfigMapName}: /status has the reason`,
    remedy: remedies.allowPins,
  },
  KubeletPinsFull: {
    code: 'kubelet-pins-full',
    words: `its key could not be pinned, as the ConfigMap ${pinsConfigMapName} is full: pins of nodes that are gone leave within minutes, but there may be too many nodes`,
    remedy: remedies.requestCertificates,
  },
  CertificateExpired: {
    code: 'kubelet-certificate-expired',
    words: 'its serving certificate has expired',
    remedy: remedies.requestCertificates,
  },
  CertificateNotYetValid: {
    code: 'kubelet-clock',
    words: 'its serving certificate is not valid yet: the clock of the node, or of the server, is wrong',
    remedy: remedies.setClocks,
  },
  Unauthorized: {
    code: 'kubelet-unauthorized',
    words: 'it does not accept the token (401, or 403 for system:anonymous): webhook token authentication is off',
    remedy: remedies.switchWebhookOn,
  },
  // Not an ExplanationCode: 401, although the kubelet asks kube-apiserver.
  ReviewFailed: {
    code: 'kubelet-unauthorized',
    words:
      'it rejects the token (401), although webhook token authentication is on: the token is of another cluster, or the kubelet cannot have kube-apiserver review it',
    remedy: remedies.readKubeletLog,
  },
  Forbidden: {
    code: 'kubelet-forbidden',
    words: 'it denies access (403): the account lacks the right to get nodes/metrics',
    remedy: remedies.grantMetrics,
  },
  NameUnknown: {
    code: 'kubelet-name-unknown',
    words: "the server's DNS does not know the name that is its first address; use an address instead",
    remedy: remedies.preferInternalAddresses,
  },
  NoAddress: {
    code: 'node-no-address',
    words: 'its status has no address of the types in --kubelet-preferred-address-types',
    remedy: remedies.preferTypesOf,
  },
  ConnectionRefused: {
    code: 'kubelet-refuses-connections',
    words: 'nothing listens at the address and port that are used',
    remedy: remedies.tryPort,
  },
  ConnectTimeout: {
    code: 'kubelet-unreachable',
    words:
      'the server gets no connection: a NetworkPolicy, firewall or security group keeps its pod from this TCP port',
    remedy: remedies.tryPort,
  },
  // Not ExplanationCodes: metrics-server's log does not say whether there was a connection.
  NoAnswer: {
    code: 'kubelet-unreachable',
    words:
      'the server has no answer in time: a NetworkPolicy, firewall or security group drops its packets to this TCP port, or the kubelet is overloaded',
    remedy: remedies.tryPort,
  },
  PlainHttp: {
    code: 'kubelet-failing',
    words: 'the server sends plain HTTP to its TLS port, as --deprecated-kubelet-completely-insecure has it',
    remedy: remedies.useTls,
  },
  Unreachable: {
    code: 'kubelet-unreachable',
    words: 'there is no route from the pod of the server to its address',
    remedy: remedies.tryPort,
  },
};

/** Failures without a remedy of their own. */
const otherFailures: ReadonlySet<string> = new Set([
  'CertificateNotForServers',
  'ClientCertificateRefused',
  'NoCommonTls',
  'NotTls',
  'NotHttp',
  'WeakKey',
  'OutOfFiles',
  'ConnectionLost',
  'Timeout',
  'BodyTooLarge',
  'BodyBroken',
  'NotFound',
  'ServerError',
  'UnexpectedStatus',
  'AnswerUnusable',
  'AnswerBroken',
  'Other',
]);

/** A kubelet without the webhook takes a token for anonymous: 401, or 403 where anonymous users may come in. */
function problemOf(code: string, message: string, config: KubeletEvidence['config']): ScrapeProblem | undefined {
  if (code === 'Unauthorized' && config?.hasWebhook === true) return problems['ReviewFailed'];
  const isAnonymous = config?.hasWebhook === false || message.includes('user=system:anonymous');
  const meant = code === 'Forbidden' && isAnonymous ? 'Unauthorized' : code;
  return Object.hasOwn(problems, meant) ? problems[meant] : undefined;
}

/** What leads to no certificate, by the state of the request. */
const refusals: Readonly<Record<RefusedServingRequest['state'], Pick<ScrapeProblem, 'words' | 'remedy'>>> = {
  denied: {
    words: 'it has no serving certificate: its newest request was denied, by a person or an approver in the cluster',
    remedy: remedies.requestAgain,
  },
  failed: {
    words: 'it has no serving certificate: the signer refused its newest request',
    remedy: remedies.readSigner,
  },
  unsigned: {
    words:
      'it has no serving certificate: its newest request was approved, but nothing signs it: kube-controller-manager needs the key of a CA',
    remedy: remedies.readSigner,
  },
};

function explainRefused({ name, state, reason }: RefusedServingRequest): KubeletProblem {
  const evidence = reason === '' ? name : `${name}: ${foreignText(reason)}`;
  return { code: 'kubelet-request-refused', severity: 'error', evidence, ...refusals[state] };
}

/** Returns undefined for a code that is no failure. */
export function explainCode(
  code: string,
  message: string,
  { node, addresses, config, refusedRequest }: KubeletEvidence,
  { flags, installation }: Surroundings,
): KubeletProblem | undefined {
  const evidence = `${code}: ${foreignText(message)}`;
  const used = addresses.kind === 'candidates' ? addresses.candidates[0].port : undefined;
  const isOfPort = code === 'ConnectionRefused' || code === 'ConnectTimeout' || code === 'NotTls';
  if (isOfPort && node.kubeletPort !== undefined && used !== node.kubeletPort && !flags.usesProxy) {
    return {
      code: 'kubelet-port-differs',
      severity: 'error',
      words: `its kubelet listens on port ${node.kubeletPort} by the status of the Node, but the server uses ${used}`,
      evidence,
      remedy: remedies.useNodeStatusPort,
    };
  }
  if (code === 'ServingCertificatePending' && refusedRequest !== undefined) return explainRefused(refusedRequest);
  const known = problemOf(code, message, config);
  if (known !== undefined) return { ...known, severity: 'error', evidence };
  if (!otherFailures.has(code)) return undefined;
  return {
    code: 'kubelet-failing',
    severity: 'error',
    words: `scrapes fail (${code})`,
    evidence,
    remedy: (nodes) =>
      installation === undefined
        ? remedies.describeNodes(nodes)
        : remedies.readLog(installation, nodes[0]?.node.name ?? ''),
  };
}
