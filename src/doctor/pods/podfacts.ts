/** A pod, as far as its usage depends on it. */
import { parseTimeMs } from '../times.ts';
import { conditionOf } from '../../client/conditions.ts';
import { field, items, text, textMap } from '../../client/json.ts';

export interface ContainerFacts {
  readonly name: string;
  /** Resource names. */
  readonly requests: ReadonlySet<string>;
  readonly state: 'running' | 'waiting' | 'terminated' | 'unknown';
  /** Milliseconds since the epoch; of a running container. */
  readonly startedMs: number | undefined;
  /** Such as CrashLoopBackOff, of a container that does not run. */
  readonly reason: string | undefined;
}

/** Returns the container that explains best: one that has ended may rest for good while another one is retried and fails. */
export function mostTelling<T extends { readonly state?: string; readonly reason?: string | undefined }>(
  stopped: readonly T[],
): T | undefined {
  return (
    stopped.find(({ state }) => state === 'waiting') ??
    stopped.find(({ state, reason }) => state === 'terminated' && reason !== 'Completed') ??
    stopped[0]
  );
}

export interface PodFacts {
  readonly namespace: string;
  readonly name: string;
  readonly node: string | undefined;
  readonly phase: string;
  readonly isDeleting: boolean;
  readonly isReady: boolean;
  readonly hostNetwork: boolean;
  readonly isHostProcess: boolean;
  /** Resource names of pod-level requests (KEP-2837). */
  readonly podRequests: ReadonlySet<string>;
  /** The controller. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined;
  /** Message of the scheduler for a pod without a node. */
  readonly unschedulable: string | undefined;
  /** Containers and sidecars; other init containers have no usage once the pod runs. */
  readonly containers: readonly ContainerFacts[];
}

/** Reports whether all containers have ended for good. */
export function hasEnded({ phase }: Pick<PodFacts, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Reports whether an init container of a Pod's spec runs beside the others (KEP-753). */
export function isSidecar(container: unknown): boolean {
  return field(container, 'restartPolicy') === 'Always';
}

/**
 * Returns the name of what made a ReplicaSet, such as a Deployment; undefined if the ReplicaSet is not named after it.
 * @param hash that of the template, which its pods have as a label.
 */
export function makerOf(replicaSet: string, hash: string | undefined): string | undefined {
  const end = `-${hash}`;
  return hash !== undefined && replicaSet.endsWith(end) ? replicaSet.slice(0, -end.length) : undefined;
}

/** Returns `namespace/name`. */
export function keyOf({ namespace, name }: PodFacts): string {
  return `${namespace}/${name}`;
}

/** Returns undefined for an object without a name. */
export function parsePodFacts(object: unknown): PodFacts | undefined {
  const metadata = field(object, 'metadata');
  const spec = field(object, 'spec');
  const status = field(object, 'status');
  const name = text(field(metadata, 'name'));
  const namespace = text(field(metadata, 'namespace'));
  if (name === undefined || namespace === undefined) return undefined;
  const scheduled = conditionOf(object, 'PodScheduled');
  const sidecars = items(field(spec, 'initContainers')).filter(isSidecar);
  const statuses = new Map(
    [...items(field(status, 'initContainerStatuses')), ...items(field(status, 'containerStatuses'))].map((each) => [
      text(field(each, 'name')),
      each,
    ]),
  );
  return {
    namespace,
    name,
    node: text(field(spec, 'nodeName')) || undefined,
    phase: text(field(status, 'phase')) ?? 'Unknown',
    isDeleting: field(metadata, 'deletionTimestamp') !== undefined,
    isReady: conditionOf(object, 'Ready')?.status === 'True',
    hostNetwork: field(spec, 'hostNetwork') === true,
    isHostProcess: isHostProcess(spec),
    podRequests: namesIn(field(field(spec, 'resources'), 'requests')),
    owner: ownerOf(metadata),
    unschedulable: scheduled?.status === 'False' ? scheduled.message || undefined : undefined,
    containers: [...items(field(spec, 'containers')), ...sidecars].flatMap(
      (each) => containerFacts(each, statuses.get(text(field(each, 'name')))) ?? [],
    ),
  };
}

function containerFacts(container: unknown, status: unknown): ContainerFacts | undefined {
  const name = text(field(container, 'name'));
  if (name === undefined) return undefined;
  const state = field(status, 'state');
  const running = field(state, 'running');
  const waiting = field(state, 'waiting');
  const terminated = field(state, 'terminated');
  return {
    name,
    requests: namesIn(field(field(container, 'resources'), 'requests')),
    state:
      running !== undefined
        ? 'running'
        : waiting !== undefined
          ? 'waiting'
          : terminated !== undefined
            ? 'terminated'
            : 'unknown',
    startedMs: parseTimeMs(field(running, 'startedAt')),
    reason: text(field(waiting, 'reason')) ?? text(field(terminated, 'reason')),
  };
}

function isHostProcess(spec: unknown): boolean {
  const of = (holder: unknown) => field(field(field(holder, 'securityContext'), 'windowsOptions'), 'hostProcess');
  return of(spec) === true || items(field(spec, 'containers')).some((container) => of(container) === true);
}

function ownerOf(metadata: unknown): PodFacts['owner'] {
  const owner = items(field(metadata, 'ownerReferences')).find((each) => field(each, 'controller') === true);
  const kind = text(field(owner, 'kind'));
  const name = text(field(owner, 'name'));
  return kind === undefined || name === undefined ? undefined : { kind, name };
}

function namesIn(map: unknown): ReadonlySet<string> {
  return new Set(textMap(map).keys());
}
