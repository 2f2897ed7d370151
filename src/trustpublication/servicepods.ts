/** The pods that a Service selects, and which of them would fail if kube-apiserver began to verify. */
import { conditionOf } from '../client/conditions.ts';
import { field, items, text, textMap } from '../client/json.ts';
import type { RootOwner } from '../tls/podroot.ts';

export interface ServicePod extends RootOwner {
  readonly ready: boolean;
  /** Whether its containers have ended for good. */
  readonly ended: boolean;
  readonly deleting: boolean;
  /** IP addresses of its status. */
  readonly addresses: readonly string[];
  /** The label pod-template-hash: equal for pods of one ReplicaSet, which run the same program. */
  readonly template: string | undefined;
}

/** @param list a PodList of all phases, also of pods that are not ready. */
export function readServicePods(list: unknown): readonly ServicePod[] {
  return items(field(list, 'items')).map(readServicePod);
}

function readServicePod(object: unknown): ServicePod {
  const metadata = field(object, 'metadata');
  const status = field(object, 'status');
  const phase = text(field(status, 'phase'));
  return {
    namespace: text(field(metadata, 'namespace')) ?? '',
    pod: text(field(metadata, 'name')) ?? '',
    uid: text(field(metadata, 'uid')) ?? '',
    ready: conditionOf(object, 'Ready')?.status === 'True',
    ended: phase === 'Succeeded' || phase === 'Failed',
    deleting: field(metadata, 'deletionTimestamp') !== undefined,
    addresses: items(field(status, 'podIPs')).flatMap((each) => text(field(each, 'ip')) ?? []),
    template: textMap(field(metadata, 'labels')).get('pod-template-hash'),
  };
}

/**
 * Returns the pods because of which verification must not begin: those that serve or may serve without a staged root.
 * A pod of our own template that is not ready does not count: it becomes ready only once its root is staged, or, after
 * the switch, once the bundle holds it.
 * @param staged UIDs of pods with a staged root.
 * @param template of our own pod.
 */
export function podsWithoutRoot(
  pods: readonly ServicePod[],
  staged: ReadonlySet<string>,
  template: string | undefined,
): readonly ServicePod[] {
  return pods.filter((pod) => {
    if (pod.ended || staged.has(pod.uid)) return false;
    if (pod.ready) return true;
    return !pod.deleting && !isOfTemplate(pod, template);
  });
}

/** Returns the ready pods of another program or version. */
export function readyStrangers(pods: readonly ServicePod[], template: string | undefined): readonly ServicePod[] {
  return pods.filter((pod) => pod.ready && !pod.ended && !isOfTemplate(pod, template));
}

/** Returns a ready pod that stays, other than the given one. */
export function readyPodBeside(pods: readonly ServicePod[], uid: string): ServicePod | undefined {
  return pods.find((pod) => pod.ready && !pod.ended && !pod.deleting && pod.uid !== uid);
}

function isOfTemplate(pod: ServicePod, template: string | undefined): boolean {
  return template !== undefined && pod.template === template;
}
