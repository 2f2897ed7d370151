/** Checks the endpoints of a Service without a selector, which another program or a person writes. */
import { field, items, textMap } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { command, jsonPatch } from '../remedy.ts';
import {
  headlessLabel,
  serviceNameLabel,
  type Slice,
  type UsedEndpoint,
  usedEndpoints,
} from '../../client/endpointslices.ts';
import { readSlices } from './serviceslices.ts';
import { addressesOf, goneEndpoints, portName } from './foreignendpoints.ts';
import { type ServiceAddress, serviceObject } from './registration.ts';
import { isMetricsServer, readPod } from './servingpods.ts';
import { UncheckedError } from '../uncheckederror.ts';

/** @throws UncheckedError. */
export async function* checkManualEndpoints(
  { api }: Pick<CheckContext, 'api'>,
  address: ServiceAddress,
  service: unknown,
): AsyncIterable<Finding> {
  const read = await readSlices(api, address);
  if (read === undefined) return;
  const { slices, unlabelled } = read;
  const wanted = portName(service, address);
  const used = usedEndpoints(slices, wanted);
  const ofController = used.filter(({ slice }) => slice.manager === 'selector');
  if (ofController.length > 0) {
    const left = await goneEndpoints(api, address, ofController);
    const remedy = selectorRemedy(address, await deploymentOf(api, address, ofController));
    yield { ...selectorLost(address, ofController, left), remedy };
    return;
  }
  const finding = { code: 'endpoints-missing', severity: 'error', object: serviceObject(address) } as const;
  if (used.some(({ slice }) => !slice.isHeadless)) return;
  const evidence = slices.map((slice) => slice.name).join(', ');
  const misnamed = slices.find((slice) => slice.ports.length > 0 && slice.endpoints.some(({ ready }) => ready));
  const [candidate] = slices.length === 0 ? unlabelled : [];
  if (used[0] !== undefined) yield { ...finding, severity: 'warning', evidence, ...headless(address, used[0].slice) };
  else if (misnamed !== undefined) yield { ...finding, ...portMisnamed(address, misnamed, wanted) };
  else if (candidate !== undefined) yield { ...finding, ...unlabelledSlice(address, candidate) };
  else {
    yield {
      ...finding,
      problem:
        slices.length === 0
          ? 'it has neither a selector nor endpoints'
          : 'it has no selector, and none of its endpoints is ready',
      ...(evidence === '' ? {} : { evidence }),
      remedy: selectorRemedy(address, await deploymentOf(api, address, [])),
    };
  }
}

/** @param left those whose pod is gone. */
function selectorLost(
  address: ServiceAddress,
  used: readonly UsedEndpoint[],
  left: readonly UsedEndpoint[],
): Omit<Finding, 'remedy'> {
  const isBroken = left.length > 0;
  const problem = 'it lost its selector, so its EndpointSlices are not updated any more: requests';
  return {
    code: 'endpoints-outdated',
    severity: isBroken ? 'error' : 'warning',
    object: serviceObject(address),
    problem: `${problem} ${isBroken ? 'go to addresses of pods that are gone' : 'fail once these pods are replaced'}`,
    evidence: addressesOf(isBroken ? left : used),
  };
}

/** Returns the Deployment of the endpoints' pods, else the only metrics server of the namespace; undefined if neither is found or may be read. */
async function deploymentOf(
  api: CheckContext['api'],
  { namespace }: ServiceAddress,
  endpoints: readonly UsedEndpoint[],
): Promise<unknown> {
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  try {
    for (const { pod } of endpoints) {
      const object = pod === undefined ? undefined : await api.get(`/api/v1/namespaces/${namespace}/pods/${pod}`);
      if (object === undefined) continue;
      const { deployment } = readPod(object);
      return deployment === undefined ? undefined : await api.get(`${deployments}/${deployment}`);
    }
    const [only, ...more] = ((await api.list(deployments)) ?? []).filter(isMetricsServer);
    return more.length === 0 ? only : undefined;
  } catch (error) {
    if (!(error instanceof UncheckedError)) throw error;
    return undefined;
  }
}

/** A selector that fits no pod would empty the EndpointSlices: without one of the Deployment, the user has to look. */
function selectorRemedy({ namespace, name }: ServiceAddress, deployment: unknown): string {
  const selector = field(field(deployment, 'spec'), 'selector');
  const labels = textMap(field(selector, 'matchLabels'));
  // A Service selects by labels only.
  if (labels.size === 0 || items(field(selector, 'matchExpressions')).length > 0)
    return `${command('kubectl', 'get', 'deployments', '--namespace', namespace, '--output=wide')}   # the last column is the selector that the Service needs`;
  return jsonPatch('service', namespace, name, [
    { op: 'add', path: '/spec/selector', value: Object.fromEntries(labels) },
  ]);
}

type ManualProblem = Pick<Finding, 'problem' | 'evidence' | 'remedy'>;

function label({ namespace }: ServiceAddress, slice: Slice, change: string): string {
  return command('kubectl', 'label', 'endpointslice', '--namespace', namespace, slice.name, change);
}

function headless(address: ServiceAddress, slice: Slice): Pick<Finding, 'problem' | 'remedy'> {
  return {
    problem: `kube-proxy ignores its EndpointSlices, which have the label ${headlessLabel}; only kube-apiserver with --enable-aggregator-routing uses them`,
    remedy: label(address, slice, `${headlessLabel}-`),
  };
}

function unlabelledSlice(address: ServiceAddress, slice: Slice): ManualProblem {
  return {
    problem: `EndpointSlice ${slice.name} has no label ${serviceNameLabel}, so neither kube-proxy nor kube-apiserver uses it for the Service, which has no selector`,
    remedy: label(address, slice, `${serviceNameLabel}=${address.name}`),
  };
}

function portMisnamed({ namespace, name }: ServiceAddress, slice: Slice, wanted: string): ManualProblem {
  const [first] = slice.ports;
  const names = slice.ports.map((port) => `'${port.name}'`);
  return {
    problem: `its endpoints have no port of the name '${wanted}', by which the Service's port finds them`,
    evidence: `EndpointSlice ${slice.name} has ${names.join(', ')}`,
    // The mirroring controller would write its slice back.
    remedy:
      slice.manager === 'endpoints'
        ? jsonPatch('endpoints', namespace, name, [
            { op: 'add', path: `/subsets/0/ports/${first?.index ?? 0}/name`, value: wanted },
          ])
        : jsonPatch('endpointslice', namespace, slice.name, [
            { op: 'add', path: `/ports/${first?.index ?? 0}/name`, value: wanted },
          ]),
  };
}
