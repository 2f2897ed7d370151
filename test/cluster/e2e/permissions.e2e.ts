/** Least privilege: nothing is granted that the whole run has not used, and nothing used that docs/permissions.md does not list. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { V1PolicyRule } from '@kubernetes/client-node';
import { readUses } from '../audit.ts';
import { idleRights, unlistedUses, useText } from '../permissionuse.ts';
import { readPermissions, rightsOfRules, rightTexts } from '../permissions.ts';
import { waitFor } from '../wait.ts';
import { apiServiceState, patchApiService } from './apiservices.ts';
import { ask } from './ask.ts';
import { harness } from './harness.ts';
import { loadNamespace } from './loads.ts';
import { listServerPods } from './podserver.ts';

const shared = harness();
const { cluster, program, credentials, loads, startedMs } = shared;
const { settings } = cluster;

const rows = [
  ...readPermissions('Granted by manifests/base'),
  ...readPermissions('Not granted, since every authenticated client has them'),
];
/** Other tests of the run may have used components. */
const listed = [
  ...rows,
  ...readPermissions('Granted by components'),
  ...readPermissions('Not granted, and used with components'),
].flatMap(({ rights }) => rights);
/** Longer than the kubelet and our server keep a decision, which hides a use from the audit log. */
const decisionsKeptMs = 330_000;

describe('rights', { skip: program.name !== 'kubegauge' && 'the rights are our own' }, () => {
  before(async () => {
    await loads.running();
    await shared.basePod();
  });

  const uses = () => readUses(settings, startedMs);

  test('the events that some rights need happen', async () => {
    const [pod] = await listServerPods(cluster);
    const direct = `https://${pod?.status?.podIP}:10250/apis/metrics.k8s.io/v1beta1`;
    // A token that the server itself has to have reviewed, and a client whose rights it has to ask for.
    await ask(cluster, `${direct}/nodes`, { token: credentials.readerToken });
    const status = ['exec', '--namespace=kube-system', 'deployment/metrics-server', '--', '/metrics-server', 'status'];
    assert.match(
      await cluster.kubectl([...status, '--cert-dir=/tmp']),
      /kubelets get tokens of ServiceAccount kube-system\/kubegauge-kubelets$/m,
    );
    // Verification begins again, for which the server looks at its Service.
    await patchApiService(cluster, 'v1.metrics.k8s.io', { spec: { insecureSkipTLSVerify: true, caBundle: null } });
    const isVerified = async () => !(await apiServiceState(cluster, 'v1.metrics.k8s.io')).insecure;
    await waitFor('the server to be verified again', isVerified, 120_000, 1_000);
    // By a user that has them through view alone.
    for (const path of [
      'nodes',
      `nodes/${cluster.nodeName}`,
      `namespaces/${loadNamespace}/pods`,
      `namespaces/${loadNamespace}/pods/burner`,
    ]) {
      const url = `${cluster.apiServerUrl}/apis/metrics.k8s.io/v1beta1/${path}`;
      const served = async () =>
        (await ask(cluster, url, { ca: cluster.caFile, token: credentials.viewerToken })).status === 200;
      await waitFor(`${path} to be served`, served, 60_000, 1_000);
    }
  });

  test('all that is granted is used', async (t) => {
    const expected = rows.filter(({ isUnused }) => !isUnused).flatMap(({ rights }) => rights);
    await waitFor(
      'each right to be used',
      async () => {
        const used = await uses();
        assert.deepEqual(rightTexts(idleRights(expected, used)), []);
        return true;
      },
      decisionsKeptMs,
      5_000,
    );
    for (const text of rightTexts(expected)) t.diagnostic(text);
  });

  test('all that is used is listed, and what a row says is never used is not', async () => {
    const ours = (await uses()).filter(({ account }) => account !== 'users');
    // Denied uses, as while the rights were removed, must be listed, too.
    assert.deepEqual(unlistedUses(listed, ours).map(useText), []);
    const unused = rows.filter(({ isUnused }) => isUnused).flatMap(({ rights }) => rights);
    assert.deepEqual(idleRights(unused, ours), unused);
  });

  test("the rows of Kubernetes' own roles are the rules that these have here", async () => {
    for (const [role, args] of [
      ['ClusterRole system:auth-delegator', ['clusterrole', 'system:auth-delegator']],
      [
        'Role kube-system/extension-apiserver-authentication-reader',
        ['role', 'extension-apiserver-authentication-reader', '--namespace=kube-system'],
      ],
    ] as const) {
      const { rules } = JSON.parse(await cluster.kubectl(['get', ...args, '-o', 'json'])) as { rules: V1PolicyRule[] };
      const namespace = role.startsWith('Role') ? 'kube-system' : undefined;
      const granted = rightsOfRules('kubegauge', role, rules, namespace);
      assert.deepEqual(rightTexts(listed.filter(({ by }) => by === role)), rightTexts(granted));
    }
  });

  test("no right of the account for kubelets but its own, nor of metrics-server's", async () => {
    const may = async (account: string, ...right: string[]) => {
      const args = ['auth', 'can-i', ...right, `--as=system:serviceaccount:kube-system:${account}`];
      // It exits with 1 for no.
      const answer = await cluster.kubectl(args).catch((error: { stdout?: string }) => error.stdout ?? '');
      return answer.trim() === 'yes';
    };
    assert.ok(await may('kubegauge-kubelets', 'get', 'nodes', '--subresource=metrics'));
    for (const account of ['kubegauge-kubelets', 'metrics-server']) {
      for (const right of [
        ['list', 'pods', '--all-namespaces'],
        ['list', 'nodes'],
        ['list', 'horizontalpodautoscalers.autoscaling', '--all-namespaces'],
        ['get', 'secrets', '--all-namespaces'],
        ['get', 'nodes', '--subresource=proxy'],
        ['patch', 'apiservices.apiregistration.k8s.io/v1beta1.metrics.k8s.io'],
        ['patch', 'apiservices.apiregistration.k8s.io/v1.metrics.k8s.io'],
        ['update', 'configmaps', '--namespace=kube-system'],
        ['create', 'serviceaccounts/kubegauge-kubelets', '--subresource=token', '--namespace=kube-system'],
      ]) {
        assert.equal(await may(account, ...right), false, `${account} may ${right.join(' ')}`);
      }
    }
  });
});
