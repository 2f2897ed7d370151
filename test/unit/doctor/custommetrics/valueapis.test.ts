import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RegisteredVersion } from '../../../../src/doctor/apiside/registration.ts';
import { explainValueApi, type HasSource, valueApis } from '../../../../src/doctor/custommetrics/valueapis.ts';

const server = { namespace: 'kube-system', name: 'metrics-server', port: 443 };
const [, external] = valueApis;

/** Findings where a Service of another namespace serves external metrics. */
function findingsFor(service: string, hasSource: HasSource) {
  assert.ok(external);
  const version: RegisteredVersion = {
    name: 'v1beta1.external.metrics.k8s.io',
    group: external.group,
    version: 'v1beta1',
    service: { namespace: 'monitoring', name: service, port: 443 },
    insecure: false,
    bundle: '',
    annotations: new Map(),
    labels: new Map(),
    available: undefined,
    object: {},
  };
  const exposed = { shown: [], present: { unverified: [], isInPlace: true } };
  return [...explainValueApi({ api: external, registered: [version], server, exposed, hasSource })];
}

test('no remedy takes external metrics over from KEDA, as one does from another adapter', () => {
  const [ofKeda] = findingsFor('keda-operator-metrics-apiserver', 'yes');
  assert.deepEqual([ofKeda?.severity, ofKeda?.code], ['warning', 'custom-api-elsewhere']);
  assert.match(ofKeda?.problem ?? '', /^KEDA serves it, for its ScaledObjects, so clients do not see the metrics/);
  assert.doesNotMatch(ofKeda?.remedy ?? '', /kubectl/);
  const [ofAdapter] = findingsFor('prometheus-adapter', 'yes');
  assert.match(ofAdapter?.remedy ?? '', /^kubectl apply -f manifests\/components\/external-metrics/);
  assert.deepEqual(
    ['keda-metrics-apiserver', 'prometheus-adapter'].map((name) => findingsFor(name, 'unknown')[0]?.problem),
    ['KEDA serves it, for its ScaledObjects', 'another server serves it'],
  );
});
