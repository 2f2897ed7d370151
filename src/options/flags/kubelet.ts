/** Flags about the connections to kubelets. */
import { type FlagSection, oneOf, port, positive } from './flag.ts';

/** In metrics-server's order of preference. */
const addressTypes = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'] as const;

/** The ServiceAccount for kubelets in our manifests. */
export const defaultKubeletAccount = 'kubegauge-kubelets';

/** In place of a ServiceAccount: our own token. An account of this name is given as <namespace>/own. */
export const ownAccount = 'own';

/** Kubernetes' names of namespaces and ServiceAccounts. */
const accountPattern = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\/)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

const serviceAccount = (value: string) =>
  accountPattern.test(value) ? undefined : 'must be <name> or <namespace>/<name> of a ServiceAccount';

export const kubeletFlags = {
  'kubelet-connection': {
    type: 'string',
    default: 'direct',
    check: oneOf('direct', 'proxy'),
    help: "How to reach kubelets: direct, or proxy, through kube-apiserver's node proxy. Use proxy if nodes are unreachable from pods; it needs the right to get nodes/proxy, and kube-apiserver selects address and port.",
  },
  'kubelet-tls': {
    type: 'string',
    default: undefined,
    check: oneOf('verify', 'pin', 'insecure'),
    help: "How kubelets' serving certificates are verified. verify: by a CA. pin: by a CA, and self-signed ones by their key, which is pinned at the node's first scrape; a changed key is refused until `kubegauge trust <node>`. insecure: not at all, for tests only. Unset: verify, or insecure with a kubeconfig that does not verify kube-apiserver. Set pin for kubelets without serverTLSBootstrap.",
  },
  'kubelet-insecure-tls': {
    type: 'boolean',
    default: undefined,
    help: 'The same as --kubelet-tls=insecure, as in metrics-server. Unset: see --kubelet-tls. For tests only.',
  },
  'kubelet-use-node-status-port': {
    type: 'boolean',
    default: 'false',
    help: "Use the port in the Node's status; it takes precedence over --kubelet-port.",
  },
  'kubelet-port': { type: 'integer', default: '10250', check: port, help: 'Port of the kubelets.' },
  'kubelet-preferred-address-types': {
    type: 'list',
    default: addressTypes.join(','),
    check: (types: readonly string[]) => types.map(oneOf(...addressTypes)).find((problem) => problem !== undefined),
    help: 'Address types of a Node to connect to, best first; other types are not tried. Put InternalIP first if node names do not resolve.',
  },
  'kubelet-certificate-authority': {
    type: 'string',
    default: undefined,
    help: "File with the CAs of the kubelets' serving certificates. Unset: the CA of kube-apiserver. Set it if another CA signs them.",
  },
  'kubelet-client-certificate': {
    type: 'string',
    default: undefined,
    help: 'File with a client certificate for kubelets, sent beside the bearer token. Needs --kubelet-client-key.',
  },
  'kubelet-client-key': {
    type: 'string',
    default: undefined,
    help: 'File with the key of --kubelet-client-certificate.',
  },
  'kubelet-service-account': {
    type: 'string',
    default: undefined,
    check: serviceAccount,
    help: `ServiceAccount whose short-lived tokens are sent to kubelets, as <name> in the namespace of our pod or <namespace>/<name>; it should have no right but to get nodes/metrics. Our own token never leaves for a kubelet then. Unset: ${defaultKubeletAccount} if it exists in the namespace of our pod and its tokens may be requested, else our own token unless that may write. Set it, so that our own token is never sent even if the account is missing; without it we write nothing to the cluster. ${ownAccount}: our own token, whatever it may do. Not used with --kubelet-connection=proxy.`,
  },
  'kubelet-request-timeout': {
    type: 'duration',
    default: undefined,
    check: positive,
    help: 'Timeout of one request to a kubelet. Unset: the smaller of 10s and 0.9 x --metric-resolution. Raise it for nodes that are slow to answer.',
  },
  'kubelet-http-client': {
    type: 'string',
    default: 'built-in',
    check: oneOf('built-in', 'undici'),
    help: 'HTTP client for direct connections: built-in, or undici at a multiple of the CPU. Use undici to rule out a bug in the built-in client.',
  },
  'kubelet-compression': {
    type: 'boolean',
    default: 'true',
    help: 'Request gzip for large bodies, as kubelets before 1.37 send, and for all bodies from 500 nodes on: a seventh of the bytes, for three times the CPU per large body here and more in the kubelet. Direct connections only. Set it to false if the network costs less than the CPU.',
  },
  'deprecated-kubelet-completely-insecure': {
    type: 'boolean',
    default: 'false',
    help: 'Connect to kubelets by plain HTTP without credentials. Deprecated: for tests only.',
  },
} as const satisfies FlagSection;
