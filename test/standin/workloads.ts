/** Workloads of the simulated cluster, and how many pods each has. */

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  /** Average usage. */
  readonly cores: number;
  readonly memoryMiB: number;
}

export interface Workload {
  readonly namespace: string;
  readonly name: string;
  /** A static pod runs on the first node, a DaemonSet on every one. */
  readonly kind: 'StaticPod' | 'DaemonSet' | 'Deployment' | 'StatefulSet';
  readonly qos: 'guaranteed' | 'burstable' | 'besteffort';
  /** Pods in a cluster of the default size; the numbers of workloads that grow are scaled. */
  readonly replicas: number;
  readonly grows: boolean;
  /** Its pods are in the network of their node. */
  readonly hostNetwork?: boolean;
  /** How much what clients send it swings around its average, as a share of that; absent: it stays the same. */
  readonly swing?: number;
  readonly containers: readonly ContainerSpec[];
}

const container = (name: string, image: string, cores: number, memoryMiB: number): ContainerSpec => ({
  name,
  image,
  cores,
  memoryMiB,
});

const system = { namespace: 'kube-system', grows: false } as const;
const shop = { namespace: 'shop', kind: 'Deployment', qos: 'burstable', grows: true } as const;
const monitoring = { namespace: 'monitoring', qos: 'burstable', grows: false, replicas: 1 } as const;
const sidecar = container('proxy', 'registry.example/proxy:3.2', 0.012, 48);

export const serverImage = 'kubegauge:0.1.0';

/** The server of `npm start`: its process is real, its container is simulated, and nothing happens to it. */
export const serverWorkload: Workload = {
  ...system,
  name: 'metrics-server',
  kind: 'Deployment',
  qos: 'burstable',
  replicas: 1,
  containers: [container('metrics-server', serverImage, 0.004, 90)],
};

/** Restarts again and again, as a container that leaks memory does. */
export const leakyWorkload: Workload = {
  namespace: 'jobs',
  name: 'leaky',
  kind: 'StatefulSet',
  qos: 'burstable',
  replicas: 1,
  grows: false,
  containers: [container('leaky', 'registry.example/jobs/leaky:0.3', 0.05, 150)],
};

export const workloads: readonly Workload[] = [
  staticPod('kube-apiserver', 0.09, 420),
  staticPod('etcd', 0.035, 96),
  staticPod('kube-controller-manager', 0.025, 72),
  staticPod('kube-scheduler', 0.006, 36),
  daemonSet('kube-proxy', 'registry.k8s.io/kube-proxy:v1.37.2', 0.002, 28),
  daemonSet('flannel', 'registry.example/flannel:0.27', 0.006, 24),
  {
    ...system,
    name: 'coredns',
    kind: 'Deployment',
    qos: 'burstable',
    replicas: 2,
    containers: [container('coredns', 'registry.k8s.io/coredns:1.12', 0.004, 22)],
  },
  {
    ...monitoring,
    name: 'node-exporter',
    kind: 'DaemonSet',
    hostNetwork: true,
    containers: [container('node-exporter', 'registry.example/node-exporter:1.9', 0.003, 18)],
  },
  {
    ...monitoring,
    name: 'prometheus',
    kind: 'StatefulSet',
    containers: [
      container('prometheus', 'registry.example/prometheus:3.7', 0.12, 640),
      container('config-reloader', 'registry.example/config-reloader:0.86', 0.001, 14),
    ],
  },
  {
    ...monitoring,
    name: 'grafana',
    kind: 'Deployment',
    containers: [container('grafana', 'registry.example/grafana:12.3', 0.015, 130)],
  },
  {
    ...shop,
    name: 'web',
    replicas: 6,
    swing: 0.6,
    containers: [container('app', 'registry.example/shop/web:4.1', 0.14, 180), sidecar],
  },
  {
    ...shop,
    name: 'cart',
    replicas: 3,
    swing: 0.5,
    containers: [container('app', 'registry.example/shop/cart:2.0', 0.06, 140), sidecar],
  },
  {
    ...shop,
    name: 'checkout',
    replicas: 3,
    containers: [container('app', 'registry.example/shop/checkout:1.8', 0.045, 220)],
  },
  {
    ...shop,
    name: 'catalog',
    replicas: 5,
    containers: [container('app', 'registry.example/shop/catalog:7.3', 0.08, 310)],
  },
  {
    ...shop,
    name: 'payments',
    replicas: 2,
    containers: [container('app', 'registry.example/shop/payments:1.2', 0.03, 260)],
  },
  { ...shop, name: 'redis', replicas: 1, containers: [container('redis', 'docker.io/library/redis:8', 0.02, 90)] },
  {
    ...shop,
    name: 'postgres',
    kind: 'StatefulSet',
    qos: 'guaranteed',
    replicas: 2,
    containers: [container('postgres', 'docker.io/library/postgres:18', 0.11, 512)],
  },
  {
    ...shop,
    namespace: 'jobs',
    name: 'worker',
    qos: 'besteffort',
    replicas: 2,
    containers: [container('worker', 'registry.example/jobs/worker:0.9', 0.35, 120)],
  },
  leakyWorkload,
  serverWorkload,
];

/**
 * How many pods each workload has, in the table's order: those that grow share what the others leave of the wanted number, and
 * each has one at least.
 */
export function replicaCounts(nodes: number, pods: number): number[] {
  const fixed = (workload: Workload) => (workload.kind === 'DaemonSet' ? nodes : workload.replicas);
  const taken = workloads.reduce((total, workload) => total + (workload.grows ? 0 : fixed(workload)), 0);
  const shares = workloads.reduce((total, workload) => total + (workload.grows ? workload.replicas : 0), 0);
  let left = Math.max(0, pods - taken);
  let sharesLeft = shares;
  return workloads.map((workload) => {
    if (!workload.grows) return fixed(workload);
    // Rounding what is left, not each one's share, makes the sum come out.
    const count = Math.round((left * workload.replicas) / sharesLeft);
    left -= count;
    sharesLeft -= workload.replicas;
    return Math.max(1, count);
  });
}

function staticPod(name: string, cores: number, memoryMiB: number): Workload {
  return {
    ...system,
    name,
    kind: 'StaticPod',
    qos: 'burstable',
    hostNetwork: true,
    replicas: 1,
    containers: [container(name, `registry.k8s.io/${name}:v1.37.2`, cores, memoryMiB)],
  };
}

function daemonSet(name: string, image: string, cores: number, memoryMiB: number): Workload {
  return {
    ...system,
    name,
    kind: 'DaemonSet',
    qos: 'besteffort',
    hostNetwork: true,
    replicas: 1,
    containers: [container(name, image, cores, memoryMiB)],
  };
}

/** In cores and bytes; absent: none. */
export interface Amounts {
  readonly cores?: number;
  readonly memoryBytes?: number;
}

const bytesPerMiB = 1024 ** 2;

/** Returns requests a little above the average usage; limits as the QoS class has them. */
export function resourcesOf(
  { qos }: Workload,
  spec: ContainerSpec,
): { readonly requests: Amounts; readonly limits: Amounts } {
  if (qos === 'besteffort') return { requests: {}, limits: {} };
  const memoryBytes = (share: number) => Math.ceil(spec.memoryMiB * share) * bytesPerMiB;
  const cores = (share: number) => (Math.ceil(Math.round(spec.cores * share * 1000) / 5) * 5) / 1000;
  const limits = { cores: cores(4), memoryBytes: memoryBytes(1.6) };
  if (qos === 'guaranteed') return { requests: limits, limits };
  return { requests: { cores: cores(1.25), memoryBytes: memoryBytes(1.25) }, limits };
}
