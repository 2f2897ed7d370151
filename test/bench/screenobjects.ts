/** A cluster as screens read it: Nodes, Pods and their usages, of the size and with the pages that kube-apiserver and kubegauge answer with. */
import { decodeContinue, encodeContinue, type ListPosition } from '../../src/apimachinery/continuetoken.ts';
import { sourceAnnotation } from '../../src/api/historylist.ts';
import { badRequest } from '../../src/apimachinery/status.ts';
import { type KubeObject, node } from '../fakes/kubeobjects.ts';
import { podObject } from './podobject.ts';

/** The default of kubelets' nodeStatusMaxImages. */
const imagesPerNode = 50;
const containers = ['app', 'proxy'];
const startedAt = '2026-11-02T07:12:31Z';

export const nodeNameOf = (index: number): string => `node-${index}`;

/** 13 kB, most of it images. */
export function nodeObject(index: number): KubeObject {
  const name = nodeNameOf(index);
  const zone = `eu-central-1${'abc'[index % 3]}`;
  const labels = {
    'beta.kubernetes.io/arch': 'amd64',
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'm7i.4xlarge',
    'topology.kubernetes.io/region': 'eu-central-1',
    'topology.kubernetes.io/zone': zone,
  };
  const small = node(name, { labels, uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}` });
  const condition = (type: string, status: string) => ({
    type,
    status,
    lastHeartbeatTime: startedAt,
    lastTransitionTime: startedAt,
    reason: `Kubelet${type}`,
    message: `kubelet reports that ${type} is ${status}`,
  });
  const image = (at: number) => {
    const repository = `registry.example.com/platform/services/checkout-service-${at}`;
    const digest = String(at).padStart(64, '0123456789abcdef');
    return { names: [`${repository}@sha256:${digest}`, `${repository}:1.${at}.0`], sizeBytes: 104_857_600 + at };
  };
  return {
    ...small,
    spec: { podCIDR: '10.1.0.0/24', podCIDRs: ['10.1.0.0/24'], providerID: `aws:///${zone}/i-${index}` },
    status: {
      ...(small['status'] as object),
      allocatable: { cpu: '15890m', 'ephemeral-storage': '95551679124', memory: '63Gi', pods: '110' },
      conditions: [
        ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => condition(type, 'False')),
        condition('Ready', 'True'),
      ],
      images: Array.from({ length: imagesPerNode }, (_, at) => image(at)),
    },
  };
}

/** 7 kB. */
export function wholePod(index: number, podsPerNode: number): KubeObject {
  const small = podObject(index);
  const container = (name: string) => ({
    name,
    image: `registry.example.com/platform/services/${name}:1.4.2`,
    imagePullPolicy: 'IfNotPresent',
    env: Array.from({ length: 8 }, (_, at) => ({ name: `SETTING_${at}`, value: `https://${name}-${at}.example.com` })),
    ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
    readinessProbe: { httpGet: { path: '/ready', port: 'http', scheme: 'HTTP' }, periodSeconds: 10, timeoutSeconds: 1 },
    resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
    securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'token', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true }],
  });
  const status = (name: string) => ({
    name,
    ready: true,
    started: true,
    restartCount: index % 17 === 0 ? 1 : 0,
    image: `registry.example.com/platform/services/${name}:1.4.2`,
    imageID: `registry.example.com/platform/services/${name}@sha256:${'0123456789abcdef'.repeat(4)}`,
    containerID: `containerd://${String(index).padStart(64, '0123456789abcdef')}`,
    state: { running: { startedAt } },
  });
  return {
    ...small,
    spec: {
      nodeName: nodeNameOf(Math.floor(index / podsPerNode)),
      containers: containers.map(container),
      restartPolicy: 'Always',
      schedulerName: 'default-scheduler',
      volumes: [
        { name: 'token', projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 'token' } }] } },
      ],
    },
    status: {
      phase: 'Running',
      podIP: `10.1.${(index >> 8) & 255}.${index & 255}`,
      startTime: startedAt,
      conditions: ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(
        (type) => ({
          type,
          status: 'True',
          lastTransitionTime: startedAt,
        }),
      ),
      containerStatuses: containers.map(status),
    },
  };
}

/** Answers lists of usages as kubegauge does: in pages, and with points of the history. */
export interface UsageLists {
  /** By path. */
  readonly lists: ReadonlyMap<string, (query: URLSearchParams) => object>;
  /** Sets other usages of nodes, so that each row changes. */
  move(): void;
}

const group = '/apis/metrics.k8s.io/v1beta1';
const apiVersion = 'metrics.k8s.io/v1beta1';

export const nodeUsagesPath = `${group}/nodes`;

export function createUsageLists(nodes: number, pods: readonly KubeObject[]): UsageLists {
  let share = Math.random();
  const usage = (cores: number, mebibytes: number, seed: number) => {
    const part = (seed * 0.618 + share) % 1;
    return {
      cpu: `${Math.round(1e9 * cores * (0.1 + part))}n`,
      memory: `${Math.round(1024 * mebibytes * (0.5 + part / 2))}Ki`,
    };
  };
  const items = Array.from(
    { length: nodes },
    (_, index): Item => ({
      name: nodeNameOf(index),
      namespace: '',
      fields: () => ({ usage: usage(10, 50_000, index) }),
    }),
  ).toSorted(byKey);
  const podItems = pods
    .map(
      ({ metadata: { name, namespace = '' } }, index): Item => ({
        name,
        namespace,
        fields: () => ({
          containers: containers.map((each, at) => ({ name: each, usage: usage(0.2, 200, index + at) })),
        }),
      }),
    )
    .toSorted(byKey);
  const namespaces = Map.groupBy(podItems, ({ namespace }) => namespace);
  return {
    lists: new Map([
      [nodeUsagesPath, (query: URLSearchParams) => answer('NodeMetrics', items, query)],
      [`${group}/pods`, (query: URLSearchParams) => answer('PodMetrics', podItems, query)],
      ...Array.from(
        namespaces,
        ([name, own]) =>
          [`${group}/namespaces/${name}/pods`, (query: URLSearchParams) => answer('PodMetrics', own, query)] as const,
      ),
    ]),
    move() {
      share = Math.random();
    },
  };
}

interface Item extends ListPosition {
  fields(): object;
}

function byKey(a: ListPosition, b: ListPosition): number {
  if (a.namespace !== b.namespace) return a.namespace < b.namespace ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

function answer(kind: string, all: readonly Item[], query: URLSearchParams): object {
  const since = query.get('sinceSeconds');
  if (since === '0') return badRequest('sinceSeconds: 0: must be greater than 0').toStatus();
  const wanted = query.get('fieldSelector')?.replace('metadata.name=', '');
  const token = query.get('continue');
  const after = token === null ? undefined : decodeContinue(token);
  const rest = all.filter(
    (item) => (wanted === undefined || item.name === wanted) && (!after || byKey(after, item) < 0),
  );
  const points = since === null ? 1 : Math.ceil(Number(since) / Number(query.get('stepSeconds') ?? 60));
  const limit = Math.max(1, Math.floor((Number(query.get('limit') ?? 0) || Number.POSITIVE_INFINITY) / points));
  const page = rest.slice(0, limit);
  const end = page.at(-1);
  const more = end !== undefined && rest.length > page.length ? { continue: encodeContinue(end) } : {};
  const annotations = since === null ? {} : { annotations: { [sourceAnnotation]: 'cadvisor' } };
  const nowMs = Date.now();
  return {
    kind: `${kind}List`,
    apiVersion,
    metadata: more,
    items: page.flatMap((item) => {
      const { name, namespace } = item;
      return Array.from({ length: points }, (_, at) => ({
        kind,
        apiVersion,
        metadata: { name, ...(namespace !== '' && { namespace }), ...annotations },
        timestamp: new Date(nowMs - 9_000 - (points - 1 - at) * 60_000).toISOString().replace(/\.\d+/, ''),
        window: '15.002s',
        ...item.fields(),
      }));
    }),
  };
}
