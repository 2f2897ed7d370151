/** Findings from the rules and metrics of sources, as /status has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainRules, rulesOfStatus } from '../../../../src/doctor/custommetrics/metricrules.ts';

const findingsOf = (metricRules: readonly object[]) => [...explainRules(rulesOfStatus({ metricRules }) ?? [])];
const kubelet = { source: 'kubelet', rule: 'processes, wanted by a request', metrics: 1 };
const lastSuccess = '2026-11-30T12:00:00.000Z';
const error = 'the series of 1 nodes are not whole or above a limit';

test('metrics that some kubelets do not send whole are a warning, while those of others are served', () => {
  const [failing] = findingsOf([{ ...kubelet, lastSuccess, error }]);
  assert.deepEqual([failing?.code, failing?.severity], ['metric-rule-fails', 'warning']);
  assert.equal(failing?.problem, 'some nodes and their pods have no such metrics');
});

test('metrics that no kubelet has sent whole since the start are an error', () => {
  const [failing] = findingsOf([{ ...kubelet, error }]);
  assert.deepEqual([failing?.code, failing?.severity], ['metric-rule-fails', 'error']);
});

test('figures of a metric have its last success', () => {
  const [note] = findingsOf([{ ...kubelet, lastSuccess }]);
  assert.equal(note?.evidence, `processes, wanted by a request: 1 metric, last success ${lastSuccess}`);
});
