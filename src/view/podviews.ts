/** Makes views of pods and containers of Pod objects and usages. */
import { field, items, text, textMap } from '../client/json.ts';
import {
  isSidecar,
  keyOf as factsKey,
  makerOf,
  mostTelling,
  type PodFacts,
  parsePodFacts,
} from '../doctor/pods/podfacts.ts';
import { firstUsageMsOf, parseTimeMs } from '../doctor/times.ts';
import { foreignText } from '../foreigntext.ts';
import { defined } from './defined.ts';
import { podRestartsOf, podStatusOf } from './podstatus.ts';
import {
  type Amounts,
  limitedTo,
  limitOf,
  requestedBy,
  requestOf,
  type ResourceName,
  sumOf,
  withRequest,
} from './resources.ts';
import type { ContainerView, PodView, ResourceView } from './types.ts';
import type { MeasuredUsage } from './usages.ts';

/** What is kept of a Pod. */
export interface PodObject {
  readonly facts: PodFacts;
  /** Without usage. */
  readonly view: PodView;
  /** Names of the containers that the request is of; undefined: of all. */
  readonly withRequest: Readonly<Record<ResourceName, readonly string[] | undefined>>;
  /** When running containers started, by name, in milliseconds since the epoch. */
  readonly startedMs: ReadonlyMap<string, number>;
}

/** Returns `namespace/name`. */
export function keyOf({ facts }: PodObject): string {
  return factsKey(facts);
}

/** Returns undefined for an object without a name. */
export function parsePodObject(object: unknown): PodObject | undefined {
  const facts = parsePodFacts(object);
  if (facts === undefined) return undefined;
  const spec = field(object, 'spec');
  const metadata = field(object, 'metadata');
  const labels = textMap(field(metadata, 'labels'));
  const containers = containersOf(object);
  const view = (resource: ResourceName) =>
    defined({ requested: requestedBy(spec, resource), limit: limitedTo(spec, resource) });
  return {
    facts,
    withRequest: { cpu: withRequest(spec, 'cpu'), memory: withRequest(spec, 'memory') },
    startedMs: startTimesOf(object),
    view: defined({
      namespace: facts.namespace,
      name: facts.name,
      uid: text(field(metadata, 'uid')),
      createdMs: parseTimeMs(field(metadata, 'creationTimestamp')),
      node: facts.node,
      workload: workloadOf(facts, labels),
      phase: facts.phase,
      status: podStatusOf(object),
      restarts: podRestartsOf(object),
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

/** @param source undefined if it is not known. @param nowMs kube-apiserver's time. */
export function withUsage(
  pod: PodObject,
  usage: MeasuredUsage,
  { source, nowMs }: { readonly source: string | undefined; readonly nowMs: number },
): PodView {
  const { view } = pod;
  const { cpu, memory } = used(view, usage);
  const firstMs = firstUsageMsOf(source === 'prometheus');
  const missing: ContainerView[] = [];
  const containers = view.containers.map((container) => {
    const numbers = usage.containers.get(container.name);
    if (numbers !== undefined || !shouldHaveUsage(pod, container)) return { ...container, ...used(container, numbers) };
    const startedMs = pod.startedMs.get(container.name);
    const isYoung = startedMs !== undefined && nowMs - startedMs < firstMs;
    const explained = { ...container, reason: whyWithoutUsage(container, isYoung ? firstMs : undefined) };
    missing.push(explained);
    return explained;
  });
  const partial = missing.length === 0 ? {} : { isPartial: true as const };
  return {
    ...view,
    cpu: { ...cpu, ...ofRequesting(pod, usage, 'cpu'), ...partial },
    memory: { ...memory, ...ofRequesting(pod, usage, 'memory'), ...partial },
    containers,
    ...defined({
      timestampMs: usage.timestampMs,
      windowSeconds: usage.windowSeconds,
      source,
      reason: whyPartial(missing),
    }),
  };
}

/** Reports whether a pod's usage lacks a container that has none: containers and sidecars until they have ended well, others while they run. */
function shouldHaveUsage({ facts }: PodObject, { name, state, reason }: ContainerView): boolean {
  if (!facts.containers.some((container) => container.name === name)) return state === 'running';
  return state !== 'terminated' || reason !== 'Completed';
}

/** @param youngMs of a container that started less than that ago; otherwise undefined. */
function whyWithoutUsage({ state, reason, restarts }: ContainerView, youngMs: number | undefined): string {
  if (reason !== undefined) return reason;
  if (youngMs !== undefined)
    return `it ${restarts > 0 ? 'restarted' : 'started'} less than ${youngMs / 1000} s ago; usage needs two samples`;
  return state === undefined || state === 'running' ? 'the server has no usage of it' : `it is ${state}`;
}

/** @param missing containers without usage, with reasons. */
function whyPartial(missing: readonly ContainerView[]): string | undefined {
  const { name, reason = '' } = mostTelling(missing) ?? {};
  if (name === undefined) return undefined;
  const others = missing.length === 1 ? '' : ` (and ${missing.length - 1} more)`;
  return `no usage of container ${name}${others}: ${foreignText(reason)}`;
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
  usage: Amounts | undefined,
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

/** Labels of pods with the hash of their template, by the kind that makes ReplicaSets of them. Rollout is that of Argo Rollouts. */
const hashLabels = [
  ['Deployment', 'pod-template-hash'],
  ['Rollout', 'rollouts-pod-template-hash'],
] as const;

function workloadOf({ owner }: PodFacts, labels: ReadonlyMap<string, string>): PodView['workload'] {
  if (owner?.kind !== 'ReplicaSet') return owner;
  for (const [kind, label] of hashLabels) {
    const name = makerOf(owner.name, labels.get(label));
    if (name !== undefined) return { kind, name };
  }
  return owner;
}

function startTimesOf(pod: unknown): ReadonlyMap<string, number> {
  const lists = ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses'];
  const statuses = lists.flatMap((list) => items(field(field(pod, 'status'), list)));
  return new Map(
    statuses.flatMap((status) => {
      const startedMs = parseTimeMs(field(field(field(status, 'state'), 'running'), 'startedAt'));
      return startedMs === undefined ? [] : [[text(field(status, 'name')) ?? '', startedMs] as const];
    }),
  );
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
