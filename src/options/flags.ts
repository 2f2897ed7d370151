/** The flag table: the only place where an option is declared; parser, types, --help, README and the manifests' check come from it. */

import { curvesProblem } from './curves.ts';

/** What a flag's text becomes: a duration is milliseconds, a list is split at commas and may be given more than once. */
export type FlagType = 'string' | 'boolean' | 'integer' | 'number' | 'duration' | 'list';

export interface Flag {
  readonly section: string;
  readonly type: FlagType;
  /** As one would write it on the command line; undefined means unset, and `help` says what happens then. */
  readonly default: string | undefined;
  readonly help: string;
  /** One-letter form. */
  readonly short?: string;
  /** What is wrong with a value, or undefined. */
  readonly check?: (value: never) => string | undefined;
}

const atLeast = (minimumMs: number, text: string) => (ms: number) =>
  ms >= minimumMs ? undefined : `must be at least ${text}`;
const between =
  (minimumMs: number, maximumMs: number, minimum: string, maximum: string) =>
  (ms: number): string | undefined =>
    ms > maximumMs ? `must be at most ${maximum}` : atLeast(minimumMs, minimum)(ms);
const positive = atLeast(1, '1ms');
const notNegative = atLeast(0, '0s');
/** Node's timers hold 24 days and fire at once beyond, so what is waited for has an end. */
const dayMs = 86_400_000;
const oneOf =
  (...allowed: readonly string[]) =>
  (value: string) =>
    allowed.includes(value) ? undefined : `must be one of ${allowed.join(', ')}`;
const port = (value: number) => (value >= 1 && value <= 65_535 ? undefined : 'must be a port between 1 and 65535');

/** Address types a Node object can have. */
export const addressTypes = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'] as const;

export const flags = {
  kubeconfig: {
    section: 'Cluster',
    type: 'string',
    default: undefined,
    help: 'Kubeconfig for kube-apiserver and the credentials for kubelets. Unset: the in-cluster configuration.',
  },
  'metric-resolution': {
    section: 'Scraping',
    type: 'duration',
    default: '15s',
    check: between(10_000, 3_600_000, '10s, because kubelets sample no faster', '1h'),
    help: 'How often each kubelet is scraped.',
  },
  'metrics-source': {
    section: 'Scraping',
    type: 'string',
    default: 'auto',
    check: oneOf('auto', 'cadvisor', 'resource'),
    help: 'What to read of kubelets: cadvisor, resource, or auto, which is cadvisor and, by itself, resource on nodes where the runtime knows of containers that cAdvisor does not.',
  },
  'metrics-staleness': {
    section: 'Scraping',
    type: 'duration',
    default: undefined,
    check: positive,
    help: 'How long the last usage is served when no newer one comes. Unset: 3 x --metric-resolution, at least 45s. On nodes that sample slowly it is twice the distance of their samples, if that is longer.',
  },
  'snapshot-path': {
    section: 'Scraping',
    type: 'string',
    default: undefined,
    help: 'File in which what is stored outlives a restart. Its folder must be there. Unset: after a restart there are no metrics before the second samples.',
  },
  'scrape-workers': {
    section: 'Scraping',
    type: 'string',
    default: 'auto',
    check: (value: string) =>
      value === 'auto' || /^(?:\d|1[0-6])$/.test(value) ? undefined : 'must be auto or a number from 0 to 16',
    help: 'How many threads scrape, beside the one that serves: a number, or auto, which is none while scraping delays no request, up to about 1,200 nodes or, of Kubernetes before 1.37, 90. By way of kube-apiserver there are none.',
  },
  'node-selector': {
    section: 'Scraping',
    type: 'string',
    default: '',
    short: 'l',
    help: 'Label selector of the nodes to scrape and to serve.',
  },
  'kubelet-connection': {
    section: 'Kubelet',
    type: 'string',
    default: 'direct',
    check: oneOf('direct', 'proxy'),
    help: "How kubelets are reached: direct, or proxy, by way of kube-apiserver's node proxy, which chooses address and port itself and needs the right to get nodes/proxy.",
  },
  'kubelet-insecure-tls': {
    section: 'Kubelet',
    type: 'boolean',
    default: 'false',
    help: "Do not verify kubelets' serving certificates. For tests only.",
  },
  'kubelet-use-node-status-port': {
    section: 'Kubelet',
    type: 'boolean',
    default: 'false',
    help: "Use the port in the Node's status; wins over --kubelet-port.",
  },
  'kubelet-port': { section: 'Kubelet', type: 'integer', default: '10250', check: port, help: 'Port of the kubelets.' },
  'kubelet-preferred-address-types': {
    section: 'Kubelet',
    type: 'list',
    default: addressTypes.join(','),
    check: (types: readonly string[]) => types.map(oneOf(...addressTypes)).find((problem) => problem !== undefined),
    help: 'Address types of a Node to connect to, best first.',
  },
  'kubelet-certificate-authority': {
    section: 'Kubelet',
    type: 'string',
    default: undefined,
    help: "File with the CAs of the kubelets' serving certificates. Unset: the CA of kube-apiserver.",
  },
  'kubelet-client-certificate': {
    section: 'Kubelet',
    type: 'string',
    default: undefined,
    help: 'File with a client certificate shown to kubelets, beside the bearer token.',
  },
  'kubelet-client-key': {
    section: 'Kubelet',
    type: 'string',
    default: undefined,
    help: 'File with the key of --kubelet-client-certificate.',
  },
  'kubelet-request-timeout': {
    section: 'Kubelet',
    type: 'duration',
    default: undefined,
    check: positive,
    help: 'How long one request to a kubelet may take. Unset: the smaller of 10s and 0.9 x --metric-resolution.',
  },
  'kubelet-http-client': {
    section: 'Kubelet',
    type: 'string',
    default: 'built-in',
    check: oneOf('built-in', 'undici'),
    help: 'HTTP client for kubelets that are reached directly: built-in, which takes a fraction of the CPU, or undici; use undici to rule out a bug in the built-in client.',
  },
  'kubelet-compression': {
    section: 'Kubelet',
    type: 'boolean',
    default: 'true',
    help: 'Ask kubelets that are reached directly to compress large bodies, as those before 1.37 send, and all bodies from 500 nodes on: a seventh of the bytes, of large ones for three times the CPU here and more in the kubelet.',
  },
  'deprecated-kubelet-completely-insecure': {
    section: 'Kubelet',
    type: 'boolean',
    default: 'false',
    help: 'Talk to kubelets by plain HTTP without credentials. Deprecated: for tests only.',
  },
  'secure-port': {
    section: 'Serving',
    type: 'integer',
    default: '10250',
    check: port,
    help: 'Port to serve HTTPS on.',
  },
  'bind-address': {
    section: 'Serving',
    type: 'string',
    default: '0.0.0.0',
    help: 'Address to listen on; 0.0.0.0 and :: mean every address of both IP families.',
  },
  'cert-dir': {
    section: 'Serving',
    type: 'string',
    default: 'certs',
    help: 'Folder of the self-signed serving certificate. Empty: keep it in memory. Not used when --tls-cert-file is given.',
  },
  'tls-cert-file': {
    section: 'Serving',
    type: 'string',
    default: undefined,
    help: 'Serving certificate with its intermediates; read again when it changes.',
  },
  'tls-private-key-file': { section: 'Serving', type: 'string', default: undefined, help: 'Key of --tls-cert-file.' },
  'tls-min-version': {
    section: 'Serving',
    type: 'string',
    default: 'VersionTLS12',
    check: oneOf('VersionTLS12', 'VersionTLS13'),
    help: 'Oldest TLS version to accept: VersionTLS12 or VersionTLS13.',
  },
  'tls-cipher-suites': {
    section: 'Serving',
    type: 'list',
    default: '',
    help: "TLS 1.2 cipher suites by Go's names; RC4 and 3DES are accepted and never used. Empty: Go's defaults.",
  },
  'tls-curve-preferences': {
    section: 'Serving',
    type: 'list',
    default: '',
    check: curvesProblem,
    help: "Key exchanges to offer, by Go's numbers or names: 23 or CurveP256, 24 or CurveP384, 25 or CurveP521, 29 or X25519, 4587 or SecP256r1MLKEM768, 4588 or X25519MLKEM768, 4589 or SecP384r1MLKEM1024. Empty: Node's defaults.",
  },
  'disable-http2-serving': {
    section: 'Serving',
    type: 'boolean',
    default: 'false',
    help: 'Serve HTTP/1.1 only.',
  },
  'goaway-chance': {
    section: 'Serving',
    type: 'number',
    default: '0',
    // In the range and the words of k8s.io/apiserver.
    check: (value: number) => (value >= 0 && value <= 0.02 ? undefined : 'can not be less than 0 or greater than 0.02'),
    help: 'Probability that a request over HTTP/2 ends its connection after the answers under way, so that clients spread over replicas. 0 to 0.02.',
  },
  'shutdown-send-retry-after': {
    section: 'Serving',
    type: 'boolean',
    default: 'false',
    help: 'After --shutdown-delay-duration, until the requests under way have ended, answer new ones by 429 with Retry-After, except those of health, /metrics and kube-apiserver itself.',
  },
  'shutdown-delay-duration': {
    section: 'Serving',
    type: 'duration',
    default: '5s',
    check: between(0, dayMs, '0s', '24h'),
    help: 'How long to keep serving after SIGTERM, not ready any more, so that clients learn of it.',
  },
  'request-timeout': {
    section: 'Serving',
    type: 'duration',
    default: '1m',
    check: between(1, dayMs, '1ms', '24h'),
    help: 'How long a request may take; with ?timeout= it may want its answer sooner.',
  },
  'max-requests-inflight': {
    section: 'Serving',
    type: 'integer',
    default: '400',
    check: (value: number) => (value >= 0 ? undefined : 'must be 0, for no limit, or more'),
    help: 'How many requests of known users are worked on at once; more get 429. Anonymous ones have a limit of their own, 64 or this one if it is lower. Health and system:masters do not count. 0: no limit for known users.',
  },
  'max-connections-per-address': {
    section: 'Serving',
    type: 'integer',
    default: '0',
    check: (value: number) => (value >= 0 ? undefined : 'must be 0, for no limit, or more'),
    help: 'How many connections one client address may have; behind a load balancer or NAT many clients share one. 0: no limit but that of 1000 connections in all, at which the oldest one without an authenticated request is closed.',
  },
  'table-cells': {
    section: 'Serving',
    type: 'string',
    default: 'exact',
    check: oneOf('exact', 'readable'),
    help: 'How kubectl get shows usage: exact, as metrics-server does, or readable, as kubectl top does.',
  },
  'authentication-kubeconfig': {
    section: 'Authentication',
    type: 'string',
    default: undefined,
    help: 'Kubeconfig for TokenReviews and the authentication ConfigMap. Unset: as --kubeconfig.',
  },
  'authentication-skip-lookup': {
    section: 'Authentication',
    type: 'boolean',
    default: 'false',
    help: 'Do not read the ConfigMap extension-apiserver-authentication; trust is what the flags say.',
  },
  'authentication-tolerate-lookup-failure': {
    section: 'Authentication',
    type: 'boolean',
    default: 'false',
    help: 'Serve before that ConfigMap could be read; until then only flags, tokens and anonymous count.',
  },
  'authentication-token-webhook-cache-ttl': {
    section: 'Authentication',
    type: 'duration',
    default: '10s',
    check: notNegative,
    help: 'How long a token is remembered as good; as bad at most 0.5s.',
  },
  'client-ca-file': {
    section: 'Authentication',
    type: 'string',
    default: undefined,
    help: 'CAs of client certificates. Unset: as the ConfigMap says.',
  },
  'requestheader-client-ca-file': {
    section: 'Authentication',
    type: 'string',
    default: undefined,
    help: 'CAs of front proxies. Setting it replaces everything about request headers in the ConfigMap.',
  },
  'requestheader-allowed-names': {
    section: 'Authentication',
    type: 'list',
    default: '',
    help: 'Common names of front proxies; empty: any that its CA signed.',
  },
  'requestheader-username-headers': {
    section: 'Authentication',
    type: 'list',
    default: 'x-remote-user',
    help: "Headers with the user's name.",
  },
  'requestheader-uid-headers': {
    section: 'Authentication',
    type: 'list',
    default: '',
    help: "Headers with the user's UID.",
  },
  'requestheader-group-headers': {
    section: 'Authentication',
    type: 'list',
    default: 'x-remote-group',
    help: "Headers with the user's groups.",
  },
  'requestheader-extra-headers-prefix': {
    section: 'Authentication',
    type: 'list',
    default: 'x-remote-extra-',
    help: 'Prefixes of headers with extra facts of the user.',
  },
  'authorization-kubeconfig': {
    section: 'Authorization',
    type: 'string',
    default: undefined,
    help: 'Kubeconfig for SubjectAccessReviews. Unset: as --kubeconfig.',
  },
  'authorization-always-allow-paths': {
    section: 'Authorization',
    type: 'list',
    default: '',
    help: 'Paths that need no right, beside /healthz, /livez and /readyz; a trailing * stands for any rest.',
  },
  'authorization-webhook-cache-authorized-ttl': {
    section: 'Authorization',
    type: 'duration',
    default: '10s',
    check: notNegative,
    help: 'How long a granted right is remembered.',
  },
  'authorization-webhook-cache-unauthorized-ttl': {
    section: 'Authorization',
    type: 'duration',
    default: '10s',
    check: notNegative,
    help: 'How long a denied right is remembered; at most 0.5s for 30s after kube-apiserver was away, since one that starts denies what it will allow.',
  },
  'authorization-webhook-stale-allow-duration': {
    section: 'Authorization',
    type: 'duration',
    default: '0s',
    check: between(0, 600_000, '0s', '10m, for a right that was taken away may count so long'),
    help: 'For how much longer a granted right counts while kube-apiserver cannot be asked.',
  },
  v: {
    section: 'Logging',
    type: 'integer',
    default: '0',
    short: 'v',
    help: 'Verbosity; from 2 on every failed scrape of a node that is not ready is logged.',
  },
  'logging-format': {
    section: 'Logging',
    type: 'string',
    default: 'text',
    check: oneOf('text', 'json'),
    help: 'text or json.',
  },
  help: { section: 'Misc', type: 'boolean', default: 'false', short: 'h', help: 'Print this help.' },
  version: { section: 'Misc', type: 'boolean', default: 'false', help: 'Print the version.' },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof flags;

/** What a value of each type is once parsed. */
interface Parsed {
  readonly string: string;
  readonly boolean: boolean;
  readonly integer: number;
  readonly number: number;
  readonly duration: number;
  readonly list: readonly string[];
}

/** Every flag's value; durations in milliseconds, undefined only where the table has no default. */
export type Options = {
  readonly [Name in FlagName]:
    | Parsed[(typeof flags)[Name]['type']]
    | ((typeof flags)[Name]['default'] extends undefined ? undefined : never);
};

/**
 * Flags of metrics-server, past and present, that mean nothing here. They are accepted with one warning, so that old manifests start.
 * Those of klog were removed in metrics-server 0.7; audit and feature switches belong to parts of k8s.io/apiserver that we do not have.
 */
export const ignoredFlags: readonly string[] = [
  'logtostderr',
  'alsologtostderr',
  'stderrthreshold',
  'log-dir',
  'log-file',
  'log-file-max-size',
  'one-output',
  'skip-headers',
  'skip-log-headers',
  'add-dir-header',
  'log-backtrace-at',
  'vmodule',
  'log-flush-frequency',
  'log-json-split-stream',
  'log-json-info-buffer-size',
  'log-text-split-stream',
  'log-text-info-buffer-size',
  'source',
  'permit-address-sharing',
  'permit-port-sharing',
  'tls-sni-cert-key',
  'http2-max-streams-per-connection',
  'min-request-timeout',
  'max-mutating-requests-inflight',
  'livez-grace-period',
  'cors-allowed-origins',
  'strict-transport-security-directives',
  'advertise-address',
  'external-hostname',
  'feature-gates',
  'emulated-version',
  'emulation-forward-compatible',
  'min-compatibility-version',
  'runtime-config-emulation-forward-compatible',
  'storage-initialization-timeout',
  'shutdown-watch-termination-grace-period',
  'profiling',
  'contention-profiling',
  'enable-priority-and-fairness',
  'debug-socket-path',
];

/** The some thirty flags --audit-log-*, --audit-webhook-* and --audit-policy-file are ignored by their prefix. */
export const ignoredPrefix = 'audit-';

/** Reports what an operator who gives an ignored flag does not get; undefined where nothing is lost. */
export function lossOf(name: string): string | undefined {
  if (name.startsWith(ignoredPrefix)) {
    return "no audit log is written here; kube-apiserver's has the requests that come through it, those of clients that connect directly are in none";
  }
  return losses.get(name);
}

const losses: ReadonlyMap<string, string> = new Map([
  ['tls-sni-cert-key', 'every client gets the certificate of --tls-cert-file, whatever server name it asks for'],
  ['http2-max-streams-per-connection', 'an HTTP/2 connection may have 100 streams at a time'],
  ['strict-transport-security-directives', 'no Strict-Transport-Security header is sent'],
  ['cors-allowed-origins', 'browsers let no other origin read an answer'],
  ['source', 'kubelets are found by the Nodes of kube-apiserver'],
]);

/** Ignored flags that take no value of their own, so that the word after them is not swallowed. */
export const ignoredBooleans: ReadonlySet<string> = new Set([
  'logtostderr',
  'alsologtostderr',
  'one-output',
  'skip-headers',
  'skip-log-headers',
  'add-dir-header',
  'log-json-split-stream',
  'log-text-split-stream',
  'permit-address-sharing',
  'permit-port-sharing',
  'emulation-forward-compatible',
  'runtime-config-emulation-forward-compatible',
  'profiling',
  'contention-profiling',
  'enable-priority-and-fairness',
  'audit-log-compress',
  'audit-log-truncate-enabled',
  'audit-webhook-truncate-enabled',
  'audit-webhook-batch-throttle-enable',
  'audit-log-batch-throttle-enable',
]);
