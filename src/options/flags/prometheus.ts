/** Flags about metrics of PromQL engines, under prometheus-adapter's names. */
import { type FlagSection, oneOf, positive } from './flag.ts';

export const prometheusFlags = {
  config: {
    type: 'string',
    default: undefined,
    short: 'c',
    help: "File with rules, as prometheus-adapter's --config: which series become custom.metrics.k8s.io and external.metrics.k8s.io. It is read again when it changes. Unset: no metrics come from Prometheus.",
  },
  'resource-metrics': {
    type: 'string',
    default: 'kubelet',
    check: oneOf('kubelet', 'prometheus'),
    help: 'Where metrics.k8s.io comes from: kubelet, or prometheus by the resourceRules of --config, as prometheus-adapter serves it. With prometheus no kubelet is scraped, unless --custom-metrics=kubelet is set, and sinceSeconds has no history.',
  },
  'prometheus-url': {
    type: 'repeated',
    default: '',
    isSecret: true,
    help: 'URL of Prometheus, Thanos, Mimir or VictoriaMetrics; user:password@ is sent as Basic authentication, a path is a prefix. For several, <name>=<url> each, and rules choose by source: <name>; the first is for rules without. Headers and files of credentials then need the name as well: --prometheus-token-file=<name>=<file>. Unset: https://localhost, if --config is set.',
  },
  'prometheus-verb': {
    type: 'string',
    default: 'GET',
    check: oneOf('GET', 'POST'),
    help: 'HTTP verb of queries. GET becomes POST for URLs above 2 KB unless POST is refused, and only GET is retried.',
  },
  'prometheus-header': {
    type: 'repeated',
    default: '',
    isSecret: true,
    help: 'Header of each request to Prometheus as <name>=<value>, such as X-Scope-OrgID=team-a for a tenant of Mimir. May be given more than once.',
  },
  'prometheus-auth-config': {
    type: 'repeated',
    default: '',
    help: 'Kubeconfig whose credentials and CA are used for Prometheus. --prometheus-token-file and --prometheus-ca-file come before them.',
  },
  'prometheus-auth-incluster': {
    type: 'boolean',
    default: 'false',
    help: "Use our ServiceAccount's token and the cluster's CA for Prometheus, as its proxy in OpenShift needs.",
  },
  'prometheus-ca-file': {
    type: 'repeated',
    default: '',
    help: "File with the CAs of Prometheus' certificate, read again when it changes. Unset: the CA of the two flags above, or the system's.",
  },
  'prometheus-client-tls-cert-file': {
    type: 'repeated',
    default: '',
    help: 'File with a client certificate for Prometheus. Needs --prometheus-client-tls-key-file.',
  },
  'prometheus-client-tls-key-file': {
    type: 'repeated',
    default: '',
    help: 'File with the key of --prometheus-client-tls-cert-file.',
  },
  'prometheus-token-file': {
    type: 'repeated',
    default: '',
    help: 'File with a bearer token for Prometheus, read again when it changes. Not used with a user in --prometheus-url.',
  },
  'prometheus-queries': {
    type: 'string',
    default: 'joined',
    check: oneOf('joined', 'as-adapter'),
    help: "joined sends equal queries once, and joins queries that differ in their objects only. as-adapter sends prometheus-adapter's own queries, one per request; use it to compare the two.",
  },
  'metrics-relist-interval': {
    type: 'duration',
    default: '10m',
    check: positive,
    help: 'How often the series behind the rules are listed. A new metric appears within this time.',
  },
  'metrics-max-age': {
    type: 'duration',
    default: undefined,
    check: positive,
    help: 'How long a metric is listed after the last sample of its series, and how long last values are served while Prometheus is away. Unset: --metrics-relist-interval.',
  },
  'lister-kubeconfig': {
    type: 'string',
    default: undefined,
    help: 'The same as --kubeconfig, which comes first; for manifests of prometheus-adapter.',
  },
} as const satisfies FlagSection;
