/** Two replicas of the server as pods: manifests/base with the component for high availability, and a look at each of them. */
import { X509Certificate } from 'node:crypto';
import type { V1Deployment, V1Pod } from '@kubernetes/client-node';
import type { KubernetesObject } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import type { Harness } from './harness.ts';
import { buildManifests } from './kustomized.ts';
import { metricsServerRelease } from './metricsserver.ts';
import { fitToCluster, listServerPods, rolledOut } from './podserver.ts';
import { apply } from './pods.ts';
import { removeObjects } from './registration.ts';

export interface Replica {
  readonly name: string;
  readonly ip: string;
  readonly containerId: string;
  readonly image: string;
}

export interface Replicas {
  readonly deployment: V1Deployment;
  /** The name of their image, as in the manifests. */
  readonly image: string;
  /** Returns the pods that are there, those that end included. */
  pods(): Promise<V1Pod[]>;
  /** Resolves when there are two pods, both Ready, and none that ends. */
  settled(): Promise<readonly Replica[]>;
  /** Patches the container of the Deployment. Resolves when its pods have replaced the others, which are gone. */
  change(container: { readonly image?: string; readonly extraArgs?: readonly string[] }): Promise<readonly Replica[]>;
  /** Replaces the pods by new ones of the same kind, as `change` does. */
  restart(): Promise<readonly Replica[]>;
  /** Returns the serial number of the serving certificate of each replica. */
  serials(): Promise<ReadonlyMap<string, string>>;
  /** Returns a counter of each replica, summed over the series whose labels match. */
  counted(metric: string, labels: RegExp): Promise<ReadonlyMap<string, number>>;
  remove(): Promise<void>;
}

const settleTimeoutMs = 150_000;
const namespace = '--namespace=kube-system';

/**
 * Applies the manifests, or those of metrics-server. The Service's objects of a server outside of a pod must be gone.
 * @param args of all pods, beside those of the manifests.
 * @param firstArgs which only the first pods have; `change` drops them.
 */
export async function deployReplicas(
  shared: Harness,
  { args = [], firstArgs = [] }: { readonly args?: readonly string[]; readonly firstArgs?: readonly string[] } = {},
): Promise<Replicas> {
  const { cluster, credentials } = shared;
  const objects = await (shared.program.name === 'kubegauge' ? ownObjects(shared) : peerObjects(shared));
  const withArgs = (extra: readonly string[]) => objects.map((object) => addArgs(object, extra));
  const deployment = withArgs(args).find(({ kind }) => kind === 'Deployment') as KubernetesObject & V1Deployment;
  const [container] = deployment.spec?.template.spec?.containers ?? [];
  await apply(cluster, withArgs([...args, ...firstArgs]));
  const image = container?.image ?? '';
  const pods = () => listServerPods(cluster);
  return { deployment, image, pods, settled, change, restart, serials, counted, remove };

  function settled(): Promise<readonly Replica[]> {
    return waitFor(
      'two replicas that are Ready, and no other',
      async () => {
        const found = await pods();
        return found.length === 2 && found.every(isReady) && found.map(toReplica);
      },
      settleTimeoutMs,
      500,
    );
  }

  async function change({ image, extraArgs = [] }: { image?: string; extraArgs?: readonly string[] }) {
    const changed = {
      name: container?.name,
      ...(image && { image }),
      args: [...(container?.args ?? []), ...extraArgs],
    };
    const patch = JSON.stringify({ spec: { template: { spec: { containers: [changed] } } } });
    await cluster.kubectl(['patch', 'deployment/metrics-server', namespace, '--patch', patch]);
    await rolledOut(cluster, settleTimeoutMs);
    return settled();
  }

  async function restart(): Promise<readonly Replica[]> {
    await cluster.kubectl(['rollout', 'restart', 'deployment/metrics-server', namespace]);
    await rolledOut(cluster, settleTimeoutMs);
    return settled();
  }

  async function serials(): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    for (const { name, ip } of await settled()) {
      const shown = await cluster.runInNamespace('openssl', ['s_client', '-connect', `${ip}:10250`]);
      found.set(name, new X509Certificate(shown).serialNumber);
    }
    return found;
  }

  async function counted(metric: string, labels: RegExp): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { name, ip } of (await pods()).filter(isReady).map(toReplica)) {
      const { body } = await ask(cluster, `https://${ip}:10250/metrics`, { token: credentials.readerToken });
      const series = body.matchAll(new RegExp(`^${metric}(\\{.*\\})? (\\S+)$`, 'gm'));
      const values = [...series].filter(([, found = '']) => labels.test(found)).map(([, , value]) => Number(value));
      counts.set(
        name,
        values.reduce((sum, value) => sum + value, 0),
      );
    }
    return counts;
  }

  async function remove(): Promise<void> {
    await removeObjects(cluster, objects);
    await waitFor('the pods to be gone', async () => (await pods()).length === 0, settleTimeoutMs, 500);
  }
}

async function ownObjects({ cluster, folder, productImage }: Harness): Promise<KubernetesObject[]> {
  await productImage();
  return fitToCluster(cluster, await buildManifests(cluster, folder, ['high-availability']));
}

/** Its second replica would wait for a second node. */
async function peerObjects({ cluster, folder }: Harness): Promise<KubernetesObject[]> {
  const objects = await metricsServerRelease(cluster, folder, 'release-ha-1.21+');
  delete (objects.find(({ kind }) => kind === 'Deployment') as V1Deployment).spec?.template.spec?.affinity;
  return objects;
}

/** Returns a Deployment with the arguments added; other objects as they are. */
export function addArgs(object: KubernetesObject, extraArgs: readonly string[]): KubernetesObject {
  if (object.kind !== 'Deployment') return object;
  const deployment = structuredClone(object) as KubernetesObject & V1Deployment;
  deployment.spec?.template.spec?.containers[0]?.args?.push(...extraArgs);
  return deployment;
}

function isReady({ metadata, status }: V1Pod): boolean {
  const ready = status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True');
  return metadata?.deletionTimestamp === undefined && ready === true;
}

function toReplica({ metadata, spec, status }: V1Pod): Replica {
  return {
    name: metadata?.name ?? '',
    ip: status?.podIP ?? '',
    containerId: status?.containerStatuses?.[0]?.containerID ?? '',
    image: spec?.containers[0]?.image ?? '',
  };
}
