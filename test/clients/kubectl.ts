/** Operations of every kubectl on metrics.k8s.io: top, get, describe, explain, api-resources, --raw, -w, and no delete. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { readSettings } from '../cluster/settings.ts';
import { execute, printed } from './execute.ts';
import type { Kubectl } from './kubectls.ts';
import { hasNode, hasPastOfNode, hasPastOfPod, hasPod, isNode, isPod } from './readings.ts';
import { readTable, rowsWith, rowWith } from './table.ts';
import type { Target } from './target.ts';

/** As top prints them, and as get does. */
const cores = /^\d+m$/;
const bytes = /^\d+Mi$/;
const quantity = /^\d+(?:n|u|m|k|Ki|Mi|Gi)?$/;
/** As Go writes durations: of a server that has just started again, the window reaches back to before. */
const window = /^(?:\d+m)?\d+(?:\.\d+)?m?s$/;

/** A version that is not served must not be announced either. */
const knownVersions = ['v1', 'v1beta1'];

export function describeKubectl(kubectl: Kubectl, target: Target): void {
  const { node, pod, versions } = target;
  const [preferred = ''] = versions;
  const inNamespace = ['--namespace', pod.namespace];
  let command: string;

  const words = (args: readonly string[]) => [
    command,
    `--kubeconfig=${target.kubeconfig}`,
    // Each its own: they do not cache the same, and none may know from another what there is.
    `--cache-dir=${path.join(target.folder, `cache of ${kubectl.name}`)}`,
    ...args,
  ];
  const output = (...args: string[]) => printed(target, words(args));
  const table = async (...args: string[]) => readTable(await output(...args));
  const json = async (...args: string[]): Promise<unknown> => JSON.parse(await output(...args));

  describe(kubectl.name, () => {
    before(async () => {
      command = await kubectl.install(readSettings());
    });

    test('is what it is called', async () => {
      const { clientVersion } = (await json('version', '--client', '--output=json')) as {
        clientVersion: { gitVersion: string };
      };
      assert.ok(clientVersion.gitVersion.startsWith(kubectl.version), clientVersion.gitVersion);
    });

    for (const options of kubectl.topOptions) {
      test(['top nodes', ...options].join(' '), async () => {
        const found = await table('top', 'nodes', ...options);
        assert.match(found.columns.join(' '), /^NAME CPU\(cores\) CPU(?:%|\(%\)) MEMORY\(bytes\) MEMORY(?:%|\(%\))$/);
        const row = [...rowWith(found, 'NAME', node).values()];
        for (const [index, cell] of [/./, cores, /^\d+%$/, bytes, /^\d+%$/].entries()) {
          assert.match(row[index] ?? '', cell);
        }
      });

      test(['top pods -A', ...options].join(' '), async () => {
        const found = await table('top', 'pods', '-A', ...options);
        assert.deepEqual(found.columns, ['NAMESPACE', 'NAME', 'CPU(cores)', 'MEMORY(bytes)']);
        const row = rowWith(found, 'NAME', pod.name);
        assert.equal(row.get('NAMESPACE'), pod.namespace);
        assert.match(row.get('CPU(cores)') ?? '', cores);
        assert.match(row.get('MEMORY(bytes)') ?? '', bytes);
      });

      test(['top pod NAME --containers', ...options].join(' '), async () => {
        const found = await table('top', 'pod', pod.name, '--containers', ...inNamespace, ...options);
        assert.deepEqual(found.columns, ['POD', 'NAME', 'CPU(cores)', 'MEMORY(bytes)']);
        assert.deepEqual(
          rowsWith(found, 'POD', pod.name)
            .map((row) => row.get('NAME') ?? '')
            .sort(),
          pod.containers,
        );
        for (const row of found.rows) assert.match(row.get('CPU(cores)') ?? '', cores);
      });
    }

    test('top node NAME', async () => {
      const found = await table('top', 'node', node);
      assert.deepEqual(
        found.rows.map((row) => row.get('NAME')),
        [node],
      );
    });

    test('top pods -l', async () => {
      const found = await table('top', 'pods', '-l', pod.selector, ...inNamespace);
      assert.deepEqual(
        found.rows.map((row) => row.get('NAME')),
        [pod.name],
      );
    });

    test('get nodes.metrics.k8s.io, as a table', async () => {
      const found = await table('get', 'nodes.metrics.k8s.io');
      assert.deepEqual(found.columns, ['NAME', 'CPU', 'MEMORY', 'WINDOW']);
      isRow(rowWith(found, 'NAME', node));
    });

    for (const [what, args] of [
      ['get podmetrics', []],
      ['get podmetrics NAME', [pod.name]],
      ['get podmetrics -l', ['-l', pod.selector]],
      ['get podmetrics --sort-by', ['--sort-by=.metadata.name']],
      ['get podmetrics -o wide', ['-o', 'wide']],
    ] as const) {
      test(`${what}, as a table`, async () => {
        const found = await table('get', 'podmetrics', ...args, ...inNamespace);
        assert.deepEqual(found.columns, ['NAME', 'CPU', 'MEMORY', 'WINDOW']);
        isRow(rowWith(found, 'NAME', pod.name));
      });
    }

    test('get podmetrics -A, as a table', async () => {
      const found = await table('get', 'podmetrics', '-A');
      assert.deepEqual(found.columns, ['NAMESPACE', 'NAME', 'CPU', 'MEMORY', 'WINDOW']);
      isRow(rowWith(found, 'NAME', pod.name));
    });

    test('get podmetrics -A --chunk-size=1 has what one answer has', async () => {
      const names = async (...args: string[]) =>
        (await table('get', 'podmetrics', '-A', ...args)).rows.map((row) => row.get('NAME') ?? '').sort();
      assert.deepEqual(await names('--chunk-size=1'), await names('--chunk-size=0'));
    });

    for (const version of versions) {
      test(`get --raw of the past, ${version}`, async () => {
        const prefix = `/apis/metrics.k8s.io/${version}`;
        hasPastOfNode(await json('get', '--raw', `${prefix}/nodes?sinceSeconds=600`), target);
        const selector = `fieldSelector=metadata.name%3D${pod.name}`;
        const pods = await json(
          'get',
          '--raw',
          `${prefix}/namespaces/${pod.namespace}/pods?${selector}&sinceSeconds=600`,
        );
        hasPastOfPod(pods, target);
      });
    }

    test('get podmetrics NAME -o name', async () => {
      const name = await output('get', 'podmetrics', pod.name, '-o', 'name', ...inNamespace);
      assert.equal(name, `podmetrics.metrics.k8s.io/${pod.name}\n`);
    });

    test('get podmetrics NAME -o yaml', async () => {
      const object: unknown = parse(await output('get', 'podmetrics', pod.name, '-o', 'yaml', ...inNamespace));
      isOf(object, preferred, 'PodMetrics');
      isPod(object, target);
    });

    test('get podmetrics -o yaml, a list', async () => {
      hasPod(parse(await output('get', 'podmetrics', '-o', 'yaml', ...inNamespace)), target);
    });

    test('get podmetrics NAME -o json', async () => {
      const object = await json('get', 'podmetrics', pod.name, '-o', 'json', ...inNamespace);
      isOf(object, preferred, 'PodMetrics');
      isPod(object, target);
    });

    test('get nodemetrics -o json, a list', async () => {
      hasNode(await json('get', 'nodemetrics', '-o', 'json'), target);
    });

    for (const version of versions) {
      test(`get nodes.${version}.metrics.k8s.io NAME -o json, the version by name`, async () => {
        const object = await json('get', `nodes.${version}.metrics.k8s.io`, node, '-o', 'json');
        isOf(object, version, 'NodeMetrics');
        isNode(object, target);
      });

      test(`get --raw, ${version}`, async () => {
        const base = `/apis/metrics.k8s.io/${version}`;
        const pods = `${base}/namespaces/${pod.namespace}/pods`;
        hasNode(await json('get', '--raw', `${base}/nodes`), target);
        isNode(await json('get', '--raw', `${base}/nodes/${node}`), target);
        hasPod(await json('get', '--raw', `${base}/pods`), target);
        hasPod(await json('get', '--raw', `${pods}?labelSelector=${encodeURIComponent(pod.selector)}`), target);
        isPod(await json('get', '--raw', `${pods}/${pod.name}`), target);
      });

      test(`explain podmetrics --api-version=metrics.k8s.io/${version}`, async () => {
        const text = await output('explain', 'podmetrics', `--api-version=metrics.k8s.io/${version}`);
        explains(text, 'PodMetrics', version);
        for (const name of ['apiVersion', 'containers', 'kind', 'metadata', 'timestamp', 'window']) {
          assert.match(text, new RegExp(`^ +${name}\\s+<`, 'm'));
        }
      });
    }

    test('describe podmetrics NAME', async () => {
      const text = await output('describe', 'podmetrics', pod.name, ...inNamespace);
      assert.match(text, new RegExp(`^Name: +${pod.name}$`, 'm'));
      assert.match(text, new RegExp(`^API Version: +metrics.k8s.io/${preferred}$`, 'm'));
      for (const container of pod.containers) assert.match(text, new RegExp(`^ +Name: +${container}$`, 'm'));
      assert.equal(text.match(/^ +Usage:\n +Cpu: +\d+\w*\n +Memory: +\d+\w+$/gm)?.length, pod.containers.length, text);
      assert.match(text, /^Window: +\S+s$/m);
    });

    test('describe nodemetrics', async () => {
      const text = await output('describe', 'nodemetrics', node);
      assert.match(text, new RegExp(`^Name: +${node}$`, 'm'));
      assert.match(text, /^Kind: +NodeMetrics$/m);
      assert.match(text, /^Usage:\n +Cpu: +\d+\w*\n +Memory: +\d+\w+$/m);
    });

    test('explain podmetrics', async () => {
      explains(await output('explain', 'podmetrics'), 'PodMetrics', preferred);
    });

    test('explain podmetrics.containers.usage', async () => {
      assert.match(await output('explain', 'podmetrics.containers.usage'), /<map\[string\](?:string|Quantity)>/);
    });

    test('explain nodemetrics --recursive', async () => {
      const text = await output('explain', 'nodemetrics', '--recursive');
      explains(text, 'NodeMetrics', preferred);
      assert.match(text, /^ +creationTimestamp\s+</m);
      assert.match(text, /^ +usage\s+</m);
    });

    test('api-resources', async () => {
      const found = await table('api-resources', '--api-group=metrics.k8s.io', '-o', 'wide');
      // 1.20 has a column of groups where later ones have versions.
      assert.match(found.columns.join(' '), /^NAME SHORTNAMES (?:APIGROUP|APIVERSION) NAMESPACED KIND VERBS/);
      const rows = found.rows.map((row) => [row.get('NAME'), row.get('NAMESPACED'), row.get('KIND')].join(' '));
      assert.deepEqual(rows, ['nodes false NodeMetrics', 'pods true PodMetrics']);
      for (const row of found.rows) {
        assert.match(
          row.get('APIGROUP') ?? row.get('APIVERSION') ?? '',
          new RegExp(`^metrics.k8s.io(?:/${preferred})?$`),
        );
        assert.match(row.get('VERBS') ?? '', /^(?:\[get list\]|get,list)$/);
      }
    });

    test('api-versions', async () => {
      const lines = (await output('api-versions')).split('\n');
      for (const version of knownVersions) {
        assert.equal(lines.includes(`metrics.k8s.io/${version}`), versions.includes(version), version);
      }
    });

    test('get -w prints the list and says that there is no more', async () => {
      const { exitCode, stdout, stderr } = await execute(target, words(['get', 'podmetrics', '-w', ...inNamespace]));
      isRow(rowWith(readTable(stdout), 'NAME', pod.name));
      assert.equal(stderr, `Error from server (MethodNotAllowed): ${kubectl.watchRefused}\n`);
      assert.equal(exitCode, 1);
    });

    test('delete is refused', async () => {
      const { exitCode, stdout, stderr } = await execute(
        target,
        words(['delete', 'podmetrics', pod.name, ...inNamespace]),
      );
      assert.equal(
        stderr,
        'Error from server (MethodNotAllowed): the server does not allow this method on the requested resource\n',
      );
      assert.equal(stdout, '');
      assert.equal(exitCode, 1);
    });
  });
}

function isRow(row: ReadonlyMap<string, string>): void {
  assert.match(row.get('CPU') ?? '', quantity);
  assert.match(row.get('MEMORY') ?? '', quantity);
  assert.match(row.get('WINDOW') ?? '', window);
}

function isOf(object: unknown, version: string, kind: string): void {
  const { apiVersion, kind: actual } = object as { apiVersion: string; kind: string };
  assert.equal(`${apiVersion} ${actual}`, `metrics.k8s.io/${version} ${kind}`);
}

/** The group is a line of its own since 1.27. */
function explains(text: string, kind: string, version: string): void {
  assert.match(text, new RegExp(`^KIND: +${kind}$`, 'm'));
  assert.match(text, new RegExp(`^VERSION: +(?:metrics.k8s.io/)?${version}$`, 'm'));
  assert.match(text, /metrics\.k8s\.io/);
}
