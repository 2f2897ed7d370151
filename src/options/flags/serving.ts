/** Flags about how the API is served. */
import { curvesProblem } from '../curves.ts';
import { between, countOrNoLimit, dayMs, type FlagSection, oneOf, port } from './flag.ts';

/** A shorter age would cost a handshake for every few requests. */
const minimumAgeMs = 100;

function ageProblem(ms: number): string | undefined {
  return ms === 0 ? undefined : between(minimumAgeMs, dayMs, '100ms, or 0 for no limit', '24h')(ms);
}

/** As Kubernetes names Services: a DNS label. */
function serviceNameProblem(name: string): string | undefined {
  return /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name) ? undefined : 'must be the name of a Service';
}

export const servingFlags = {
  'secure-port': {
    type: 'integer',
    default: '10250',
    check: port,
    help: 'HTTPS port.',
  },
  'bind-address': {
    type: 'string',
    default: '0.0.0.0',
    help: 'Address to listen on; 0.0.0.0 and :: mean all addresses of both IP families.',
  },
  'cert-dir': {
    type: 'string',
    default: 'certs',
    help: "Folder of the self-signed serving certificate; in a pod, of its root's certificate. Empty: keep it in memory. Not used with --tls-cert-file.",
  },
  'service-name': {
    type: 'string',
    default: 'metrics-server',
    check: serviceNameProblem,
    help: "Name of the Service in front of this pod, in the pod's namespace. The serving certificate is issued for it, and the pod's root is added to caBundle of the APIServices that name it.",
  },
  'serving-certificate-duration': {
    type: 'duration',
    default: '2160h',
    check: between(60_000, 10 * 365 * dayMs, '1m', '87600h'),
    help: 'Validity of the serving certificates that a pod issues under its own root; each is renewed after two thirds of it. kube-apiserver trusts the root, so a renewal changes nothing there.',
  },
  'tls-cert-file': {
    type: 'string',
    default: undefined,
    help: "File with the serving certificate and its intermediates; reloaded when it changes. Unset: in a pod, one of the pod's own root; elsewhere a self-signed one, see --cert-dir.",
  },
  'tls-private-key-file': { type: 'string', default: undefined, help: 'File with the key of --tls-cert-file.' },
  'tls-min-version': {
    type: 'string',
    default: 'VersionTLS12',
    check: oneOf('VersionTLS12', 'VersionTLS13'),
    help: 'Oldest TLS version to accept: VersionTLS12 or VersionTLS13.',
  },
  'tls-cipher-suites': {
    type: 'list',
    default: '',
    help: "TLS 1.2 cipher suites by Go's names; RC4 and 3DES are accepted and never used. Empty: Go's defaults.",
  },
  'tls-curve-preferences': {
    type: 'list',
    default: '',
    check: curvesProblem,
    help: "Key exchanges to offer, by Go's numbers or names: 23 or CurveP256, 24 or CurveP384, 25 or CurveP521, 29 or X25519, 4587 or SecP256r1MLKEM768, 4588 or X25519MLKEM768, 4589 or SecP384r1MLKEM1024. Empty: Node's defaults.",
  },
  'disable-http2-serving': {
    type: 'boolean',
    default: 'false',
    help: 'Serve HTTP/1.1 only.',
  },
  'goaway-chance': {
    type: 'number',
    default: '0',
    // In the range and the words of k8s.io/apiserver.
    check: (value: number) => (value >= 0 && value <= 0.02 ? undefined : 'can not be less than 0 or greater than 0.02'),
    help: 'Probability, 0 to 0.02, that a request over HTTP/2 closes its connection after the responses in flight. --max-connection-age spreads clients over replicas by itself; this adds to it.',
  },
  'max-connection-age': {
    type: 'duration',
    default: '1m',
    check: ageProblem,
    help: 'Age, give or take a fifth, after which a connection ends with its next response, without losing a request: HTTP/2 by GOAWAY, HTTP/1.1 by Connection: close. Clients spread over replicas by that, since kube-apiserver keeps one connection. 0: no limit.',
  },
  'shutdown-send-retry-after': {
    type: 'boolean',
    default: 'false',
    help: 'Answer new requests by 429 with Retry-After between --shutdown-delay-duration and the end of the requests in flight, except health, /metrics and kube-apiserver itself.',
  },
  'shutdown-delay-duration': {
    type: 'duration',
    default: '5s',
    check: between(0, dayMs, '0s', '24h'),
    help: 'How long to keep serving after SIGTERM while not ready, so that clients move to other replicas.',
  },
  'request-timeout': {
    type: 'duration',
    default: '1m',
    check: between(1, dayMs, '1ms', '24h'),
    help: 'Timeout of a request; ?timeout= can shorten it.',
  },
  'max-requests-inflight': {
    type: 'integer',
    default: '400',
    check: countOrNoLimit,
    help: 'Concurrent requests of authenticated users; more get 429. A quarter is for the autoscaler and other controllers of the cluster alone, and a quarter of the rest is not for values of custom and external metrics. Anonymous requests have a limit of their own, 64 or this one if it is lower. Health and system:masters are exempt. 0: no limit for authenticated users.',
  },
  'max-connections-per-address': {
    type: 'integer',
    default: '0',
    check: countOrNoLimit,
    help: 'Connections per client address. 0: no limit but the total of 1000, at which the oldest connection without an authenticated request is closed. Set it only if no load balancer or NAT puts many clients behind one address.',
  },
  'table-cells': {
    type: 'string',
    default: 'exact',
    check: oneOf('exact', 'readable'),
    help: 'How kubectl get shows usage: exact, as metrics-server does, or readable, as kubectl top does.',
  },
} as const satisfies FlagSection;
