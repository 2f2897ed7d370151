/** Objects as protobuf, Table and metadata alone. Golden bytes are those of the Go libraries, bodies those of the real server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EncodableInPieces } from '../../../src/apimachinery/encoding.ts';
import { JsonWriter } from '../../../src/apimachinery/jsonwriter.ts';
import { encodeJson, type JsonForm } from '../../../src/apimachinery/meta.ts';
import { partialObjectMetadata } from '../../../src/api/partial.ts';
import { metricsProtobuf } from '../../../src/api/protobuf.ts';
import { parseIncludeObject, type TableOptions, toTable } from '../../../src/api/table.ts';
import { type NodeMetrics, nodeMetrics } from '../../../src/api/nodes.ts';
import { type PodMetrics, podMetrics } from '../../../src/api/pods.ts';
import type { Resource } from '../../../src/api/resource.ts';
import type { MetricsItem, MetricsObject, Version } from '../../../src/api/types.ts';
import { joined } from '../../fakes/joined.ts';

const at = (time: string) => Date.parse(`2026-11-22T${time}Z`);
const usage = { cpuNanocores: 100_000_885, memoryBytes: 12_640_256 };
const labels = new Map([
  ['b', '2'],
  ['a', '1'],
]);
const times = { creationTimestampMs: at('19:45:19'), timestampMs: at('19:45:15.987') };
const node: NodeMetrics = { name: 'n1', labels, ...times, windowMs: 9993, usage };
const pod: PodMetrics = {
  name: 'p1',
  namespace: 'ns',
  labels: new Map(),
  ...times,
  windowMs: 10_000,
  containers: [{ name: 'c1', ...usage }],
};
const noNodes: MetricsObject<NodeMetrics> = { slices: [] };

function encodeMetricsProtobuf<T extends MetricsItem>(
  resource: Resource<T>,
  object: MetricsObject<T>,
  version: Version,
): Buffer {
  return joined(metricsProtobuf(resource, object, version));
}

/** Returns the compact form; both forms have the bytes of the whole. */
function jsonOf(object: EncodableInPieces): string {
  const forms: readonly JsonForm[] = ['pretty', 'compact'];
  const [, compact] = forms.map((form) => {
    const text = joined(object.json(form, new JsonWriter())).toString();
    assert.equal(text, encodeJson(object.whole(), form).toString());
    return text;
  });
  return compact ?? '';
}

test('protobuf of a page has the token and the number of remaining objects in its ListMeta', () => {
  const page = { slices: [[node]], metadata: { continue: 'abc', remainingItemCount: 7 } };
  const lists = [
    encodeMetricsProtobuf(nodeMetrics, page, 'v1'),
    joined(partialObjectMetadata(page, 'v1beta1').protobuf()),
  ];
  for (const bytes of lists)
    assert.ok(bytes.includes(Buffer.from('0b0a0012001a036162632007', 'hex')), bytes.toString('hex'));
});

describe('protobuf of', () => {
  const check = <T extends MetricsItem>(name: string, resource: Resource<T>, object: MetricsObject<T>, hex: string) =>
    test(name, () => assert.equal(encodeMetricsProtobuf(resource, object, 'v1beta1').toString('hex'), hex));
  check(
    'a node',
    nodeMetrics,
    node,
    '6b3873000a250a166d6574726963732e6b38732e696f2f76316265746131120b4e6f64654d65747269637312680a2a0a026e3112001a0022002a0032003800420808cf8c8dd80610005a060a01611201315a060a0162120132120808cb8c8dd80610001a0608c0a8849d2522130a03637075120c0a0a3130303030303838356e22130a066d656d6f727912090a0731323334344b691a002200',
  );
  check(
    'an empty list',
    nodeMetrics,
    noNodes,
    '6b3873000a290a166d6574726963732e6b38732e696f2f76316265746131120f4e6f64654d6574726963734c69737412080a060a0012001a001a002200',
  );
  check(
    'a list of pods',
    podMetrics,
    { slices: [[pod]] },
    '6b3873000a280a166d6574726963732e6b38732e696f2f76316265746131120e506f644d6574726963734c697374126a0a060a0012001a0012600a1c0a02703112001a026e7322002a0032003800420808cf8c8dd8061000120808cb8c8dd80610001a060880c8afa025222e0a02633112130a03637075120c0a0a3130303030303838356e12130a066d656d6f727912090a0731323334344b691a002200',
  );

  check(
    'a point of the history, with its source',
    nodeMetrics,
    { ...node, annotations: new Map([['kubegauge.io/source', 'cadvisor']]) },
    // The node's bytes, with field 12 behind the labels: 0a "kubegauge.io/source", 12 "cadvisor".
    '6b3873000a250a166d6574726963732e6b38732e696f2f76316265746131120b4e6f64654d6574726963731289010a4b0a026e3112001a0022002a0032003800420808cf8c8dd80610005a060a01611201315a060a0162120132621f0a136b75626567617567652e696f2f736f7572636512086361647669736f72120808cb8c8dd80610001a0608c0a8849d2522130a03637075120c0a0a3130303030303838356e22130a066d656d6f727912090a0731323334344b691a002200',
  );

  test('a node in v1 differs only in its envelope', () => {
    const [v1, v1beta1] = [
      encodeMetricsProtobuf(nodeMetrics, node, 'v1'),
      encodeMetricsProtobuf(nodeMetrics, node, 'v1beta1'),
    ];
    assert.deepEqual(v1.subarray(4 + 2 + 33), v1beta1.subarray(4 + 2 + 38));
  });

  test('swap is the last entry of the map of usage, and absent where it is unknown', () => {
    const swapBytes = 5 * 1024 ** 2;
    // key = 1 and value = 2 of the entry, and string = 1 of the Quantity: 0a "swap", 12 { 0a "5Mi" }.
    const entry = '0a047377617012050a03354d69';
    const usages = usageEntries(
      encodeMetricsProtobuf(nodeMetrics, { ...node, usage: { ...usage, swapBytes } }, 'v1'),
      [2, 4],
    );
    assert.deepEqual(usages.slice(0, 2), usageEntries(encodeMetricsProtobuf(nodeMetrics, node, 'v1'), [2, 4]));
    assert.deepEqual(usages.slice(2), [entry]);
    const containers = [{ name: 'c1', ...usage, swapBytes }];
    const ofPod = usageEntries(encodeMetricsProtobuf(podMetrics, { ...pod, containers }, 'v1'), [2, 4, 2]);
    assert.deepEqual(ofPod, usages);
  });

  test('a list of 5,000 nodes has all of them', () => {
    const items = Array.from({ length: 5000 }, (_, index) => ({ ...node, name: `node-${index}` }));
    const bytes = encodeMetricsProtobuf(nodeMetrics, { slices: [items] }, 'v1').toString('latin1');
    for (const { name } of items) assert.ok(bytes.includes(`${name}\x12\x00`), name);
  });
});

/** The messages at a path of field numbers below the envelope, in hex. Ours have fields of a length only, but for metadata and times. */
function usageEntries(bytes: Buffer, path: readonly number[]): string[] {
  const messages = path.reduce(
    (within, field) => within.flatMap((message) => fieldsOf(message, field)),
    [bytes.subarray('k8s\0'.length)],
  );
  return messages.map((message) => message.toString('hex'));
}

/** The values of one field, each of a length below 128 KiB. */
function fieldsOf(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < message.length; ) {
    const key = message[at] ?? 0;
    const low = message[at + 1] ?? 0;
    const isLong = low > 0x7f;
    const length = isLong ? (low & 0x7f) + ((message[at + 2] ?? 0) << 7) : low;
    assert.equal(key & 7, 2, 'the value has a length');
    const start = at + (isLong ? 3 : 2);
    if (key >> 3 === wanted) found.push(message.subarray(start, start + length));
    at = start + length;
  }
  return found;
}

const columns =
  '"columnDefinitions":[{"name":"Name","type":"string","format":"name","description":"Name of the resource","priority":0},{"name":"cpu","type":"string","format":"quantity","description":"","priority":0},{"name":"memory","type":"string","format":"quantity","description":"","priority":0},{"name":"Window","type":"string","format":"duration","description":"","priority":0}]';
const partialNode =
  '{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"n1","creationTimestamp":"2026-11-22T19:45:19Z","labels":{"a":"1","b":"2"}}}';

describe('a Table', () => {
  const check = <T extends MetricsItem>(
    name: string,
    resource: Resource<T>,
    object: MetricsObject<T>,
    options: Partial<TableOptions>,
    expected: string,
  ) =>
    test(name, () => {
      const table = toTable(resource, object, {
        metaVersion: 'v1',
        version: 'v1beta1',
        includeObject: 'Metadata',
        cells: 'exact',
        ...options,
      });
      assert.equal(jsonOf(table), `{"kind":"Table",${expected}}\n`);
    });
  check(
    'of a node has one row, with its metadata',
    nodeMetrics,
    node,
    {},
    `"apiVersion":"meta.k8s.io/v1","metadata":{},${columns},"rows":[{"cells":["n1","100000885n","12344Ki","9.993s"],"object":${partialNode}}]`,
  );
  check(
    'in v1beta1 has metadata of v1beta1',
    nodeMetrics,
    node,
    { metaVersion: 'v1beta1' },
    `"apiVersion":"meta.k8s.io/v1beta1","metadata":{},${columns},"rows":[{"cells":["n1","100000885n","12344Ki","9.993s"],"object":${partialNode.replace('io/v1', 'io/v1beta1')}}]`,
  );
  check(
    'of pods has the sum of the containers',
    podMetrics,
    { slices: [[{ ...pod, containers: [...pod.containers, { name: 'c2', ...usage }] }]] },
    { includeObject: 'None' },
    `"apiVersion":"meta.k8s.io/v1","metadata":{},${columns},"rows":[{"cells":["p1","200001770n","24688Ki","10s"],"object":null}]`,
  );
  check(
    'has no column for swap, which scripts that parse tables do not expect; the object in a row has it',
    nodeMetrics,
    { ...node, labels: new Map(), usage: { ...usage, swapBytes: 1024 } },
    { includeObject: 'Object' },
    `"apiVersion":"meta.k8s.io/v1","metadata":{},${columns},"rows":[{"cells":["n1","100000885n","12344Ki","9.993s"],"object":{"kind":"NodeMetrics","apiVersion":"metrics.k8s.io/v1beta1","metadata":{"name":"n1","creationTimestamp":"2026-11-22T19:45:19Z"},"timestamp":"2026-11-22T19:45:15Z","window":"9.993s","usage":{"cpu":"100000885n","memory":"12344Ki","swap":"1Ki"}}}]`,
  );
  check(
    'has the objects where includeObject requests them',
    podMetrics,
    pod,
    { includeObject: 'Object' },
    `"apiVersion":"meta.k8s.io/v1","metadata":{},${columns},"rows":[{"cells":["p1","100000885n","12344Ki","10s"],"object":{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1beta1","metadata":{"name":"p1","namespace":"ns","creationTimestamp":"2026-11-22T19:45:19Z"},"timestamp":"2026-11-22T19:45:15Z","window":"10s","containers":[{"name":"c1","usage":{"cpu":"100000885n","memory":"12344Ki"}}]}}]`,
  );
  check(
    'with readable cells has the same columns',
    podMetrics,
    { slices: [[{ ...pod, containers: [...pod.containers, { name: 'c2', ...usage }] }]] },
    { cells: 'readable', includeObject: 'None' },
    `"apiVersion":"meta.k8s.io/v1","metadata":{},${columns},"rows":[{"cells":["p1","201m","24Mi","10s"],"object":null}]`,
  );
  check(
    'with readable cells has objects with exact quantities',
    podMetrics,
    pod,
    { cells: 'readable', includeObject: 'Object' },
    `"apiVersion":"meta.k8s.io/v1","metadata":{},${columns},"rows":[{"cells":["p1","101m","12Mi","10s"],"object":{"kind":"PodMetrics","apiVersion":"metrics.k8s.io/v1beta1","metadata":{"name":"p1","namespace":"ns","creationTimestamp":"2026-11-22T19:45:19Z"},"timestamp":"2026-11-22T19:45:15Z","window":"10s","containers":[{"name":"c1","usage":{"cpu":"100000885n","memory":"12344Ki"}}]}}]`,
  );
  check(
    'without rows has no columns',
    nodeMetrics,
    noNodes,
    {},
    '"apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":null,"rows":null',
  );

  test('rejects another includeObject', () => {
    assert.equal(parseIncludeObject(''), 'Metadata');
    assert.throws(() => parseIncludeObject('Foo'), {
      reason: 'BadRequest',
      message:
        "Unable to convert to Table as requested: includeObject: Invalid value: \"Foo\": must be 'Metadata', 'Object', 'None', or empty",
    });
  });
});

describe('metadata alone', () => {
  test('of a node has its kind', () => {
    const partial = partialObjectMetadata(node, 'v1');
    assert.equal(jsonOf(partial), `${partialNode}\n`);
    assert.equal(
      joined(partial.protobuf()).toString('hex'),
      '6b3873000a270a0e6d6574612e6b38732e696f2f763112155061727469616c4f626a6563744d65746164617461122c0a2a0a026e3112001a0022002a0032003800420808cf8c8dd80610005a060a01611201315a060a01621201321a002200',
    );
  });

  test('of a list has items with a kind', () => {
    const list = partialObjectMetadata({ slices: [[node]] }, 'v1');
    assert.equal(
      jsonOf(list),
      `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{},"items":[${partialNode}]}\n`,
    );
  });

  test('of an empty list has null for its items', () => {
    const list = partialObjectMetadata(noNodes, 'v1');
    assert.match(jsonOf(list), /"metadata":\{\},"items":null\}/);
    assert.equal(
      joined(list.protobuf()).toString('hex'),
      '6b3873000a2b0a0e6d6574612e6b38732e696f2f763112195061727469616c4f626a6563744d657461646174614c69737412080a060a0012001a001a002200',
    );
  });

  test('of a list in v1beta1 has items in field 1 and metadata in field 2', () => {
    const list = partialObjectMetadata({ slices: [[node]] }, 'v1beta1');
    assert.match(joined(list.protobuf()).toString('hex'), /7374[0-9a-f]{4}0a2c0a2a0a026e31.*12060a0012001a001a002200$/);
  });
});
