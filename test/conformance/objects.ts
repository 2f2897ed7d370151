/** The fixture: nodes, pods, namespaces, rights and tokens in kube-apiserver, and kubelets that agree with them. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { createFakeKubelet, type FakeKubelet } from '../fakes/kubelet.ts';
import {
  type ContainerModel,
  hexId,
  type KubeletModel,
  type PodModel,
  type SampleModel,
} from '../fakes/kubeletmodel.ts';
import { freePort } from '../fakes/wholecluster.ts';
import type { ControlPlane } from './controlplane.ts';
import type { Credentials } from './credentials.ts';

interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  readonly node: NodeName;
  readonly labels?: Readonly<Record<string, string>>;
  readonly containers: readonly Usage[];
  readonly phase?: 'Pending';
}

/** Constant usage of a container or a machine. */
interface Usage {
  readonly name: string;
  readonly cores: number;
  readonly memoryBytes: number;
}

type NodeName = 'node-a' | 'node-b' | 'node-c';

/**
 * Memory in bytes that each writes in another way: 12344Ki, 100Mi, 8589935104, 1k. The cores are such that every counter is exact in binary:
 * then both servers see the same nanoseconds.
 */
const nodes: readonly (Usage & { readonly name: NodeName; readonly labels: Readonly<Record<string, string>> })[] = [
  { name: 'node-a', cores: 0.1, memoryBytes: 12_640_256, labels: { disk: 'ssd', zone: 'z1', level: '3' } },
  { name: 'node-b', cores: 1.5, memoryBytes: 8_589_935_104, labels: { zone: 'z2', level: '7' } },
  { name: 'node-c', cores: 0.0125, memoryBytes: 1000, labels: { zone: 'z3' } },
];

const app = (name: string, cores: number, memoryBytes: number): Usage => ({ name, cores, memoryBytes });

const pods: readonly PodSpec[] = [
  {
    namespace: 'default',
    name: 'web-0',
    node: 'node-a',
    labels: { app: 'web', tier: 'front' },
    containers: [app('app', 0.25, 104_857_600), app('sidecar', 0.1, 12_640_256)],
  },
  { namespace: 'default', name: 'web-1', node: 'node-b', labels: { app: 'web' }, containers: [app('app', 2, 1536)] },
  { namespace: 'kube-system', name: 'dns-1', node: 'node-b', containers: [app('dns', 0.05, 3 * 1024 ** 3)] },
  { namespace: 'team-a', name: 'db-0', node: 'node-c', labels: { app: 'db' }, containers: [app('db', 10, 1000)] },
  { namespace: 'default', name: 'idle-0', node: 'node-a', containers: [app('idle', 0, 4096)] },
  { namespace: 'default', name: 'pending-0', node: 'node-a', containers: [app('app', 1, 4096)], phase: 'Pending' },
  { namespace: 'back', name: 'back-0', node: 'node-c', containers: [app('back', 0.5, 4096)] },
];

/** Tokens of a ServiceAccount that may read metrics, of one that may not, and another of the first, which one case alone uses. */
export type Tokens = Readonly<Record<'reader' | 'stranger' | 'fresh', string>>;

export interface Fixture extends AsyncDisposable {
  readonly serverKubeconfig: string;
  readonly tokens: Tokens;
  /** From the next sample on, the counter of back/back-0 goes backwards. Returns when that was first asked for, in ms since the epoch. */
  turnBack(): number;
}

/** Kubelets' samples are taken at whole multiples of this, so that rates are exact however two servers' scrapes fall. */
const sampleIntervalMs = 5_000;

export async function makeFixture(
  folder: string,
  credentials: Credentials,
  controlPlane: ControlPlane,
): Promise<Fixture> {
  await using made = new AsyncDisposableStack();
  const { call } = controlPlane;
  for (const name of ['empty', 'team-a', 'back', 'users']) {
    await call('POST', '/api/v1/namespaces', { metadata: { name } });
  }
  await applyRights(call);
  const serverToken = await token('kube-system', 'kubegauge');
  const kubelets = new Map<NodeName, FakeKubelet>();
  const uids = new Map<string, string>();
  for (const pod of pods) uids.set(`${pod.namespace}/${pod.name}`, await makePod(pod));
  let turnedBackMs: number | undefined;
  for (const { name, labels } of nodes) {
    const kubelet = made.use(
      await createFakeKubelet({
        certificate: credentials.kubelet,
        accepts: (bearer) => bearer === serverToken,
        model: modelOf(name),
      }),
    );
    kubelets.set(name, kubelet);
    await makeNode(name, labels, kubelet.port);
  }
  await makeNode('node-dead', {}, await freePort());
  const moving = setInterval(() => {
    for (const [name, kubelet] of kubelets) kubelet.model = modelOf(name);
  }, 100);
  made.defer(() => clearInterval(moving));

  const serverKubeconfig = path.join(folder, 'server-kubeconfig.json');
  writeFileSync(serverKubeconfig, kubeconfig(controlPlane.url, credentials.clients.cert, serverToken), { mode: 0o600 });
  const tokens = {
    reader: await token('users', 'reader'),
    stranger: await token('users', 'stranger'),
    fresh: await token('users', 'reader'),
  };
  const owned = made.move();
  return {
    serverKubeconfig,
    tokens,
    turnBack: () => (turnedBackMs ??= Date.now()),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };

  async function token(namespace: string, account: string): Promise<string> {
    const answer = await call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`, {
      spec: { expirationSeconds: 7200 },
    });
    return String(dig(answer, 'status', 'token'));
  }

  async function makeNode(name: string, labels: Readonly<Record<string, string>>, port: number): Promise<void> {
    await call('POST', '/api/v1/nodes', { metadata: { name, labels } });
    await call('PATCH', `/api/v1/nodes/${name}/status`, {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
  }

  /** Returns the UID that kube-apiserver gave it. */
  async function makePod({ namespace, name, node, labels = {}, containers, phase }: PodSpec): Promise<string> {
    const target = `/api/v1/namespaces/${namespace}/pods`;
    const answer = await call('POST', target, {
      metadata: { name, labels },
      spec: { nodeName: node, containers: containers.map((container) => ({ name: container.name, image: 'none' })) },
    });
    await call('PATCH', `${target}/${name}/status`, { status: { phase: phase ?? 'Running' } });
    return String(dig(answer, 'metadata', 'uid'));
  }

  function modelOf(name: NodeName): KubeletModel {
    const machine = nodes.find((node) => node.name === name) ?? app(name, 1, 1);
    return {
      node: name,
      cores: 16,
      memoryBytes: 64 * 1024 ** 3,
      cgroupDriver: 'systemd',
      machine: sampleOf(machine),
      pods: pods.filter((pod) => pod.node === name).map(podModel),
    };
  }

  function podModel({ namespace, name, containers }: PodSpec): PodModel {
    return {
      namespace,
      name,
      uid: uids.get(`${namespace}/${name}`) ?? '',
      qos: 'burstable',
      containers: containers.map((container) => containerModel(`${namespace}/${name}`, container)),
    };
  }

  function containerModel(pod: string, usage: Usage): ContainerModel {
    const sample = sampleOf(usage);
    if (pod === 'back/back-0' && turnedBackMs !== undefined && sample.timestampMs > turnedBackMs) {
      sample.cpuSeconds = 1_000 - sample.cpuSeconds / 1e6;
    }
    return { name: usage.name, image: 'none:1', id: hexId(`${pod}/${usage.name}`), swapBytes: 0, ...sample };
  }
}

/** Everything started long ago, and counters have the value that they would have had since. */
const startTimeMs = Math.floor(Date.now() / sampleIntervalMs) * sampleIntervalMs - 3_600_000;

function sampleOf({ cores, memoryBytes }: Usage): SampleModel {
  const ticks = Math.floor((Date.now() - startTimeMs) / sampleIntervalMs);
  const timestampMs = startTimeMs + ticks * sampleIntervalMs;
  return { timestampMs, cpuSeconds: ticks * (cores * (sampleIntervalMs / 1000)), memoryBytes, startTimeMs };
}

/** The product's own RBAC manifest, and users. */
async function applyRights(call: ControlPlane['call']): Promise<void> {
  const rbac = readFileSync(path.resolve(import.meta.dirname, '../../manifests/base/rbac.yaml'), 'utf8');
  const manifests: unknown[] = parseAllDocuments(rbac).map((document) => document.toJS() as unknown);
  for (const manifest of [...manifests, ...users]) {
    const kind = String(dig(manifest, 'kind'));
    const namespace = dig(manifest, 'metadata', 'namespace');
    const base = kind === 'ServiceAccount' ? '/api/v1' : '/apis/rbac.authorization.k8s.io/v1';
    const scope = typeof namespace === 'string' ? `/namespaces/${namespace}` : '';
    await call('POST', `${base}${scope}/${kind.toLowerCase()}s`, manifest);
  }
}

/** Its members may read metrics. */
export const groupOfReaders = 'conformance-readers';
/** A user whom a binding gives a role that is not there; RBAC says so when it refuses. */
export const userOfNoRole = 'conformance-user-of-no-role';

const users: readonly unknown[] = [
  { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'reader', namespace: 'users' } },
  { kind: 'ServiceAccount', apiVersion: 'v1', metadata: { name: 'stranger', namespace: 'users' } },
  {
    kind: 'ClusterRoleBinding',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: { name: 'conformance-readers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:aggregated-metrics-reader' },
    subjects: [
      { kind: 'ServiceAccount', name: 'reader', namespace: 'users' },
      { kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: groupOfReaders },
    ],
  },
  {
    kind: 'ClusterRoleBinding',
    apiVersion: 'rbac.authorization.k8s.io/v1',
    metadata: { name: 'conformance-no-role' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'missing' },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: userOfNoRole }],
  },
];

export function kubeconfig(server: string, ca: string, bearer: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'lab', user: { token: bearer } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  });
}

/** A value deep in a JSON document; undefined when it is not there. */
export function dig(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of keys) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[key];
  }
  return current;
}
