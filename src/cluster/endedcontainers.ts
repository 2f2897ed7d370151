/**
 * Reads which containers of a running pod have ended for good: the kubelet stops reporting them, as it does for a scrape or two with containers that run on. The
 * container statuses are surer than any number of scrapes without a row, and kubelets write them within a second or so of a container's end.
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

/** What is read of a Pod's spec; field numbers here are those of k8s.io/api's core/v1/generated.proto. */
export const specFields: Message = {
  2: { name: 'containers', kind: 'list', message: { 24: { name: 'restartPolicy', kind: 'word' } }, requires: [[24]] },
  3: { name: 'restartPolicy', kind: 'word' },
};

/** The status of a Pod: read only if a container has terminated, which is rare. Otherwise this would add half of what a pod costs (2 of 4.5 us). */
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
 * Returns the names of the containers that have ended and are not started again, joined by "/"; "" if there are none. They are:
 * - ephemeral containers that have terminated;
 * - init containers that have succeeded. Kubelets set `ready` for these, but not for sidecars, which they start again (UpdatePodStatus in
 *   pkg/kubelet/prober/prober_manager.go);
 * - containers that have terminated, if the pod's restartPolicy starts none of them again. A container with a restartPolicy of its own (KEP-5307) may be started
 *   again, so the containers of such a pod do not count.
 */
export function endedContainers(pod: unknown): string {
  const status = field(pod, 'status');
  // Of nearly all pods, in protobuf.
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

/** Reports whether names as of endedContainers have the container. */
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
