/**
 * Finds containers of running pods that ended for good. Statuses, written within a second or so, are surer than missing
 * rows: kubelets omit running containers for a scrape or two.
 */
import { field, items, text } from '../client/json.ts';
import type { Message, WireField } from '../client/protobufreader.ts';

const terminated: WireField = {
  name: 'terminated',
  kind: 'message',
  message: { 1: { name: 'exitCode', kind: 'integer' } },
};

function statuses(name: string): WireField {
  const state: WireField = { name: 'state', kind: 'message', message: { 3: terminated } };
  return {
    name,
    kind: 'list',
    message: { 1: { name: 'name', kind: 'word' }, 2: state, 4: { name: 'ready', kind: 'integer' } },
  };
}

/** Parts of a Pod; field numbers are those of k8s.io/api's core/v1/generated.proto. */
export const specFields: Message = {
  2: { name: 'containers', kind: 'list', message: { 24: { name: 'restartPolicy', kind: 'word' } }, requires: [[24]] },
  3: { name: 'restartPolicy', kind: 'word' },
};

/** Read only if a container has terminated, which is rare: it would add half of a pod's cost (2 of 4.5 us). */
export const statusField: WireField = {
  name: 'status',
  kind: 'message',
  message: {
    8: statuses('containerStatuses'),
    10: statuses('initContainerStatuses'),
    13: statuses('ephemeralContainerStatuses'),
  },
  requires: [[8, 10, 13], [2], [3]],
};

/**
 * Returns the names of containers that ended and are not restarted, joined by "/"; "" for none:
 * - terminated ephemeral containers;
 * - succeeded init containers. Kubelets set `ready` for these, but not for sidecars (UpdatePodStatus in
 * pkg/kubelet/prober/prober_manager.go);
 * - terminated containers, if the pod's restartPolicy restarts none. A restartPolicy per container (KEP-5307) may
 * restart, so it excludes the pod's containers.
 */
export function endedContainers(pod: unknown): string {
  const status = field(pod, 'status');
  // Nearly all pods in protobuf.
  if (status === undefined) return '';
  const spec = field(pod, 'spec');
  const of = (kind: string) => items(field(status, kind)).filter(hasTerminated);
  const ended = [
    ...of('ephemeralContainerStatuses'),
    ...of('initContainerStatuses').filter((each) => Boolean(field(each, 'ready')) && exitCodeOf(each) === 0),
    ...of('containerStatuses').filter((each) => isFinal(spec, exitCodeOf(each))),
  ];
  return ended.map((each) => text(field(each, 'name')) ?? '').join('/');
}

/** Reports whether names of endedContainers include the container. */
export function includesContainer(names: string, container: string): boolean {
  return names !== '' && names.split('/').includes(container);
}

function hasTerminated(status: unknown): boolean {
  return field(field(status, 'state'), 'terminated') !== undefined;
}

function exitCodeOf(status: unknown): unknown {
  return field(field(field(status, 'state'), 'terminated'), 'exitCode');
}

function isFinal(spec: unknown, exitCode: unknown): boolean {
  const policy = field(spec, 'restartPolicy');
  if (policy !== 'Never' && !(policy === 'OnFailure' && exitCode === 0)) return false;
  return items(field(spec, 'containers')).every((each) => (field(each, 'restartPolicy') ?? '') === '');
}
