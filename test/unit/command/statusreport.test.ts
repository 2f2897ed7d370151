/** The parts of /status about the pod, the credentials for kubelets and rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createStatus } from '../../../src/command/statusreport.ts';
import type { KubeletIdentityReport } from '../../../src/server/statuspage.ts';
import type { SourceReport } from '../../../src/metricsource/source.ts';
import { createFakeClock } from '../../fakes/clock.ts';

const account = 'kube-system/readers';

const pod = { namespace: 'kube-system', pod: 'metrics-server-1', uid: '6a8f' };

const reportWith = (identity: KubeletIdentityReport, metricRules: readonly SourceReport[] = []) =>
  createStatus({
    statuses: () => [],
    resourceMetrics: { source: 'kubelet', scrapesKubelets: true },
    pod,
    usage: { nodeUsage: () => assert.fail('there is no node') },
    podCounts: () => undefined,
    refusals: { recent: () => [] },
    kubeletIdentity: () => identity,
    caBundles: undefined,
    metricRules: () => metricRules,
    pinNote: () => undefined,
    resolutionMs: 15_000,
    stalenessMs: 45_000,
    clock: createFakeClock(),
  })([]);

test('the report names the pod that answers', () => {
  assert.equal(reportWith({ sent: 'own' }).pod, 'kube-system/metrics-server-1');
});

test('a token that is missing or cannot be renewed is a problem, with its reason', () => {
  const degradedBy = (identity: KubeletIdentityReport) => reportWith(identity).degraded;
  assert.deepEqual(degradedBy({ sent: 'none', account, reason: 'not found' }), [
    { code: 'KubeletTokenUnavailable', message: 'there is no token for kubelets: not found' },
  ]);
  assert.deepEqual(degradedBy({ sent: 'account', account, reason: 'no answer' }), [
    { code: 'KubeletTokenNotRenewed', message: 'the token for kubelets cannot be renewed: no answer' },
  ]);
});

test('our own token where only an image was replaced is none, nor is a token of the account, nor the node proxy', () => {
  for (const identity of [
    { sent: 'own', account, reason: 'not found' },
    { sent: 'account', account, reason: undefined },
    { sent: 'none', reason: 'kube-apiserver reads kubelets for us' },
    { sent: 'none', account, reason: undefined },
  ] as const) {
    const report = reportWith(identity);
    assert.deepEqual(report.degraded, []);
    assert.deepEqual(report.kubeletIdentity, identity);
  }
});

test('rules that fail are a problem of their engine', () => {
  const rule = { source: 'main', rule: 'rules[0]', metrics: 1, series: 2, query: 'up' };
  const failing = { ...rule, rule: 'rules[1]', lastError: 'no disk' };
  const kubelet = { ...failing, source: 'kubelet' };
  const { degraded, metricRules } = reportWith({ sent: 'own' }, [rule, failing, kubelet]);
  assert.deepEqual(degraded, [{ code: 'RuleFails', message: '1 of 2 rules of main fail' }]);
  assert.equal(metricRules?.[1]?.error, 'no disk');
});
