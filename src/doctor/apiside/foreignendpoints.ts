/** Checks the endpoints of a Service beside its pods: those that a person or another program added, and those that are out of date. */
import { conditionOf } from '../../client/conditions.ts';
import { field, text } from '../../client/json.ts';
import type { CheckContext } from '../check.ts';
import type { Finding } from '../finding.ts';
import { command } from '../remedy.ts';
import { serviceNameLabel, type Slice, type UsedEndpoint, usedEndpoints } from '../../client/endpointslices.ts';
import { readSlices } from './serviceslices.ts';
import { type ServiceAddress, serviceObject } from './registration.ts';
import { parseTimeMs } from '../times.ts';
import { getService, type PodBehindService, selectedPods, servicePort } from './servingpods.ts';

/** Addresses named in one finding. */
const namedAddresses = 5;

/** Returns where requests to the Service go that reach none of its pods; none in a cluster without EndpointSlices. @throws UncheckedError. */
export async function foreignEndpoints(
  { api }: Pick<CheckContext, 'api'>,
  address: ServiceAddress,
): Promise<readonly UsedEndpoint[]> {
  const service = await getService(api, address);
  const read = service === undefined ? undefined : await readSlices(api, address);
  if (read === undefined) return [];
  const pods = (await selectedPods(api, service)).filter(({ ended }) => !ended);
  return beside(pods, usedEndpoints(read.slices, portName(service, address)));
}

function beside(pods: readonly PodBehindService[], used: readonly UsedEndpoint[]): readonly UsedEndpoint[] {
  const own = new Set(pods.flatMap(({ addresses }) => addresses));
  return used.filter(({ address }) => !own.has(address));
}

export function portName(service: unknown, address: ServiceAddress): string {
  return text(field(servicePort(service, address), 'name')) ?? '';
}

/** Checks a Service with a selector, whose slices a controller writes. @throws UncheckedError. */
export async function* checkEndpoints(
  { api, nowMs }: Pick<CheckContext, 'api' | 'nowMs'>,
  address: ServiceAddress,
  service: unknown,
  pods: readonly PodBehindService[],
): AsyncIterable<Finding> {
  const read = await readSlices(api, address);
  if (read === undefined) return;
  const used = usedEndpoints(read.slices, portName(service, address));
  for (const [slice, endpoints] of Map.groupBy(beside(pods, used), (each) => each.slice)) {
    const found = slice.manager === 'selector' ? await goneEndpoints(api, address, endpoints) : endpoints;
    if (found.length > 0)
      yield slice.manager === 'selector' ? outdated(address, found) : addedByHand(address, slice, found);
  }
  const known = new Set(used.map((each) => each.address));
  const left = pods.filter(
    (pod) => isReadyForLong(pod, nowMs()) && pod.addresses.length > 0 && !pod.addresses.some((each) => known.has(each)),
  );
  if (left.length > 0) yield podsLeftOut(address, left);
}

/** Milliseconds in which kube-controller-manager writes a pod that became ready into its slice. */
const writingMs = 30_000;

function isReadyForLong({ ready, deleting, object }: PodBehindService, nowMs: number): boolean {
  const sinceMs = parseTimeMs(conditionOf(object, 'Ready')?.lastTransitionTime);
  return ready && !deleting && (sinceMs === undefined || nowMs - sinceMs > writingMs);
}

/** Pods were listed at another moment: counts only endpoints whose pod is not there. */
export async function goneEndpoints(
  api: CheckContext['api'],
  { namespace }: ServiceAddress,
  endpoints: readonly UsedEndpoint[],
): Promise<readonly UsedEndpoint[]> {
  const found: UsedEndpoint[] = [];
  for (const endpoint of endpoints) {
    const isThere =
      endpoint.pod !== undefined &&
      (await api.get(`/api/v1/namespaces/${namespace}/pods/${endpoint.pod}`)) !== undefined;
    if (!isThere) found.push(endpoint);
  }
  return found;
}

export const addressesOf = (endpoints: readonly UsedEndpoint[]): string =>
  endpoints
    .slice(0, namedAddresses)
    .map(({ address, port }) => `${address} port ${port}`)
    .join(', ');

function addedByHand(address: ServiceAddress, slice: Slice, endpoints: readonly UsedEndpoint[]): Finding {
  const { namespace, name } = address;
  const by = slice.managedBy === '' ? 'no controller writes it' : `it is managed by ${slice.managedBy}`;
  return {
    code: 'endpoint-by-hand',
    severity: 'warning',
    object: `EndpointSlice ${namespace}/${slice.name}`,
    problem: `it sends a part of the requests to ${serviceObject(address)} to other servers than its pods; ${by}. While insecureSkipTLSVerify is set, verification does not begin before they are gone`,
    evidence: addressesOf(endpoints),
    remedy: [
      ...(slice.manager === 'endpoints'
        ? [command('kubectl', 'delete', 'endpoints', '--namespace', namespace, name)]
        : []),
      command('kubectl', 'delete', 'endpointslice', '--namespace', namespace, slice.name),
    ].join('\n'),
  };
}

function outdated(address: ServiceAddress, endpoints: readonly UsedEndpoint[]): Finding {
  return {
    code: 'endpoints-outdated',
    severity: 'error',
    object: serviceObject(address),
    problem:
      'requests go to addresses of pods that are gone: kube-controller-manager does not update its EndpointSlices',
    evidence: addressesOf(endpoints),
    remedy: controllerRemedy(address),
  };
}

function podsLeftOut(address: ServiceAddress, pods: readonly PodBehindService[]): Finding {
  const names = pods.slice(0, namedAddresses).map(({ namespace, name }) => `${namespace}/${name}`);
  return {
    code: 'endpoints-outdated',
    severity: 'error',
    object: serviceObject(address),
    problem: `no request goes to these pods, although they are ready: ${names.join(', ')}; kube-controller-manager does not update its EndpointSlices`,
    remedy: controllerRemedy(address),
  };
}

/** Deletes the slices: a controller that runs writes them again. */
function controllerRemedy({ namespace, name }: ServiceAddress): string {
  const selector = `--selector=${serviceNameLabel}=${name},endpointslice.kubernetes.io/managed-by=endpointslice-controller.k8s.io`;
  return [
    command('kubectl', 'get', 'lease', '--namespace', 'kube-system', 'kube-controller-manager'),
    command('kubectl', 'delete', 'endpointslices', '--namespace', namespace, selector),
  ].join('\n');
}
