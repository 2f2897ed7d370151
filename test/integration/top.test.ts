/** `kubegauge top` as a program: what it prints of a cluster, by a kubeconfig. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runTop } from '../../src/command/topcommand.ts';
import { createFakeApiServer, type FakeApiServer } from '../fakes/apiserver.ts';
import { pod } from '../fakes/kubeobjects.ts';
import { setUsedCluster } from '../fakes/usedcluster.ts';
import { kubeconfigFor } from '../fakes/wholecluster.ts';

interface TopRun {
  readonly apiServer: FakeApiServer;
  /** Returns what is printed. */
  print(...argv: readonly string[]): Promise<string>;
}

/** @param namespace of the kubeconfig's context. */
async function withTop(t: TestContext, look: (run: TopRun) => Promise<void>, namespace?: string): Promise<void> {
  await using apiServer = await createFakeApiServer();
  setUsedCluster(apiServer);
  const folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-top-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigFor(apiServer.url, apiServer.ca, namespace));
  const print = async (...argv: readonly string[]): Promise<string> => {
    let text = '';
    const toRunner = process.stdout.write.bind(process.stdout);
    // Bytes are the test runner's reports.
    const write = t.mock.method(process.stdout, 'write', (chunk: string | Uint8Array) =>
      typeof chunk === 'string' ? ((text += chunk), true) : toRunner(chunk),
    );
    try {
      assert.equal(await runTop([...argv, '--once', `--kubeconfig=${kubeconfig}`], {}), 0);
    } finally {
      write.mock.restore();
    }
    return text;
  };
  await look({ apiServer, print });
}

test('the namespace of the context is the default, as with kubectl, and -A and -n override it', async (t) => {
  await withTop(
    t,
    async ({ apiServer, print }) => {
      apiServer.objects.set(pod('jobs', 'batch-0', { nodeName: 'node-a' }));
      const names = async (...argv: readonly string[]) =>
        (JSON.parse(await print('pods', '-o', 'json', ...argv)) as { pods: { name: string }[] }).pods.map(
          ({ name }) => name,
        );
      assert.deepEqual(await names(), ['batch-0']);
      assert.ok((await names('-A')).includes('web-0'));
      assert.ok((await names('-A')).includes('batch-0'));
      assert.ok(!(await names('-n', 'shop')).includes('batch-0'));
    },
    'jobs',
  );
});

test('a context without a namespace shows all', async (t) => {
  await withTop(t, async ({ apiServer, print }) => {
    apiServer.objects.set(pod('jobs', 'batch-0', { nodeName: 'node-a' }));
    assert.match(await print('pods'), /batch-0[\s\S]*web-0|web-0[\s\S]*batch-0/);
  });
});

test('a pod without usage whose init container fails says so', async (t) => {
  await withTop(t, async ({ apiServer, print }) => {
    const spec = { containers: [{ name: 'app' }], initContainers: [{ name: 'setup' }] };
    const waiting = (name: string, reason: string) => ({ name, state: { waiting: { reason } } });
    const status = {
      containerStatuses: [waiting('app', 'PodInitializing')],
      initContainerStatuses: [waiting('setup', 'CrashLoopBackOff')],
    };
    apiServer.objects.set(pod('shop', 'blocked', { nodeName: 'node-a', phase: 'Pending', spec, status }));
    const shown = await print('pods', '-o', 'wide');
    assert.match(shown, /blocked .*Init:CrashLoopBackOff .*not started \(init container setup: CrashLoopBackOff\)/);
  });
});

/** More than are read of a list, and three pages of those that requests are summed of. */
function setManyPods({ objects, documents }: FakeApiServer): void {
  for (let at = 0; at < 1_200; at += 1) objects.set(pod('many', `pod-${at}`, { nodeName: 'node-a' }));
  documents.set('/apis/metrics.k8s.io/v1beta1/namespaces/many/pods', { items: [] });
}

test('CSV of more pods than are read is marked on standard error', async (t) => {
  await withTop(t, async ({ apiServer, print }) => {
    setManyPods(apiServer);
    const errors = t.mock.method(process.stderr, 'write', () => true);
    const text = await print('pods', '-n', 'many', '-o', 'csv');
    errors.mock.restore();
    assert.equal(text.trim().split('\n').length, 1_001);
    const written = errors.mock.calls.map((call) => String(call.arguments[0])).join('');
    assert.match(written, /^kubegauge: not all rows: .*the first 1000; choose a namespace/m);
  });
});

test('--once waits for the requests of all pods, which are more than one page', async (t) => {
  await withTop(t, async ({ apiServer, print }) => {
    setManyPods(apiServer);
    const { cluster, nodes } = JSON.parse(await print('nodes', '-o', 'json')) as {
      readonly cluster: { readonly cpu: { readonly requested?: number } };
      readonly nodes: readonly { readonly name: string; readonly pods?: number }[];
    };
    assert.ok((nodes.find(({ name }) => name === 'node-a')?.pods ?? 0) >= 1_200);
    assert.notEqual(cluster.cpu.requested, undefined);
  });
});
