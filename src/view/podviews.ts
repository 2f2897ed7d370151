/** Makes views of pods and containers of Pod objects and usages. */
import { field, items, text, textMap } from '../client/json.ts';
import { mostTelling, type PodFacts, parsePodFacts } from '../doctor/pods/podfacts.ts';
import { defined } from './nodeviews.ts';
import { podStatusOf } from './podstatus.ts';
import {
  isSidecar,
  limitedTo,
  limitOf,
  requestedBy,
  requestOf,
  type ResourceName,
  sumOf,
  withRequest,
} from './resources.ts';
import type { ContainerView, PodView, ResourceView } from './types.ts';
import type { MeasuredUsage, UsageNumbers } from './usages.ts';

/** What is kept of a Pod. */
export interface PodObject {
  readonly facts: PodFacts;
  /** Without usage. */
  readonly view: PodView;
  /** Names of the containers that the request is of; undefined: of all. */
  readonly withRequest: Readonly<Record<ResourceName, readonly string[] | undefined>>;
}

/** Returns undefined for an object without a name. */
export function parsePodObject(object: unknown): PodObject | undefined {
  const facts = parsePodFacts(object);
  if (facts === undefined) return undefined;
  const spec = field(object, 'spec');
  const labels = textMap(field(field(object, 'metadata'), 'labels'));
  const containers = containersOf(object);
  const view = (resource: ResourceName) =>
    defined({ requested: requestedBy(spec, resource), limit: limitedTo(spec, resource) });
  return {
    facts,
    withRequest: { cpu: withRequest(spec, 'cpu'), memory: withRequest(spec, 'memory') },
    view: defined({
      namespace: facts.namespace,
      name: facts.name,
      uid: text(field(field(object, 'metadata'), 'uid')),
      node: facts.node,
      workload: workloadOf(facts, labels),
      phase: facts.phase,
      status: podStatusOf(object),
      restarts: containers.reduce((sum, { restarts }) => sum + restarts, 0),
      labels: Object.fromEntries(labels),
      cpu: view('cpu'),
      memory: view('memory'),
      containers,
    }),
  };
}

/** @param reason why there is no usage. */
export function withoutUsage({ view }: PodObject, reason: string | undefined): PodView {
  return { ...view, ...defined({ reason }) };
}

/** @param source undefined if it is not known. */
export function withUsage(pod: PodObject, usage: MeasuredUsage, source: string | undefined): PodView {
  const { view } = pod;
  const { cpu, memory } = used(view, usage);
  return {
    ...view,
    cpu: { ...cpu, ...ofRequesting(pod, usage, 'cpu') },
    memory: { ...memory, ...ofRequesting(pod, usage, 'memory') },
    containers: view.containers.map((container) => ({
      ...container,
      ...used(container, usage.containers.get(container.name)),
    })),
    ...defined({ timestampMs: usage.timestampMs, windowSeconds: usage.windowSeconds, source }),
  };
}

/** A container without a request, such as a debugger's, must not make it look as if the others used more than they request. */
function ofRequesting(
  { view, withRequest: names }: PodObject,
  { containers }: MeasuredUsage,
  resource: ResourceName,
): Pick<ResourceView, 'usedWithRequest'> {
  if (names[resource] === undefined || view[resource].requested === undefined) return {};
  const requesting = new Set(names[resource]);
  const counted = [...containers].filter(([name]) => requesting.has(name));
  if (counted.length === containers.size) return {};
  return { usedWithRequest: sumOf(counted.map(([, numbers]) => numbers[resource] ?? 0)) };
}

function used(
  { cpu, memory }: Pick<PodView, 'cpu' | 'memory'>,
  usage: UsageNumbers | undefined,
): Pick<PodView, 'cpu' | 'memory'> {
  return {
    cpu: { ...cpu, ...defined({ used: usage?.cpu }) },
    memory: { ...memory, ...defined({ used: usage?.memory }) },
  };
}

/** Returns the container that keeps the pod from running: before the others, an init container that fails. */
export function stoppedContainer({ containers }: Pick<PodView, 'containers'>): ContainerView | undefined {
  const stopped = mostTelling(containers.filter(({ kind, state }) => kind === 'container' && state !== 'running'));
  if (stopped?.reason !== initializing) return stopped;
  const failing = mostTelling(
    containers.filter(
      ({ kind, state, reason }) =>
        kind === 'init' && state !== 'running' && reason !== undefined && reason !== initializing,
    ),
  );
  return failing ?? stopped;
}

/** The kubelet's reason for all containers that wait for an init container, also for one that fails. */
const initializing = 'PodInitializing';

/** Returns why a container does not run, with its name where it is an init container. */
export function stopReasonOf(container: ContainerView | undefined): string | undefined {
  const { kind, name, reason } = container ?? {};
  return kind === 'init' ? `init container ${name}: ${reason}` : reason;
}

/** A ReplicaSet's name is its Deployment's and the hash that its pods have as a label. */
function workloadOf({ owner }: PodFacts, labels: ReadonlyMap<string, string>): PodView['workload'] {
  const hash = labels.get('pod-template-hash');
  if (owner?.kind !== 'ReplicaSet' || hash === undefined || !owner.name.endsWith(`-${hash}`)) return owner;
  return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
}

function containersOf(pod: unknown): readonly ContainerView[] {
  const spec = field(pod, 'spec');
  const status = field(pod, 'status');
  const of = (kind: ContainerView['kind'], specs: unknown, statuses: unknown): readonly ContainerView[] => {
    const byName = new Map(items(statuses).map((each) => [field(each, 'name'), each]));
    return items(specs).map((each) => toContainer(kind, each, byName.get(field(each, 'name'))));
  };
  return [
    ...of('container', field(spec, 'containers'), field(status, 'containerStatuses')),
    ...of('init', field(spec, 'initContainers'), field(status, 'initContainerStatuses')),
    ...of('ephemeral', field(spec, 'ephemeralContainers'), field(status, 'ephemeralContainerStatuses')),
  ];
}

function toContainer(kind: ContainerView['kind'], container: unknown, status: unknown): ContainerView {
  const restarts = field(status, 'restartCount');
  const states = ['running', 'waiting', 'terminated'];
  const state = states.find((each) => field(field(status, 'state'), each) !== undefined);
  const reason = text(field(field(field(status, 'state'), state ?? ''), 'reason'));
  // An init container that has ended well is no news.
  const isDone = kind === 'init' && !isSidecar(container) && reason === 'Completed';
  const view = (resource: ResourceName) =>
    defined({ requested: requestOf(container, resource), limit: limitOf(container, resource) });
  return defined({
    name: text(field(container, 'name')) ?? '',
    kind,
    cpu: view('cpu'),
    memory: view('memory'),
    restarts: typeof restarts === 'number' ? restarts : 0,
    state,
    reason: isDone ? undefined : reason,
  });
}
