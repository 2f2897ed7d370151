/** What containers request, as kube-scheduler and autoscalers count it. */
import { parseQuantity } from '../apimachinery/quantity.ts';
import { field, items, text } from '../client/json.ts';
import { isSidecar } from '../doctor/pods/podfacts.ts';

export type ResourceName = 'cpu' | 'memory';

export const resourceNames: readonly ResourceName[] = ['cpu', 'memory'];

export interface Amounts {
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
}

/** @param list such as `allocatable` of a node. */
export function amountsOf(list: unknown): Amounts {
  const of = (resource: ResourceName) => parseQuantity(text(field(list, resource)) ?? '');
  return { cpu: of('cpu'), memory: of('memory') };
}

/** Returns what the pod's containers and sidecars request together while it runs; undefined where none does. Pod-level requests replace theirs (KEP-2837). */
export function requestedBy(spec: unknown, resource: ResourceName): number | undefined {
  const ofPod = amountsOf(field(field(spec, 'resources'), 'requests'))[resource];
  const ofContainers = runningContainers(spec).flatMap((container) => requestOf(container, resource) ?? []);
  return ofPod ?? (ofContainers.length === 0 ? undefined : sumOf(ofContainers));
}

/** Returns the names of the containers whose requests `requestedBy` adds up; undefined of a pod with a request of its own, which is for all. */
export function withRequest(spec: unknown, resource: ResourceName): readonly string[] | undefined {
  if (amountsOf(field(field(spec, 'resources'), 'requests'))[resource] !== undefined) return undefined;
  return runningContainers(spec)
    .filter((container) => requestOf(container, resource) !== undefined)
    .flatMap((container) => text(field(container, 'name')) ?? []);
}

/** Returns the pod's limit; undefined where a container has none. */
export function limitedTo(spec: unknown, resource: ResourceName): number | undefined {
  const ofPod = amountsOf(field(field(spec, 'resources'), 'limits'))[resource];
  const limits = runningContainers(spec).map((container) => limitOf(container, resource));
  const known = limits.filter((limit) => limit !== undefined);
  return ofPod ?? (known.length === 0 || known.length < limits.length ? undefined : sumOf(known));
}

/** Returns what kube-scheduler reserves for a pod: with init containers, which run before the others, and overhead. */
export function reservedFor(spec: unknown, resource: ResourceName): number {
  const overhead = amountsOf(field(spec, 'overhead'))[resource] ?? 0;
  const ofPod = amountsOf(field(field(spec, 'resources'), 'requests'))[resource];
  if (ofPod !== undefined) return ofPod + overhead;
  let sidecars = 0;
  let most = 0;
  for (const container of items(field(spec, 'initContainers'))) {
    const request = requestOf(container, resource) ?? 0;
    if (isSidecar(container)) sidecars += request;
    most = Math.max(most, sidecars + (isSidecar(container) ? 0 : request));
  }
  const running = sumOf(items(field(spec, 'containers')).map((each) => requestOf(each, resource) ?? 0));
  return Math.max(most, running + sidecars) + overhead;
}

export function requestOf(container: unknown, resource: ResourceName): number | undefined {
  return amountsOf(field(field(container, 'resources'), 'requests'))[resource];
}

export function limitOf(container: unknown, resource: ResourceName): number | undefined {
  return amountsOf(field(field(container, 'resources'), 'limits'))[resource];
}

/** Nanocores in a core: kubelets and requests have no finer amounts. */
const perCore = 1e9;

/** Sums cores, or bytes, without the noise of binary fractions: 0.1 and 0.2 cores are 0.3. */
export function sumOf(numbers: readonly number[]): number {
  const sum = numbers.reduce((total, number) => total + number, 0);
  return Number.isInteger(sum) ? sum : Math.round(sum * perCore) / perCore;
}

function runningContainers(spec: unknown): readonly unknown[] {
  return [...items(field(spec, 'containers')), ...items(field(spec, 'initContainers')).filter(isSidecar)];
}
