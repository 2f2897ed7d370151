/** Says why pods behind a Service are not ready. */
import { conditionOf } from '../../client/conditions.ts';
import { field, items, text, textMap } from '../../client/json.ts';
import type { ClusterReader } from '../clusterreader.ts';
import type { Finding } from '../finding.ts';
import { command, comment, jsonPatch } from '../remedy.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { explainCrash } from './crashed.ts';
import { plainProbes } from './probes.ts';
import { parseTimeMs } from '../times.ts';
import { type ServiceAddress, serviceObject } from './registration.ts';
import { kindOfImage, type PodBehindService, readTemplate, servingContainer } from './servingpods.ts';

/** Pods that are described; the others of a Deployment have the same fault. */
const describedPods = 3;

/** @param othersServe whether the Service has ready pods beside these. */
export async function* podsNotReady(
  api: ClusterReader,
  address: ServiceAddress,
  pods: readonly PodBehindService[],
  othersServe = false,
): AsyncIterable<Finding> {
  for (const pod of pods.slice(0, describedPods)) {
    const why = whyNotReady(pod);
    const { reason, message, remedy } = (await explained(api, why, pod)) ?? { ...why, remedy: undefined };
    yield {
      code: 'pods-not-ready',
      severity: othersServe ? 'warning' : 'error',
      object: `Pod ${pod.namespace}/${pod.name}`,
      problem: othersServe
        ? `it has not been ready for ${longMs / 60_000} minutes; others serve ${serviceObject(address)}`
        : `no pod behind ${serviceObject(address)} is ready`,
      evidence: message === '' ? reason : `${reason}: ${message}`,
      remedy: remedy ?? command('kubectl', 'describe', 'pod', '--namespace', pod.namespace, pod.name),
    };
  }
}

/** Milliseconds. A pod starts, and a rollout replaces it, in less. */
const longMs = 300_000;

/** Reports whether a pod that is to serve has not been ready for minutes, as in a rollout that does not end. */
export function waitsForLong({ ready, deleting, object, created }: PodBehindService, nowMs: number): boolean {
  const sinceMs = parseTimeMs(conditionOf(object, 'Ready')?.lastTransitionTime) ?? parseTimeMs(created);
  return !ready && !deleting && sinceMs !== undefined && nowMs - sinceMs > longMs;
}

interface Reason {
  readonly reason: string;
  readonly message: string;
  /** The container that waits, or has ended; undefined where it is not a container. */
  readonly container?: string;
}

function whyNotReady({ object, deleting }: PodBehindService): Reason {
  const status = field(object, 'status');
  for (const each of items(field(status, 'containerStatuses'))) {
    const container = text(field(each, 'name')) ?? '';
    const ended = field(field(each, 'lastState'), 'terminated') ?? field(field(each, 'state'), 'terminated');
    const waiting = field(field(each, 'state'), 'waiting');
    const reason = text(field(waiting, 'reason'));
    if (field(each, 'ready') !== true && text(field(ended, 'reason')) === 'OOMKilled')
      return { reason: 'OOMKilled', message: 'it needs more memory than its limit', container };
    if (reason !== undefined) return { reason, message: text(field(waiting, 'message')) ?? '', container };
  }
  const scheduled = conditionOf(object, 'PodScheduled');
  if (scheduled?.status === 'False') return scheduled;
  const ready = conditionOf(object, 'Ready');
  if (ready?.reason) return ready;
  return { reason: deleting ? 'it is being deleted' : (text(field(status, 'phase')) ?? 'unknown'), message: '' };
}

interface Explained extends Reason {
  readonly remedy: string;
}

const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
]);

/** Returns undefined where nothing more than the reason is known. */
async function explained(api: ClusterReader, why: Reason, pod: PodBehindService): Promise<Explained | undefined> {
  const { namespace, name, deployment } = pod;
  const { reason, message } = why;
  const owner = deployment === undefined ? undefined : await readOwner(api, namespace, deployment);
  const named = deployment ?? '';
  const describe = command('kubectl', 'describe', 'pod', '--namespace', namespace, name);
  if (imageReasons.has(reason) && deployment !== undefined) {
    return { ...why, remedy: await otherImage(api, pod, deployment) };
  }
  if (reason === 'OOMKilled') {
    const remedy = owner && raisedLimit(pod, why.container ?? '');
    return remedy === undefined ? undefined : { ...why, remedy };
  }
  const plain = isRunning(pod) || reason === 'CrashLoopBackOff' ? plainProbes(pod, owner?.object) : undefined;
  if (plain !== undefined) return { ...why, message: plain.message, remedy: plain.remedy ?? describe };
  if (reason === 'CrashLoopBackOff') {
    const crashed = { pod, container: why.container, owner: owner?.object };
    return { ...why, ...(await explainCrash(api, crashed, message)) };
  }
  if (reason === 'Unschedulable' && isControlPlaneOnly(message) && owner?.object !== undefined) {
    return { ...why, remedy: tolerateControlPlane(namespace, named, owner.object) };
  }
  if (reason === 'Unschedulable' && keptApart.test(message)) {
    const remedy = owner && preferApart(namespace, named, owner.object);
    return remedy === undefined ? undefined : { ...why, remedy };
  }
  if (reason === 'ContainersNotReady' && isRunning(pod)) {
    return {
      ...why,
      message: `${message}; its readiness probe fails, as it does while no kubelet can be read`,
      remedy: `kubegauge doctor kubelets rights\n${describe}`,
    };
  }
  return undefined;
}

interface Owner {
  /** The Deployment; undefined if it may not be read. */
  readonly object: unknown;
}

async function readOwner(api: ClusterReader, namespace: string, deployment: string): Promise<Owner> {
  try {
    return { object: await api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`) };
  } catch (error) {
    if (error instanceof UncheckedError) return { object: undefined };
    throw error;
  }
}

/**
 * Returns the way back to the previous image, if that is of the same server. APIServices fit one server only: back from
 * kubegauge, kube-apiserver does not accept metrics-server's certificate, and asks it for v1.
 */
async function otherImage(
  api: ClusterReader,
  { namespace, name, containers }: PodBehindService,
  deployment: string,
): Promise<string> {
  const describe = command('kubectl', 'describe', 'pod', '--namespace', namespace, name);
  const previous = await previousImage(api, namespace, deployment);
  if (previous === undefined) return describe;
  const image = servingContainer(containers)?.image ?? '';
  if (kindOfImage(image) === kindOfImage(previous))
    return command('kubectl', 'rollout', 'undo', '--namespace', namespace, `deployment/${deployment}`);
  const way = `before it ran ${previous}; the way back to another server has more steps: docs/upgrade-and-go-back.md of kubegauge`;
  return `${comment(way)}\n${describe}`;
}

/** Returns the server's image in the previous revision; undefined if there is none, or it may not be read. */
async function previousImage(api: ClusterReader, namespace: string, deployment: string): Promise<string | undefined> {
  try {
    const sets = (await api.list(`/apis/apps/v1/namespaces/${namespace}/replicasets`)) ?? [];
    const own = sets.filter((set) =>
      items(field(field(set, 'metadata'), 'ownerReferences')).some(
        (owner) => field(owner, 'kind') === 'Deployment' && field(owner, 'name') === deployment,
      ),
    );
    const [, previous] = own.toSorted((a, b) => revisionOf(b) - revisionOf(a));
    return previous === undefined ? undefined : servingContainer(readTemplate(previous))?.image;
  } catch (error) {
    if (error instanceof UncheckedError) return undefined;
    throw error;
  }
}

function revisionOf(set: unknown): number {
  const revision = textMap(field(field(set, 'metadata'), 'annotations')).get('deployment.kubernetes.io/revision');
  return Number(revision ?? 0) || 0;
}

function isRunning({ object }: PodBehindService): boolean {
  const statuses = items(field(field(object, 'status'), 'containerStatuses'));
  return statuses.length > 0 && statuses.every((each) => field(field(each, 'state'), 'running') !== undefined);
}

/** Returns undefined for a container without a limit: its node ran out of memory. */
function raisedLimit({ namespace, deployment = '', object }: PodBehindService, container: string): string | undefined {
  const spec = items(field(field(object, 'spec'), 'containers')).find((each) => field(each, 'name') === container);
  const limit = text(field(field(field(spec, 'resources'), 'limits'), 'memory'));
  const [, number, unit] = /^(\d{1,6})([KMG]i?)$/.exec(limit ?? '') ?? [];
  if (number === undefined) return undefined;
  const doubled = `memory=${Number(number) * 2}${unit ?? ''}`;
  const where = ['--namespace', namespace, `deployment/${deployment}`, `--containers=${container}`];
  return command('kubectl', 'set', 'resources', ...where, `--limits=${doubled}`, `--requests=${doubled}`);
}

const controlPlaneTaints = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** Reports whether every node is a control-plane node, as in a cluster of one. */
function isControlPlaneOnly(message: string): boolean {
  const [, all, tainted, taint = ''] =
    /^0\/(\d{1,5}) nodes are available: (\d{1,5}) node\(s\) had (?:untolerated )?taint \{([a-z0-9./-]{1,300})/.exec(
      message,
    ) ?? [];
  return all !== undefined && all === tainted && controlPlaneTaints.includes(taint);
}

function tolerateControlPlane(namespace: string, deployment: string, owner: unknown): string {
  const present = items(field(field(field(field(owner, 'spec'), 'template'), 'spec'), 'tolerations'));
  const added = controlPlaneTaints.map((key) => ({ key, operator: 'Exists', effect: 'NoSchedule' }));
  return jsonPatch('deployment', namespace, deployment, [
    { op: 'add', path: '/spec/template/spec/tolerations', value: [...present, ...added] },
  ]);
}

/** The scheduler's words: for the pod's own rules, and for those of a pod that runs. */
const keptApart = /didn't (?:match pod|satisfy existing pods) anti-affinity rules/;

/**
 * Lets replicas share a node where there is no other, as manifests/components/high-availability does; undefined where
 * the Deployment cannot be read or does not keep them apart. A pod of the old rules keeps those of the new ones off its
 * node, and a rolling update may keep that pod: so there is none for a moment.
 */
function preferApart(namespace: string, deployment: string, owner: unknown): string | undefined {
  const affinity = field(field(field(field(owner, 'spec'), 'template'), 'spec'), 'affinity');
  const present = field(affinity, 'podAntiAffinity');
  const required = items(field(present, 'requiredDuringSchedulingIgnoredDuringExecution'));
  if (required.length === 0) return undefined;
  const preferred = items(field(present, 'preferredDuringSchedulingIgnoredDuringExecution'));
  const added = required.map((podAffinityTerm) => ({ weight: 100, podAffinityTerm }));
  const value = { preferredDuringSchedulingIgnoredDuringExecution: [...preferred, ...added] };
  const path = '/spec/template/spec/affinity/podAntiAffinity';
  const replicas = field(field(owner, 'spec'), 'replicas');
  const where = ['--namespace', namespace, `deployment/${deployment}`] as const;
  return [
    comment('metrics are away for a moment: a pod of the old rules keeps those of the new ones off its node'),
    command('kubectl', 'scale', ...where, '--replicas=0'),
    command('kubectl', 'rollout', 'status', ...where),
    jsonPatch('deployment', namespace, deployment, [
      { op: 'replace', path, value },
      { op: 'add', path: '/spec/replicas', value: typeof replicas === 'number' ? replicas : 1 },
    ]),
  ].join('\n');
}
