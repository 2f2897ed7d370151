/** Commands that users type: kubectl get apiservice, kubectl top. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { waitFor } from '../wait.ts';
import { harness } from './harness.ts';
import { loadNamespace } from './loads.ts';
import { makeNamespace } from './namespaces.ts';

const { cluster, program, loads } = harness();

/** Words of each line, without the header. */
async function top(...args: string[]): Promise<string[][]> {
  const lines = (await cluster.kubectl(['top', ...args])).trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^(NAMESPACE|NAME|POD) /, lines.join('\n'));
  return lines.slice(1).map((line) => line.trim().split(/ +/));
}

const cores = /^\d+m$/;
const bytes = /^\d+Mi$/;

describe('the registered API', () => {
  test('kubectl get apiservice says that every version is Available', async () => {
    for (const version of program.versions) {
      const line = await cluster.kubectl(['get', 'apiservice', `${version}.metrics.k8s.io`, '--no-headers']);
      assert.match(line, /kube-system\/metrics-server +True /);
    }
  });

  test('discovery names the preferred version', async () => {
    const group = JSON.parse(await cluster.kubectl(['get', '--raw', '/apis/metrics.k8s.io'])) as {
      preferredVersion: { version: string };
      versions: { version: string }[];
    };
    assert.equal(group.preferredVersion.version, program.versions[0]);
    assert.deepEqual(
      group.versions.map(({ version }) => version),
      program.versions,
    );
  });
});

describe('kubectl top before there is any pod', () => {
  test('top nodes knows the node', async () => {
    const rows = await waitFor('the node to be measured', () => top('nodes'), 180_000);
    const row = rows.find(([name]) => name === cluster.nodeName) ?? [];
    assert.match(row[1] ?? '', cores);
    assert.match(row[2] ?? '', /^\d+%$/);
    assert.match(row[3] ?? '', bytes);
    assert.match(row[4] ?? '', /^\d+%$/);
  });

  test('top pods answers an empty namespace and an empty cluster politely, with exit code 0', async () => {
    const namespace = await makeNamespace(cluster, 'e2e-empty');
    // What it says goes to standard error; nothing is on standard output, and kubectl would throw if it failed.
    assert.equal(await cluster.kubectl(['top', 'pods', `--namespace=${namespace}`]), '');
    assert.equal(await cluster.kubectl(['top', 'pods', '--all-namespaces']), '');
  });
});

describe('kubectl top with pods', () => {
  before(async () => {
    await loads.running();
    await waitFor(
      'all pods to be measured',
      async () => (await top('pods', '--all-namespaces')).length === 3,
      180_000,
      1_000,
    );
  });

  test('top pods -A shows every pod with its namespace', async () => {
    const rows = await top('pods', '-A');
    assert.deepEqual(rows.map(([namespace, name]) => `${namespace}/${name}`).sort(), [
      `${loadNamespace}/burner`,
      `${loadNamespace}/holder`,
      `${loadNamespace}/pair`,
    ]);
    for (const [, , cpu, memory] of rows) {
      assert.match(cpu ?? '', cores);
      assert.match(memory ?? '', bytes);
    }
  });

  test('top pods --containers shows each container of each pod', async () => {
    const rows = await top('pods', '--containers', `--namespace=${loadNamespace}`);
    assert.deepEqual(rows.map(([podName, name]) => `${podName}/${name}`).sort(), [
      'burner/burn',
      'holder/hold',
      'pair/first',
      'pair/second',
    ]);
  });

  test('top pods -l shows only what the selector finds', async () => {
    const names = async (selector: string) =>
      (await top('pods', '-l', selector, `--namespace=${loadNamespace}`)).map(([name = '']) => name).sort();
    assert.deepEqual(await names('app=burner'), ['burner']);
    assert.deepEqual(await names('app in (burner,pair)'), ['burner', 'pair']);
    assert.deepEqual(await names('app,app!=pair'), ['burner', 'holder']);
    assert.equal(await cluster.kubectl(['top', 'pods', '-l', 'app=nothing', `--namespace=${loadNamespace}`]), '');
  });

  test('top pods --field-selector and a name show one pod', async () => {
    const bySelector = await top('pods', '--field-selector=metadata.name=holder', `--namespace=${loadNamespace}`);
    const byName = await top('pods', 'holder', `--namespace=${loadNamespace}`);
    assert.deepEqual(
      [bySelector, byName].map((rows) => rows.map(([name]) => name)),
      [['holder'], ['holder']],
    );
  });

  test('top pods --sort-by=cpu has the burner first, --sort-by=memory the holder', async () => {
    const first = async (order: string) => (await top('pods', '-A', `--sort-by=${order}`))[0]?.[1];
    assert.equal(await first('cpu'), 'burner');
    assert.equal(await first('memory'), 'holder');
  });

  test('top nodes --sort-by and -l work as well', async () => {
    for (const order of ['cpu', 'memory']) assert.equal((await top('nodes', `--sort-by=${order}`)).length, 1);
    assert.equal((await top('nodes', '-l', `kubernetes.io/hostname=${cluster.nodeName}`)).length, 1);
  });
});
