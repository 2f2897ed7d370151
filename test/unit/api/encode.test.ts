/** Golden bodies are those of the real server and of the Go libraries. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeYaml } from '../../../src/apimachinery/yaml.ts';
import { JsonWriter } from '../../../src/apimachinery/jsonwriter.ts';
import { encodeJson, type JsonForm } from '../../../src/apimachinery/meta.ts';
import { toJson } from '../../../src/api/encode.ts';
import { metricsInPieces } from '../../../src/api/forms.ts';
import { type NodeMetrics, nodeMetrics } from '../../../src/api/nodes.ts';
import { type PodMetrics, podMetrics } from '../../../src/api/pods.ts';
import type { Resource } from '../../../src/api/resource.ts';
import type { MetricsItem, MetricsObject, Version } from '../../../src/api/types.ts';
import { joined } from '../../fakes/joined.ts';

const at = (time: string) => Date.parse(`2026-11-22T${time}Z`);
const usage = { cpuNanocores: 100000885, memoryBytes: 12640256 };

const node: NodeMetrics = {
  name: 'n1',
  labels: new Map([
    ['b', '2'],
    ['a', '1'],
  ]),
  creationTimestampMs: at('19:45:19.999'),
  timestampMs: at('19:45:15.987'),
  windowMs: 9993,
  usage,
};

const pod: PodMetrics = {
  namespace: 'default',
  name: 'web-0',
  labels: new Map([
    ['tier', 'front'],
    ['app', 'web'],
  ]),
  creationTimestampMs: at('19:48:38'),
  timestampMs: at('19:48:35'),
  windowMs: 10_005,
  containers: [
    { name: 'app', cpuNanocores: 123453215, memoryBytes: 12640256 },
    { name: 'sidecar', cpuNanocores: 123453215, memoryBytes: 12640256 },
  ],
};

const wireNode =
  '"metadata":{"name":"n1","creationTimestamp":"2026-11-22T19:45:19Z","labels":{"a":"1","b":"2"}},"timestamp":"2026-11-22T19:45:15Z","window":"9.993s","usage":{"cpu":"100000885n","memory":"12344Ki"}}';
const wirePod =
  '"metadata":{"name":"web-0","namespace":"default","creationTimestamp":"2026-11-22T19:48:38Z","labels":{"app":"web","tier":"front"}},"timestamp":"2026-11-22T19:48:35Z","window":"10.005s","containers":[{"name":"app","usage":{"cpu":"123453215n","memory":"12344Ki"}},{"name":"sidecar","usage":{"cpu":"123453215n","memory":"12344Ki"}}]}';

/** As it is served, which is what it is when it is made in one go. */
function encode<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  version: Version,
  form: JsonForm = 'compact',
): Buffer {
  const bytes = joined(metricsInPieces(resource, object, { version, fastPath: true }).json(form, new JsonWriter()));
  assert.equal(bytes.toString(), encodeJson(toJson(resource, object, version), form).toString());
  return bytes;
}

test('a node is JSON as the real server writes it', () => {
  assert.equal(
    encode(nodeMetrics, node, 'v1beta1').toString(),
    `{"kind":"NodeMetrics","apiVersion":"metrics.k8s.io/v1beta1",${wireNode}\n`,
  );
});

test('a pod has the requested version', () => {
  assert.equal(
    encode(podMetrics, pod, 'v1').toString(),
    `{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1",${wirePod}\n`,
  );
});

test('swap is the last key of usage, and absent where it is unknown', () => {
  const swapped = encode(nodeMetrics, { ...node, usage: { ...usage, swapBytes: 5_242_880 } }, 'v1').toString();
  assert.match(swapped, /"usage":\{"cpu":"100000885n","memory":"12344Ki","swap":"5Mi"\}\}\n$/);
  const containers = [
    { name: 'app', ...usage, swapBytes: 0 },
    { name: 'sidecar', ...usage },
  ];
  assert.match(
    encode(podMetrics, { ...pod, containers }, 'v1').toString(),
    /"memory":"12344Ki","swap":"0"\}\},\{"name":"sidecar","usage":\{"cpu":"100000885n","memory":"12344Ki"\}\}\]\}\n$/,
  );
  assert.match(
    encodeYaml(toJson(podMetrics, { ...pod, containers: containers.slice(0, 1) }, 'v1')).toString(),
    /\n {2}usage:\n {4}cpu: 100000885n\n {4}memory: 12344Ki\n {4}swap: "0"\n/,
  );
});

test('items of lists have neither kind nor apiVersion', () => {
  assert.equal(
    encode(nodeMetrics, { slices: [[node]] }, 'v1').toString(),
    `{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1","metadata":{},"items":[{${wireNode}]}\n`,
  );
  assert.equal(
    encode(podMetrics, { slices: [[pod], [], [pod]] }, 'v1beta1').toString(),
    `{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[{${wirePod},{${wirePod}]}\n`,
  );
});

test('the items of an empty list are []', () => {
  assert.equal(
    encode(nodeMetrics, { slices: [] }, 'v1beta1').toString(),
    '{"kind":"NodeMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[]}\n',
  );
  assert.equal(
    encode(podMetrics, { slices: [] }, 'v1beta1').toString(),
    '{"kind":"PodMetricsList","apiVersion":"metrics.k8s.io/v1beta1","metadata":{},"items":[]}\n',
  );
});

test('an object without labels has no key for them', () => {
  assert.ok(!encode(nodeMetrics, { ...node, labels: new Map() }, 'v1').includes('labels'));
});

test('pretty JSON is indented', () => {
  assert.equal(
    encode(nodeMetrics, { ...node, labels: new Map() }, 'v1', 'pretty').toString(),
    `{
  "kind": "NodeMetrics",
  "apiVersion": "metrics.k8s.io/v1",
  "metadata": {
    "name": "n1",
    "creationTimestamp": "2026-11-22T19:45:19Z"
  },
  "timestamp": "2026-11-22T19:45:15Z",
  "window": "9.993s",
  "usage": {
    "cpu": "100000885n",
    "memory": "12344Ki"
  }
}`,
  );
});
