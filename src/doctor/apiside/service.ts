/** Checks the way from the APIService to a process: Service, selector, ports, pods. */
import { field, items, text, textMap } from '../../client/json.ts';
import { type Check, type CheckContext, tolerant } from '../check.ts';
import type { Finding } from '../finding.ts';
import { command, mergePatch, withInput } from '../remedy.ts';
import { checkEndpoints } from './foreignendpoints.ts';
import { checkManualEndpoints } from './manualendpoints.ts';
import { podsNotReady, waitsForLong } from './notready.ts';
import { checkPorts } from './ports.ts';
import {
  type RegisteredVersion,
  registeredVersions,
  type ServiceAddress,
  serviceObject,
  servicesOf,
} from './registration.ts';
import {
  getService,
  isMetricsServer,
  readTemplate,
  selectedPods,
  servicePort,
  servingContainer,
} from './servingpods.ts';
import { withoutPods } from './withoutpods.ts';

export const serviceCheck: Check = {
  name: 'service',
  title: 'the Service, its ports and selector, and the pods behind it',
  codes: [
    'service-missing',
    'service-port-missing',
    'selector-differs',
    'scaled-to-zero',
    'pods-not-created',
    'webhook-fails',
    'server-missing',
    'pods-not-ready',
    'target-port-missing',
    'target-port-wrong',
    'endpoints-missing',
    'endpoints-outdated',
    'endpoint-by-hand',
    'endpoint-unreachable',
  ],
  run,
};

async function* run(context: CheckContext): AsyncIterable<Finding> {
  const versions = await registeredVersions(context.api);
  for (const address of servicesOf(versions)) yield* tolerant(() => checkService(context, address, versions));
}

async function* checkService(
  context: CheckContext,
  address: ServiceAddress,
  versions: readonly RegisteredVersion[],
): AsyncIterable<Finding> {
  const { api } = context;
  const service = await getService(api, address);
  if (service === undefined) {
    yield* serviceMissing(context, address, versions);
    return;
  }
  const spec = field(service, 'spec');
  if (text(field(spec, 'type')) === 'ExternalName') return;
  const port = servicePort(service, address);
  if (port === undefined) yield portMissing(address, service, versions);
  if (textMap(field(spec, 'selector')).size === 0) {
    if (port !== undefined) yield* checkManualEndpoints(context, address, service);
    return;
  }
  const pods = (await selectedPods(api, service)).filter(({ ended }) => !ended);
  if (pods.length === 0) {
    yield* withoutPods(context, address, service);
    return;
  }
  if (!pods.some(({ ready, deleting }) => ready && !deleting)) yield* podsNotReady(api, address, pods);
  else {
    const waiting = pods.filter((pod) => waitsForLong(pod, context.nowMs()));
    yield* podsNotReady(api, address, waiting, true);
  }
  if (port === undefined) return;
  yield* checkPorts(context, address, service, port, pods);
  yield* tolerant(() => checkEndpoints(context, address, service, pods));
}

/** A Deployment whose Service was deleted gets it back; without one, the APIServices are left from another time. */
async function* serviceMissing(
  { api }: CheckContext,
  address: ServiceAddress,
  versions: readonly RegisteredVersion[],
): AsyncIterable<Finding> {
  const { namespace, name, port } = address;
  const names = versions
    .filter(({ service }) => service?.name === name && service.namespace === namespace)
    .map((version) => version.name);
  const deployments = (await api.list(`/apis/apps/v1/namespaces/${namespace}/deployments`)) ?? [];
  const deployment = deployments.find(isMetricsServer);
  const finding = {
    code: 'service-missing',
    severity: 'error',
    object: serviceObject(address),
    problem: `there is no such Service, but ${names.join(' and ')} ${names.length === 1 ? 'names' : 'name'} it; until it is there, or they are gone, namespaces cannot be deleted`,
  } as const;
  if (deployment === undefined) {
    yield { ...finding, remedy: names.map((each) => command('kubectl', 'delete', 'apiservice', each)).join('\n') };
    return;
  }
  const container = servingContainer(readTemplate(deployment));
  const target = container?.ports[0];
  const selector = Object.fromEntries(textMap(field(field(field(deployment, 'spec'), 'selector'), 'matchLabels')));
  const ports = [{ name: 'https', port, protocol: 'TCP', targetPort: target?.name || target?.port || port }];
  // Manifests and charts give both the same labels.
  const labels = Object.fromEntries(textMap(field(field(deployment, 'metadata'), 'labels')));
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, labels },
    spec: { selector, ports },
  };
  yield { ...finding, remedy: withInput('kubectl apply -f -', JSON.stringify(service)) };
}

function portMissing(address: ServiceAddress, service: unknown, versions: readonly RegisteredVersion[]): Finding {
  const ports = items(field(field(service, 'spec'), 'ports')).map((each) => field(each, 'port'));
  const [only] = ports;
  const names = versions.filter(({ service: named }) => named?.port === address.port).map(({ name }) => name);
  const remedy = names.map((name) => mergePatch('apiservice', undefined, name, { spec: { service: { port: only } } }));
  return {
    code: 'service-port-missing',
    severity: 'error',
    object: serviceObject(address),
    problem: `${names.join(' and ')} ${names.length === 1 ? 'asks' : 'ask'} for port ${address.port}, which the Service does not have`,
    evidence: `ports of the Service: ${ports.join(', ')}`,
    ...(typeof only === 'number' ? { remedy: remedy.join('\n') } : {}),
  };
}
