/** Checks whether a NetworkPolicy lets kube-apiserver reach the server's port. */
import { parseLabelSelector } from '../../apimachinery/labels.ts';
import { field, items, text, textMap } from '../../client/json.ts';
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { withInput } from '../remedy.ts';
import { type RegisteredVersion, registeredVersions, type ServiceAddress, servicesOf } from './registration.ts';
import { type PodBehindService, podsBehind, portOf, servingContainer } from './servingpods.ts';

export const networkPoliciesCheck: Check = {
  name: 'network-policies',
  title: "NetworkPolicies that keep kube-apiserver from the server's port",
  codes: ['network-policy-blocks'],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const versions = await registeredVersions(context.api);
  for (const service of servicesOf(versions)) yield* tolerant(() => checkPolicies(context, service, versions));
}

async function* checkPolicies(
  { api }: CheckContext,
  address: ServiceAddress,
  versions: readonly RegisteredVersion[],
): AsyncIterable<Finding> {
  const path = `/apis/networking.k8s.io/v1/namespaces/${address.namespace}/networkpolicies`;
  const policies = (await api.list(path)) ?? [];
  const pods = await podsBehind(api, address);
  // On the host's network, policies do not apply.
  const [pod] = pods.filter(({ hostNetwork, ended }) => !hostNetwork && !ended);
  const container = pod && servingContainer(pod.containers);
  if (pod === undefined || container === undefined) return;
  const port = portOf(container);
  const applying = policies.filter((policy) => isForIngress(policy) && selects(policy, pod));
  if (applying.length === 0 || applying.some((policy) => admits(policy, container.ports, port))) return;
  const works = versions.every(({ available }) => available?.status === 'True');
  yield blocked(pod, port, applying, works);
}

function blocked(pod: PodBehindService, port: number, policies: readonly unknown[], works: boolean): Finding {
  const names = policies.map((policy) => text(field(field(policy, 'metadata'), 'name')) ?? '');
  const admit = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'allow-metrics-server', namespace: pod.namespace },
    spec: {
      podSelector: { matchLabels: Object.fromEntries(labelsToSelect(pod)) },
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ port, protocol: 'TCP' }] }],
    },
  };
  return {
    code: 'network-policy-blocks',
    severity: works ? 'warning' : 'error',
    object: `NetworkPolicy ${pod.namespace}/${names.join(', ')}`,
    problem: `no policy lets every address reach port ${port} of pod ${pod.name}. kube-apiserver comes from a node's address, which selectors of pods and namespaces do not match${
      works ? '; metrics are served, so it may have another way' : ''
    }`,
    remedy: withInput('kubectl apply -f -', JSON.stringify(admit)),
  };
}

/** The pod's labels but those of its ReplicaSet. */
function labelsToSelect({ labels }: PodBehindService): readonly (readonly [string, string])[] {
  return [...labels].filter(([key]) => key !== 'pod-template-hash');
}

function isForIngress(policy: unknown): boolean {
  const types = field(field(policy, 'spec'), 'policyTypes');
  return types === undefined || items(types).includes('Ingress');
}

function selects(policy: unknown, { labels }: PodBehindService): boolean {
  const selector = field(field(policy, 'spec'), 'podSelector');
  return parseLabelSelector(selectorText(selector)).matches(labels);
}

const operators: ReadonlyMap<string, string> = new Map([
  ['In', 'in'],
  ['NotIn', 'notin'],
]);

function selectorText(selector: unknown): string {
  const equal = [...textMap(field(selector, 'matchLabels'))].map(([key, value]) => `${key}=${value}`);
  const expressions = items(field(selector, 'matchExpressions')).map((expression) => {
    const key = text(field(expression, 'key')) ?? '';
    const operator = text(field(expression, 'operator')) ?? '';
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operators.get(operator) ?? 'in'} (${items(field(expression, 'values')).join(',')})`;
  });
  return [...equal, ...expressions].join(',');
}

/** Reports whether a policy admits every source to the port. */
function admits(
  policy: unknown,
  ports: readonly { readonly name: string; readonly port: number }[],
  port: number,
): boolean {
  return items(field(field(policy, 'spec'), 'ingress')).some((rule) => {
    const sources = items(field(rule, 'from'));
    // A block of addresses may be that of the nodes, which is not known here.
    const fromAll = sources.length === 0 || sources.some((source) => field(source, 'ipBlock') !== undefined);
    const targets = items(field(rule, 'ports'));
    return fromAll && (targets.length === 0 || targets.some((target) => isPort(target, ports, port)));
  });
}

function isPort(
  target: unknown,
  ports: readonly { readonly name: string; readonly port: number }[],
  port: number,
): boolean {
  const value = field(target, 'port');
  const end = field(target, 'endPort');
  if (value === undefined) return true;
  if (typeof value === 'string') return ports.some((each) => each.name === value && each.port === port);
  return typeof value === 'number' && value <= port && port <= (typeof end === 'number' ? end : value);
}
