/** The two curls that people learn from tutorials, with and without the right to ask. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { V1ClusterRoleBinding } from '@kubernetes/client-node';
import { pkiFile } from '../settings.ts';
import { waitFor } from '../wait.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { loadNamespace } from './loads.ts';
import { podReadings } from './readings.ts';

const { cluster, loads, credentials, server } = harness();

const podPath = `/apis/metrics.k8s.io/v1beta1/namespaces/${loadNamespace}/pods/burner`;
/** A token by its form only. */
const badToken = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJl';

const direct = (path: string, token?: string) =>
  ask(cluster, `${server().url}${path}`, token === undefined ? {} : { token });
const aggregated = (path: string, token?: string) =>
  ask(cluster, `${cluster.apiServerUrl}${path}`, { ca: cluster.caFile, ...(token === undefined ? {} : { token }) });

describe('two curls', () => {
  before(async () => {
    await loads.running();
    const source = { url: server().url, version: 'v1beta1' as const, token: credentials.readerToken };
    await waitFor(
      'the burner to be measured',
      async () => (await podReadings(cluster, source)).has(`${loadNamespace}/burner`),
      180_000,
      1_000,
    );
  });

  describe('curl with a ServiceAccount token', () => {
    test('straight to the server, / lists the paths', async () => {
      const { status, body } = await direct('/', credentials.readerToken);
      assert.equal(status, 200, body);
      const { paths } = JSON.parse(body) as { paths: string[] };
      for (const path of [
        '/apis',
        '/apis/metrics.k8s.io',
        '/apis/metrics.k8s.io/v1beta1',
        '/healthz',
        '/metrics',
        '/version',
      ]) {
        assert.ok(paths.includes(path), `${path} is missing in ${body}`);
      }
    });

    for (const [how, curl] of [
      ['straight to the server', direct],
      ['through kube-apiserver', aggregated],
    ] as const) {
      test(`${how}, a pod's metrics`, async () => {
        const { status, body } = await curl(podPath, credentials.readerToken);
        assert.equal(status, 200, body);
        const pod = JSON.parse(body) as {
          kind: string;
          apiVersion: string;
          metadata: { name: string; namespace: string };
          timestamp: string;
          window: string;
          containers: { name: string; usage: { cpu: string; memory: string } }[];
        };
        assert.equal(`${pod.apiVersion} ${pod.kind}`, 'metrics.k8s.io/v1beta1 PodMetrics');
        assert.equal(`${pod.metadata.namespace}/${pod.metadata.name}`, `${loadNamespace}/burner`);
        assert.match(pod.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
        assert.match(pod.window, /^[\dm.]+s$/);
        assert.equal(pod.containers.length, 1);
        assert.equal(pod.containers[0]?.name, 'burn');
        assert.match(pod.containers[0]?.usage.cpu ?? '', /^\d+[nu]$/);
        assert.match(pod.containers[0]?.usage.memory ?? '', /^\d+Ki$/);
      });
    }

    test('both ways have the same answer', async () => {
      // Unless a new sample comes between the two questions.
      await waitFor(
        'two equal answers',
        async () => {
          const [one, other] = await Promise.all([
            direct(podPath, credentials.readerToken),
            aggregated(podPath, credentials.readerToken),
          ]);
          assert.deepEqual(JSON.parse(other.body), JSON.parse(one.body));
          return true;
        },
        180_000,
        1_000,
      );
    });
  });

  describe('curl as a member of 300 groups', () => {
    /** Headers of some 15 kB, and the right is that of the last. */
    const groups = Array.from({ length: 300 }, (_, index) => `e2e-group-${String(index).padStart(20, '0')}`);
    const lastGroup = groups.at(-1) ?? '';
    const right: V1ClusterRoleBinding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'kubegauge-e2e-groups' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:aggregated-metrics-reader' },
      subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: lastGroup }],
    };
    const askAs = (members: readonly string[]) =>
      ask(cluster, `${cluster.apiServerUrl}${podPath}`, {
        ca: cluster.caFile,
        certificate: { cert: pkiFile(cluster.settings, 'admin.crt'), key: pkiFile(cluster.settings, 'admin.key') },
        headers: ['Impersonate-User: e2e-member', ...members.map((group) => `Impersonate-Group: ${group}`)],
      });

    before(() => cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(right) }));
    after(() => cluster.kubectl(['delete', 'clusterrolebinding', right.metadata?.name ?? '']));

    test('through kube-apiserver, the right of the last one counts', async () => {
      // kube-apiserver learns of the right by a watch.
      const { body } = await waitFor(
        'the right to count',
        async () => {
          const reply = await askAs(groups);
          if (reply.status !== 200) throw new Error(`${reply.status} ${reply.body}`);
          return reply;
        },
        180_000,
      );
      assert.equal((JSON.parse(body) as { kind: string }).kind, 'PodMetrics');
    });

    test('through kube-apiserver, without the last one there is no right', async () => {
      const { status, body } = await askAs(groups.slice(0, -1));
      assert.equal(status, 403, body);
    });
  });

  describe('curl without the right', () => {
    for (const [how, curl] of [
      ['straight to the server', direct],
      ['through kube-apiserver', aggregated],
    ] as const) {
      test(`${how}, another ServiceAccount gets 403`, async () => {
        const { status, body } = await curl(podPath, credentials.strangerToken);
        assert.equal(status, 403, body);
        const reply = JSON.parse(body) as { kind: string; reason: string; message: string };
        assert.equal(`${reply.kind} ${reply.reason}`, 'Status Forbidden');
        assert.match(reply.message, /system:serviceaccount:e2e-users:stranger/);
        assert.match(
          reply.message,
          /cannot get resource "pods" in API group "metrics.k8s.io" in the namespace "e2e-loads"/,
        );
      });

      test(`${how}, an anonymous request gets 403`, async () => {
        const { status, body } = await curl(podPath);
        assert.equal(status, 403, body);
        assert.match(body, /system:anonymous/);
      });

      test(`${how}, a bad token gets 401`, async () => {
        const { status, body } = await curl(podPath, badToken);
        assert.equal(status, 401, body);
        assert.equal((JSON.parse(body) as { reason: string }).reason, 'Unauthorized');
      });
    }

    test('straight to the server, / and /metrics are not for everybody, health and /version are', async () => {
      const status = async (path: string, token?: string) => (await direct(path, token)).status;
      assert.equal(await status('/', credentials.strangerToken), 403);
      assert.equal(await status('/metrics', credentials.strangerToken), 403);
      assert.equal(await status('/metrics', credentials.readerToken), 200);
      for (const path of ['/healthz', '/livez', '/readyz']) assert.equal(await status(path), 200, path);
      // system:discovery and system:public-info-viewer are for every ServiceAccount.
      for (const path of ['/version', '/apis']) assert.equal(await status(path, credentials.strangerToken), 200, path);
    });

    test('straight to the server, the headers of a front proxy are worth nothing without its certificate', async () => {
      const url = `${server().url}${podPath}`;
      const output = await cluster.runInNamespace('curl', [
        '--silent',
        '--insecure',
        '--header',
        'X-Remote-User: admin',
        '--header',
        'X-Remote-Group: system:masters',
        '--write-out',
        '\n%{http_code}',
        url,
      ]);
      assert.match(output, /system:anonymous[^]*\n403$/);
    });
  });
});
