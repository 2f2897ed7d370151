/** Two replicas of the server as pods, which several files share: manifests/base with components, and a look at each of the two. */
import { X509Certificate } from 'node:crypto';
import type { V1Deployment, V1Pod } from '@kubernetes/client-node';
import type { KubernetesObject } from '../registration.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import type { Harness } from './harness.ts';
import { buildManifests } from './kustomized.ts';
import { metricsServerRelease } from './metricsserver.ts';
import { addArgs, endProcess, fitToCluster, isDeployment, listServerPods, podsGone, rolledOut } from './podserver.ts';
import { apply } from './pods.ts';
import { isAmong, removeObjects } from './registration.ts';
import { shortResolution } from './server.ts';
import { type ServiceAddress, translateServiceAddress } from './serviceaddress.ts';

export interface Replica {
  readonly name: string;
  readonly ip: string;
  readonly containerId: string;
  readonly image: string;
}

export interface Replicas {
  /** All that was applied at first. */
  readonly objects: readonly KubernetesObject[];
  readonly deployment: V1Deployment;
  /** Another name of their image. */
  readonly nextImage: string;
  /** The address of their Service, by which kube-apiserver goes. */
  readonly address: ServiceAddress;
  /** Returns the pods that are there, those that end included. */
  pods(): Promise<V1Pod[]>;
  /** Resolves when there are two pods, both Ready, and none that ends. */
  settled(): Promise<readonly Replica[]>;
  /** Patches the container of the Deployment. Resolves when its pods have replaced the others, which are gone. */
  change(container: { readonly image?: string; readonly extraArgs?: readonly string[] }): Promise<readonly Replica[]>;
  /** Replaces the pods by new ones of the same kind, as `change` does. */
  restart(): Promise<readonly Replica[]>;
  /** Asks for the end of a pod as a drain does. Throws CommandFailed where the disruption budget forbids it. */
  evict(replica: Replica | undefined): Promise<void>;
  /**
   * Ends kube-apiserver and starts it again; resolves when it is ready.
   * @param isRouted whether it goes to the endpoints themselves from then on, as it does for all other tests.
   */
  restartApiServer(isRouted?: boolean): Promise<void>;
  /** Restarts kube-apiserver unless it goes to the endpoints themselves. */
  restoreRouting(): Promise<void>;
  /** Returns the serial number of the serving certificate of each replica. */
  serials(): Promise<ReadonlyMap<string, string>>;
  /** Returns a counter of each replica, summed over the series whose labels match. */
  counted(metric: string, labels: RegExp): Promise<ReadonlyMap<string, number>>;
  /**
   * Removes all of it but the kept objects, and restores the routing of kube-apiserver. Resolves when no pod is left, unless the Deployment is
   * kept.
   */
  remove(kept?: readonly KubernetesObject[]): Promise<void>;
}

const settleTimeoutMs = 150_000;
const namespace = '--namespace=kube-system';
/** The second one since kubeletpins.e2e.ts is the first file that uses them. */
const componentNames = ['high-availability', 'kubelet-pins'];
/** The shortest: renewed after two thirds of it. */
const shortLife = '--serving-certificate-duration=1m';
/** The shortest, and what the long form has. */
const shortAges = ['100ms', '250ms'] as const;

/** Reports whether the pods have the shortest resolution, which metrics-server refuses beside its default --kubelet-request-timeout. */
export const hasShortResolution = ({ brief, program }: Harness): boolean => brief && program.name === 'kubegauge';

/**
 * Ends the process and starts the replicas in its place, by the manifests or those of metrics-server. The first pods end connections early, so
 * that shares can be counted; `change` drops that. From then on kube-apiserver goes by the Service's address, without a flag that spreads requests.
 */
export async function startReplicas(shared: Harness): Promise<Replicas> {
  const { cluster, credentials, program, brief } = shared;
  const isOurs = program.name === 'kubegauge';
  const [own] = await Promise.all([isOurs ? ownObjects(shared) : peerObjects(shared), shared.loads.running()]);
  const args = hasShortResolution(shared) ? [shortResolution, shortLife] : [];
  const firstArgs = isOurs ? [`--max-connection-age=${shortAges[brief ? 0 : 1]}`] : [];
  const withArgs = (extra: readonly string[]) => own.map((object) => addArgs(object, extra));
  const deployment = withArgs(args).find(isDeployment) as KubernetesObject & V1Deployment;
  const objects = withArgs([...args, ...firstArgs]);
  const [container] = deployment.spec?.template.spec?.containers ?? [];
  const image = container?.image ?? '';
  const nextImage = `${image}-next`;
  const pods = () => listServerPods(cluster);
  let hasRouting = true;
  await using starting = new AsyncDisposableStack();
  starting.defer(restoreRouting);

  await shared.registration.remove();
  await apply(
    cluster,
    objects.filter(({ kind }) => kind === 'Service'),
  );
  const address = starting.use(await translateServiceAddress(cluster, 'kube-system', 'metrics-server'));
  await Promise.all([endProcess(shared), restartApiServer(), cluster.tagImage(fullName(image), fullName(nextImage))]);
  await podsGone(cluster);
  try {
    await apply(cluster, objects);
    await settled();
  } catch (error) {
    await removeObjects(cluster, objects);
    throw error;
  }
  const started = starting.move();
  return {
    objects,
    deployment,
    nextImage,
    address,
    pods,
    settled,
    change,
    restart,
    evict,
    restartApiServer,
    restoreRouting,
    serials,
    counted,
    remove,
  };

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

  async function evict(replica: Replica | undefined): Promise<void> {
    const name = replica?.name ?? '';
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'kube-system' } };
    const path = `/api/v1/namespaces/kube-system/pods/${name}/eviction`;
    await cluster.kubectl(['create', '--raw', path, '-f', '-'], { input: JSON.stringify(eviction) });
  }

  async function restartApiServer(isRouted = false): Promise<void> {
    const isKept = (arg: string) => isRouted || !arg.startsWith('--enable-aggregator-routing');
    hasRouting = isRouted;
    await cluster.restartApiServer((all) => all.filter(isKept));
  }

  async function restoreRouting(): Promise<void> {
    if (!hasRouting) await restartApiServer(true);
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

  async function remove(kept: readonly KubernetesObject[] = []): Promise<void> {
    await started.disposeAsync();
    await removeObjects(
      cluster,
      objects.filter((object) => !isAmong(object, kept)),
    );
    if (!kept.some(isDeployment)) await podsGone(cluster);
  }
}

/** Returns the name under which containerd keeps the image of a pod. */
const fullName = (image: string): string => (image.split('/').length > 1 ? image : `docker.io/library/${image}`);

async function ownObjects({ cluster, folder, productImage }: Harness): Promise<KubernetesObject[]> {
  await productImage();
  return fitToCluster(cluster, await buildManifests(cluster, folder, componentNames));
}

/** Its second replica would wait for a second node. */
async function peerObjects({ cluster, folder }: Harness): Promise<KubernetesObject[]> {
  const objects = await metricsServerRelease(cluster, folder, 'release-ha-1.21+');
  delete (objects.find(({ kind }) => kind === 'Deployment') as V1Deployment).spec?.template.spec?.affinity;
  return objects;
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
