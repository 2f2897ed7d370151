/** `kubegauge top` and the page of `kubegauge ui` on a real cluster: their numbers are those of the metrics API, whichever server answers it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { V1ClusterRole, V1ClusterRoleBinding, V1PolicyRule } from '@kubernetes/client-node';
import { statusResourcePath } from '../../../src/api/statusresource.ts';
import type { StatusReport } from '../../../src/server/statuspage.ts';
import { apiPaths, type ApiPath, type ServerReportAnswer } from '../../../src/ui/routes.ts';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { loadNamespace, loadPods } from './loads.ts';
import { dropNamespaces, makeNamespace } from './namespaces.ts';
import { apply, pod } from './pods.ts';
import { nodeReadings, podReadings, type Reading } from './readings.ts';

const { cluster, program, loads, folder, source } = harness();
const main = path.resolve(import.meta.dirname, '../../../src/main.ts');
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: folder, KUBECONFIG: cluster.kubeconfig };
const keepsHistory = program.name === 'kubegauge';

/** What both screens say of a node, or of a container. */
interface Shown {
  readonly name: string;
  readonly timestampMs?: number;
  readonly cpu: { readonly used?: number; readonly requested?: number };
  readonly memory: { readonly used?: number; readonly requested?: number };
}

interface ShownPod extends Shown {
  readonly namespace: string;
  readonly containers: readonly Shown[];
}

/** Prints one screen. */
function top(...args: string[]): Promise<string> {
  return cluster.runInNamespace(process.execPath, [main, 'top', ...args], { env });
}

/** Asserts that pods, read by `read`, have the numbers of the API, once both are of the same samples. */
async function comparePods(read: () => Promise<readonly ShownPod[]>): Promise<readonly ShownPod[]> {
  const [pods, readings] = await waitFor(
    'the API and the screen to be of the same samples',
    async () => {
      const shown = (await read()).filter(({ namespace }) => namespace === loadNamespace);
      const readings = await podReadings(cluster, source());
      const isSame = (pod: ShownPod) => isOf(pod, readings.get(`${pod.namespace}/${pod.name}`));
      return shown.length === loadPods.length && shown.every(isSame) && ([shown, readings] as const);
    },
    60_000,
    500,
  );
  for (const { namespace, name, containers } of pods) {
    const reading = readings.get(`${namespace}/${name}`);
    for (const container of containers) assertUsage(container, reading?.containers.get(container.name));
    assert.equal(containers.length, reading?.containers.size);
  }
  return pods;
}

async function compareNode(read: () => Promise<readonly Shown[]>): Promise<Shown> {
  const [node, reading] = await waitFor(
    'the API and the screen to be of the same sample of the node',
    async () => {
      const [shown] = await read();
      const reading = (await nodeReadings(cluster, source())).get(cluster.nodeName);
      return shown !== undefined && isOf(shown, reading) && ([shown, reading] as const);
    },
    60_000,
    500,
  );
  assert.equal(node.name, cluster.nodeName);
  assertUsage(node, reading);
  return node;
}

function isOf({ timestampMs }: Shown, reading: Pick<Reading, 'timestamp'> | undefined): boolean {
  return reading !== undefined && timestampMs === Date.parse(reading.timestamp);
}

function assertUsage({ name, cpu, memory }: Shown, usage: Omit<Reading, 'timestamp' | 'window'> | undefined): void {
  const shown = { cpuNanocores: Math.round((cpu.used ?? Number.NaN) * 1e9), memoryBytes: memory.used };
  assert.deepEqual(shown, { cpuNanocores: usage?.cpuNanocores, memoryBytes: usage?.memoryBytes }, name);
}

describe('the screens', () => {
  before(() => loads.running());

  describe('kubegauge top', () => {
    const json = async <T>(screen: string, ...args: string[]) =>
      JSON.parse(await top(screen, '-o', 'json', ...args)) as T & { readonly cluster: { readonly server: string } };

    test('pods have the numbers of the API, and what they request', async () => {
      const pods = await comparePods(async () => (await json<{ pods: ShownPod[] }>('pods', '-A')).pods);
      assert.equal(pods.find(({ name }) => name === 'burner')?.cpu.requested, 0.3);
    });

    test('the node has the numbers of the API', async () => {
      await compareNode(async () => (await json<{ nodes: Shown[] }>('nodes')).nodes);
    });

    test('its header says which server answers', async () => {
      assert.equal((await json('nodes')).cluster.server, program.name);
    });

    test('tables name what users look for', async () => {
      assert.match(await top('nodes', '--once'), new RegExp(`^${cluster.nodeName} `, 'm'));
      assert.match(await top('pods', '-n', loadNamespace, '--once'), /\bburner\b.*\bRunning\b/);
      assert.match(await top('containers', '-n', loadNamespace, '-l', 'app=pair', '--once'), /\bpair\b.*\bsecond\b/);
      assert.match(await top('hpas', '--once'), /HPAs/);
    });
  });

  describe('kubegauge top, of pods without usage', () => {
    const namespace = 'screens-without-usage';
    const sleep = { script: 'sleep 100000' };
    before(async () => {
      const large = pod(cluster, namespace, 'large', { app: { ...sleep, requests: { cpu: '1000' } } });
      const unpulled = pod(cluster, namespace, 'unpulled', { app: sleep });
      Object.assign(unpulled.spec?.containers[0] ?? {}, { image: 'image.invalid/none:1' });
      await makeNamespace(cluster, namespace);
      await apply(cluster, [large, unpulled]);
    });
    after(() => dropNamespaces(cluster, namespace));

    test('says why there is none', async () => {
      // The kubelet says ContainerCreating until it has looked for the image.
      await waitFor(
        'the screen to have both reasons',
        async () => {
          const printed = await top('pods', '-n', namespace, '--once', '-o', 'wide');
          assert.match(printed, /^\s*(?:\S+ +)?large .*it waits for a node: .*Insufficient cpu/m);
          assert.match(printed, /^\s*(?:\S+ +)?unpulled .*its containers have not started \(ErrImageNeverPull\)/m);
          return true;
        },
        60_000,
        500,
      );
    });
  });

  describe('kubegauge ui', () => {
    let base = '';
    let stop: (() => Promise<void>) | undefined;

    before(async () => {
      const child = cluster.inNamespace(process.execPath, [main, 'ui', '--no-open'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env,
      });
      const printed: Buffer[] = [];
      child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk));
      child.stderr?.on('data', (chunk: Buffer) => printed.push(chunk));
      const ended = once(child, 'close');
      stop = async () => {
        child.kill('SIGTERM');
        await ended;
      };
      const link = await waitFor(
        'the link of the page',
        async () => /http:\/\/127\.0\.0\.1:\d+\/\S+/.exec(Buffer.concat(printed).toString())?.[0],
        30_000,
      );
      await curl('--location', link);
      base = link.replace(/\?.*/, '').replace(/\/$/, '');
    });
    after(() => stop?.());

    function curl(...args: string[]): Promise<string> {
      const jar = path.join(folder, 'cookies');
      const common = ['--silent', '--show-error', '--fail', '--max-time', '20', '--cookie', jar, '--cookie-jar', jar];
      return cluster.runInNamespace('curl', [...common, ...args]);
    }

    async function answer<T>(of: ApiPath, query = ''): Promise<T> {
      return JSON.parse(await curl(`${base}${of}${query}`)) as T;
    }

    test('pods and the node have the numbers of the API', async () => {
      await comparePods(
        async () => (await answer<{ items: ShownPod[] }>(apiPaths.pods, `?namespace=${loadNamespace}`)).items,
      );
      await compareNode(async () => (await answer<{ items: Shown[] }>(apiPaths.nodes)).items);
    });

    test('its summary counts the node, and says who keeps the history', async () => {
      const { summary, history } = await answer<{
        summary: { readonly nodes: number; readonly readyNodes: number; readonly server: string };
        history: { readonly keptBy: string };
      }>(apiPaths.summary);
      assert.deepEqual([summary.nodes, summary.readyNodes, summary.server], [1, 1, program.name]);
      assert.equal(history.keptBy, keepsHistory ? 'server' : 'ui');
    });

    test('the plots of a namespace have points of each container', async () => {
      const names = ['burner/burn', 'holder/hold', 'pair/first', 'pair/second'].map(
        (each) => `${loadNamespace}/${each}`,
      );
      await waitFor(
        'a point of each container',
        async () => {
          const query = `?namespace=${loadNamespace}&sinceSeconds=3600`;
          const { series } = await answer<{ series: { name: string; cpu: unknown[] }[] }>(
            apiPaths.containerHistory,
            query,
          );
          const plotted = series.filter(({ cpu }) => cpu.some((value) => typeof value === 'number'));
          return names.every((name) => plotted.some((each) => each.name === name));
        },
        120_000,
        1_000,
      );
    });

    test("the server's own report is that of kubectl get --raw; metrics-server has none", async () => {
      const shown = await answer<ServerReportAnswer>(apiPaths.serverReport);
      if (program.name !== 'kubegauge') {
        assert.deepEqual(shown, { state: 'absent' });
        return;
      }
      assert.ok(shown.state === 'read', JSON.stringify(shown));
      const raw = JSON.parse(await cluster.kubectl(['get', '--raw', statusResourcePath])) as StatusReport;
      const { startMs, ways, nodeCount } = shown.report;
      assert.deepEqual([startMs, nodeCount], [Date.parse(raw.startTime), 1]);
      const [node] = raw.nodes;
      const { state, source, verifiedBy } = node ?? {};
      assert.deepEqual(ways.items, [{ nodes: 1, state, source, verifiedBy }]);
    });

    test('whoever has no cookie gets nothing', async () => {
      const status = await cluster.runInNamespace('curl', [
        '--silent',
        '--output',
        '/dev/null',
        '--write-out',
        '%{http_code}',
        `${base}${apiPaths.summary}`,
      ]);
      assert.equal(status, '401');
    });
  });

  describe("kubectl get --raw of the server's own report", { skip: program.name !== 'kubegauge' }, () => {
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    const apiGroup = 'rbac.authorization.k8s.io';
    /** A user of the name with these rights. */
    const user = (name: string, rules: V1PolicyRule[]): (V1ClusterRole | V1ClusterRoleBinding)[] => [
      { apiVersion, kind: 'ClusterRole', metadata: { name }, rules },
      {
        apiVersion,
        kind: 'ClusterRoleBinding',
        metadata: { name },
        roleRef: { apiGroup, kind: 'ClusterRole', name },
        subjects: [{ kind: 'User', apiGroup, name }],
      },
    ];
    const [reader, readsAll] = ['kubegauge-e2e-report', 'kubegauge-e2e-reads-all'];
    const rights = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        ...user(reader, [
          { apiGroups: ['metrics.k8s.io'], resources: ['kubegauge_status'], verbs: ['list'] },
          { nonResourceURLs: ['/status'], verbs: ['get'] },
        ]),
        ...user(readsAll, [{ apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] }]),
      ],
    });
    /** Returns what kubectl prints, also on standard error. */
    const rawAs = (name: string, path = statusResourcePath): Promise<string> =>
      cluster.kubectl(['get', '--raw', path, `--as=${name}`]).catch((error: unknown) => String(error));
    before(() => cluster.kubectl(['apply', '-f', '-'], { input: rights }));
    after(() => cluster.kubectl(['delete', '-f', '-'], { input: rights }));

    test('needs both rights: one to read all resources is not enough', async () => {
      // kube-apiserver learns of the rights by a watch.
      await waitFor('the report', async () => (await rawAs(reader)).includes('"resourceMetrics"'), 20_000, 500);
      await waitFor(
        'the right to all resources',
        async () => (await rawAs(readsAll, '/api/v1/nodes')).includes('"items"'),
        20_000,
        500,
      );
      assert.match(await rawAs(readsAll), /User "kubegauge-e2e-reads-all" cannot get path "\/status"/);
      assert.match(await rawAs('kubegauge-e2e-nobody'), /cannot list resource "kubegauge_status" in API group/);
    });

    test('is in no list of resources', async () => {
      assert.doesNotMatch(await cluster.kubectl(['api-resources']), /kubegauge_status/);
    });
  });
});
