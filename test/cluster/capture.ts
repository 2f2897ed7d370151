/**
 * Takes captures of the test cluster's kubelet for the decoders' tests: pods of every kind, at two moments, by every way in which a kubelet is asked.
 * Replaces names of the machine by text of the same length, so that protobuf stays valid.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { V1Pod, V1PodList, V1PodSpec } from '@kubernetes/client-node';
import { type Cluster, openCluster } from './cluster.ts';
import { staticPodFolder } from './components.ts';
import { cadvisorRows } from './e2e/kubelet.ts';
import { makeNamespace, removeNamespaces } from './e2e/namespaces.ts';
import { apply, container, fieldOf, memoryFolder, pod, type Script } from './e2e/pods.ts';
import { pkiFile, type Settings } from './settings.ts';
import { waitFor } from './wait.ts';

/** One answer of the kubelet; the body is beside this list, in a file of this name with `.gz`. */
export interface Capture {
  readonly file: string;
  readonly moment: Moment;
  /** Path and query. */
  readonly request: string;
  readonly contentType: string;
  /** The answer's Date. */
  readonly date: string;
}

/** A container as kube-apiserver knew it at a moment. */
export interface CapturedContainer {
  readonly namespace: string;
  readonly pod: string;
  /** The pod's UID; of a static pod the hash of its file, which is what the kubelet knows. */
  readonly uid: string;
  readonly container: string;
  /** 64 hex digits. */
  readonly id: string;
}

export interface Captures {
  readonly kubernetes: string;
  readonly captures: readonly Capture[];
  /** Containers that were running, by moment. */
  readonly running: Readonly<Record<Moment, readonly CapturedContainer[]>>;
}

/** The init container still runs and nothing has restarted; or one container has just restarted and the init container has ended. */
type Moment = 'starting' | 'restarted';

const namespace = 'captures';
const filter = [
  'container_cpu_usage_seconds_total',
  'container_memory_working_set_bytes',
  'container_memory_swap',
  'container_start_time_seconds',
  'container_scrape_error',
  'machine_swap_bytes',
];
const protobuf =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores';
const text = 'text/plain; version=0.0.4';

const requests = [
  { name: 'cadvisor-whole', url: '/metrics/cadvisor' },
  { name: 'cadvisor-filtered', url: `/metrics/cadvisor?${filter.map((family) => `name%5B%5D=${family}`).join('&')}` },
  { name: 'resource', url: '/metrics/resource' },
];
const forms = [
  { extension: 'prom', accept: text },
  { extension: 'pb', accept: protobuf },
];

/** Writes the captures and `captures.json` into the folder. The cluster runs already. */
export async function capture(settings: Settings, folder: string): Promise<void> {
  const cluster = openCluster(settings);
  const staticFile = path.join(staticPodFolder(settings), 'captures.json');
  await mkdir(folder, { recursive: true });
  const captures: Capture[] = [];
  const running: Partial<Record<Moment, readonly CapturedContainer[]>> = {};
  const take = async (moment: Moment): Promise<void> => {
    running[moment] = await runningContainers(cluster);
    captures.push(...(await takeAll(cluster, moment, folder)));
    console.log(`${moment}: ${running[moment].length} containers run`);
  };
  await removeNamespaces(cluster);
  await makeNamespace(cluster, namespace);
  try {
    await writeFile(staticFile, JSON.stringify(pod(cluster, namespace, 'static', { main: idle })));
    await apply(cluster, pods(cluster));
    await sampled(cluster, ['initialised/prepare', 'restarting/main', 'sidecar/side', 'sidecar/main', 'pair/second']);
    await take('starting');
    await waitFor('the init container to end', () => hasStarted(cluster, 'initialised'), 90_000);
    await cluster.kubectl(['exec', 'restarting', `--namespace=${namespace}`, '--', 'kill', '1']);
    await waitFor('the container to restart', () => hasRestarted(cluster), 60_000);
    await sampled(cluster, ['initialised/main', 'restarting/main'], await runningContainers(cluster));
    await take('restarted');
  } finally {
    await rm(staticFile, { force: true });
    await removeNamespaces(cluster);
  }
  const version = JSON.parse(await cluster.kubectl(['get', '--raw', '/version'])) as { gitVersion: string };
  const written: Captures = { kubernetes: version.gitVersion, captures, running: running as Captures['running'] };
  await writeFile(path.join(folder, 'captures.json'), `${JSON.stringify(written, undefined, 2)}\n`);
}

const idle: Script = { script: 'exec sleep infinity', requests: { cpu: '10m', memory: '16Mi' } };
const busy: Script = { script: 'while :; do :; done', limits: { cpu: '50m', memory: '32Mi' } };

function pods(cluster: Cluster): V1Pod[] {
  const withSpec = (name: string, main: Script, more: Partial<V1PodSpec>): V1Pod => {
    const made = pod(cluster, namespace, name, { main });
    Object.assign(made.spec ?? {}, more);
    return made;
  };
  const prepare = { script: `dd if=/dev/zero of=${memoryFolder}/hoard bs=1M count=16; sleep 40` };
  const sidecar = Object.assign(container(cluster, 'side', busy), { restartPolicy: 'Always' });
  return [
    pod(cluster, namespace, 'pair', { first: busy, second: { script: 'exec sleep infinity' } }),
    pod(cluster, namespace, 'restarting', { main: { script: "trap 'exit 1' TERM; while :; do sleep 1; done" } }),
    withSpec('initialised', idle, { initContainers: [container(cluster, 'prepare', prepare)] }),
    withSpec('sidecar', idle, { initContainers: [sidecar] }),
  ];
}

/** Resolves when the kubelet has a CPU sample of each container, given as pod/container; of these instances where they are given. */
async function sampled(
  cluster: Cluster,
  wanted: readonly string[],
  instances?: readonly CapturedContainer[],
): Promise<void> {
  await waitFor(
    `samples of ${wanted.join(', ')}`,
    async () => {
      const rows = await cadvisorRows(cluster, ['container_cpu_usage_seconds_total']);
      return wanted.every((name) => {
        const found = instances?.find((one) => `${one.pod}/${one.container}` === name);
        return rows.some(
          (row) =>
            row.namespace === namespace &&
            `${row.pod}/${row.container}` === name &&
            (found === undefined || row.id.endsWith(found.id)),
        );
      });
    },
    60_000,
    500,
  );
}

const hasStarted = async (cluster: Cluster, name: string): Promise<boolean> =>
  (await fieldOf(cluster, namespace, `pod/${name}`, '{.status.containerStatuses[0].state.running.startedAt}')) !== '';

async function hasRestarted(cluster: Cluster): Promise<boolean> {
  const status = '{.status.containerStatuses[0]';
  const field = (name: string) => fieldOf(cluster, namespace, 'pod/restarting', `${status}.${name}}`);
  return (await field('restartCount')) === '1' && (await field('state.running.startedAt')) !== '';
}

async function runningContainers(cluster: Cluster): Promise<CapturedContainer[]> {
  const list = JSON.parse(await cluster.kubectl(['get', 'pods', '--all-namespaces', '-o', 'json'])) as V1PodList;
  return list.items.flatMap(({ metadata, status }) => {
    const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    return statuses
      .filter(({ state }) => state?.running !== undefined)
      .map(({ name, containerID = '' }) => ({
        namespace: metadata?.namespace ?? '',
        pod: metadata?.name ?? '',
        uid: metadata?.annotations?.['kubernetes.io/config.hash'] ?? metadata?.uid ?? '',
        container: name,
        id: containerID.replace('containerd://', ''),
      }));
  });
}

async function takeAll(cluster: Cluster, moment: Moment, folder: string): Promise<Capture[]> {
  const captures: Capture[] = [];
  for (const { name, url } of requests) {
    for (const { extension, accept } of forms) {
      const file = `${moment}-${name}.${extension}`;
      const { contentType, date, body } = await get(cluster, url, accept);
      await writeFile(path.join(folder, `${file}.gz`), gzipSync(withoutMachine(body), { level: 9 }));
      captures.push({ file, moment, request: url, contentType, date });
    }
  }
  return captures;
}

/** Asks the kubelet itself, as a server does that scrapes it. */
async function get(
  cluster: Cluster,
  url: string,
  accept: string,
): Promise<{ contentType: string; date: string; body: Buffer }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kubegauge-capture-'));
  try {
    const [headers, body] = [path.join(folder, 'headers'), path.join(folder, 'body')];
    const file = (name: string) => pkiFile(cluster.settings, name);
    const options = [
      '--silent',
      '--show-error',
      '--fail',
      '--max-time',
      '10',
      '--dump-header',
      headers,
      '--output',
      body,
    ];
    const tls = ['--cacert', cluster.caFile, '--cert', file('admin.crt'), '--key', file('admin.key')];
    const wanted = ['--header', `Accept: ${accept}`, '--header', 'Accept-Encoding: gzip'];
    await cluster.runInNamespace('curl', [...options, ...tls, ...wanted, `https://${cluster.nodeIp}:10250${url}`]);
    const head = await readFile(headers, 'latin1');
    const field = (name: string): string => new RegExp(`^${name}: (.*?)\\r?$`, 'im').exec(head)?.[1] ?? '';
    const bytes = await readFile(body);
    const whole = field('Content-Encoding') === 'gzip' ? gunzipSync(bytes) : bytes;
    return { contentType: field('Content-Type'), date: field('Date'), body: whole };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Returns a copy in which the machine's IDs and the kernel's release are replaced, each by as many characters. */
export function withoutMachine(body: Buffer): Buffer {
  const latin1 = body.toString('latin1');
  const values = new Set<string>();
  // In text a label is name="value"; in protobuf its name is followed by a tag, a length of one byte and the value.
  for (const name of ['boot_id', 'machine_id', 'system_uuid', 'kernelVersion']) {
    for (const [, value = ''] of latin1.matchAll(new RegExp(`${name}="([^"]+)"`, 'g'))) values.add(value);
    for (const { index } of latin1.matchAll(new RegExp(`${name}\\x12`, 'g'))) {
      const length = index + name.length + 1;
      values.add(latin1.slice(length + 1, length + 1 + latin1.charCodeAt(length)));
    }
  }
  let replaced = latin1;
  for (const value of values) replaced = replaced.replaceAll(value, value.replace(/[0-9a-z]/g, '0'));
  return Buffer.from(replaced, 'latin1');
}
