/** Says why pods behind a Service are not ready. */
import { conditionOf } from '../../client/conditions.ts';
import { field, items, text, textMap } from '../../client/json.ts';
import type { ClusterReader } from '../clusterreader.ts';
import type { Finding } from '../finding.ts';
import { command } from '../remedy.ts';
import { UncheckedError } from '../uncheckederror.ts';
import { type ServiceAddress, serviceObject } from './registration.ts';
import type { PodBehindService } from './servingpods.ts';

/** Pods that are described; the others of a Deployment have the same fault. */
const describedPods = 3;

export async function* podsNotReady(
  api: ClusterReader,
  address: ServiceAddress,
  pods: readonly PodBehindService[],
): AsyncIterable<Finding> {
  for (const pod of pods.slice(0, describedPods)) {
    const { reason, message } = whyNotReady(pod);
    yield {
      code: 'pods-not-ready',
      severity: 'error',
      object: `Pod ${pod.namespace}/${pod.name}`,
      problem: `no pod behind ${serviceObject(address)} is ready`,
      evidence: message === '' ? reason : `${reason}: ${message}`,
      remedy: await remedyFor(api, reason, pod),
    };
  }
}

function whyNotReady({ object, deleting }: PodBehindService): { readonly reason: string; readonly message: string } {
  const status = field(object, 'status');
  for (const container of items(field(status, 'containerStatuses'))) {
    const waiting = field(field(container, 'state'), 'waiting');
    const reason = text(field(waiting, 'reason'));
    if (reason !== undefined) return { reason, message: text(field(waiting, 'message')) ?? '' };
  }
  const scheduled = conditionOf(object, 'PodScheduled');
  if (scheduled?.status === 'False') return scheduled;
  const ready = conditionOf(object, 'Ready');
  if (ready?.reason) return ready;
  return { reason: deleting ? 'it is being deleted' : (text(field(status, 'phase')) ?? 'unknown'), message: '' };
}

const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
]);

async function remedyFor(api: ClusterReader, reason: string, pod: PodBehindService): Promise<string> {
  const { namespace, name, deployment } = pod;
  if (imageReasons.has(reason) && deployment !== undefined && (await hasEarlierRevision(api, namespace, deployment))) {
    return command('kubectl', 'rollout', 'undo', '--namespace', namespace, `deployment/${deployment}`);
  }
  if (reason === 'CrashLoopBackOff') return command('kubectl', 'logs', '--namespace', namespace, name, '--previous');
  return command('kubectl', 'describe', 'pod', '--namespace', namespace, name);
}

/** Reports whether there may be an earlier revision: also where the Deployment cannot be read. */
async function hasEarlierRevision(api: ClusterReader, namespace: string, deployment: string): Promise<boolean> {
  try {
    const object = await api.get(`/apis/apps/v1/namespaces/${namespace}/deployments/${deployment}`);
    return textMap(field(field(object, 'metadata'), 'annotations')).get('deployment.kubernetes.io/revision') !== '1';
  } catch (error) {
    if (error instanceof UncheckedError) return true;
    throw error;
  }
}
