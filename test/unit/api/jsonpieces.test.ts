/** Lists in pieces have the bytes of encodeJson, which makes them as a whole: by the fast path and by the slow path. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { EncodableInPieces } from '../../../src/apimachinery/encoding.ts';
import { JsonWriter } from '../../../src/apimachinery/jsonwriter.ts';
import { encodeJson, type JsonForm } from '../../../src/apimachinery/meta.ts';
import { pieceBytes } from '../../../src/apimachinery/pieces.ts';
import { encodeProtobuf } from '../../../src/apimachinery/protobuf.ts';
import { metricsInPieces } from '../../../src/api/forms.ts';
import { partialObjectMetadata } from '../../../src/api/partial.ts';
import { toTable } from '../../../src/api/table.ts';
import { type NodeMetrics, nodeMetrics } from '../../../src/api/nodes.ts';
import { type ContainerMetrics, type PodMetrics, podMetrics } from '../../../src/api/pods.ts';
import type { Resource } from '../../../src/api/resource.ts';
import type { MetricsList } from '../../../src/api/types.ts';
import { gaugeKeys, type ResourceUsage } from '../../../src/api/usage.ts';
import { quantity } from '../../../src/sample/quantities.ts';
import { joined, piecesOf } from '../../fakes/joined.ts';

/** One for all tests, as the server reuses it. */
const writer = new JsonWriter();

const forms: readonly JsonForm[] = ['compact', 'pretty'];

/** Usual names, and characters that are escaped or longer than a byte. */
const text = fc.oneof(
  { weight: 3, arbitrary: fc.stringMatching(/^[a-z0-9.-]{1,20}$/) },
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', '<', '>', '&', '\n', '\u007f', '\u2028', '\u00e9', 'a'),
    maxLength: 10,
  }),
);
/** Whole numbers of all sizes, and those at the limits of the fast paths. */
const whole = fc.oneof(
  fc.nat(2_000_000),
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 999, 1000, 1023, 1024, 2 ** 31 - 1, 2 ** 31, 1e9, 1e9 + 1, 999_999_999_999, 2 ** 53, 2 ** 60),
  fc.tuple(fc.nat(5_000), fc.constantFrom(1000, 1e6, 1e9, 1024, 4096, 2 ** 20, 2 ** 30)).map(([a, b]) => a * b),
);
const instantMs = fc.oneof(
  // Around midnight: the writer reuses the day of the previous time.
  fc.integer({ min: -90_000, max: 90_000 }).map((ms) => Date.UTC(2026, 11, 31) + ms),
  fc.double({ min: -1e15, max: 1e15, noNaN: true }),
);
const windowMs = fc.oneof(
  fc.integer({ min: 1, max: 130_000 }),
  fc.constantFrom(999, 1000, 1001, 1010, 1100, 59_999, 60_000, 15_000),
  fc.double({ min: 0, max: 1e7, noNaN: true }),
);
const labels = fc.array(fc.tuple(text, text), { maxLength: 4 }).map((entries) => new Map(entries));
/** Every gauge of the table, known or not: the fast path has them as literals. */
const gauges = Object.fromEntries(
  gaugeKeys.map((key) => [quantity[key].field, fc.option(whole, { nil: undefined })] as const),
);
const usage: fc.Arbitrary<ResourceUsage> = fc.record({ cpuNanocores: whole, memoryBytes: whole, ...gauges });
const container: fc.Arbitrary<ContainerMetrics> = fc.tuple(text, usage).map(([name, of]) => ({ name, ...of }));
/** The annotation of a point of the history. */
const annotations = fc.option(fc.constant(new Map([['kubegauge.io/source', 'cadvisor']])), { nil: undefined });
const common = { name: text, timestampMs: instantMs, windowMs };
const node = fc.record({ ...common, usage });
const pod = fc.record({
  namespace: text,
  ...common,
  containers: fc.array(container, { maxLength: 3 }),
});

/** Lists with labels that some neighbours share, and with one creation time. */
function listOf<T>(items: fc.Arbitrary<T>) {
  return fc
    .tuple(
      fc.array(fc.array(fc.tuple(items, fc.nat(2), annotations), { maxLength: 4 }), { maxLength: 4 }),
      fc.tuple(labels, labels, labels),
      instantMs,
    )
    .map(([slices, shared, creationTimestampMs]) =>
      slices.map((slice) =>
        slice.map(([item, at, own]) => ({
          ...item,
          labels: shared[at] ?? new Map<string, string>(),
          ...(own === undefined ? {} : { annotations: own }),
          creationTimestampMs,
        })),
      ),
    );
}

/** A list of any resource, and the resource. */
interface ListCase {
  readonly resource: Resource;
  readonly list: MetricsList;
}

/** A page's; absent for a whole list. */
const metadata = fc.constantFrom<MetricsList['metadata'][]>(
  undefined,
  {},
  { continue: 'abc' },
  { continue: 'a-_', remainingItemCount: 7 },
);

const listCase: fc.Arbitrary<ListCase> = fc
  .tuple(
    fc.oneof(
      listOf<Omit<NodeMetrics, 'labels' | 'creationTimestampMs'>>(node).map((slices) => ({
        resource: nodeMetrics,
        list: { slices },
      })),
      listOf<Omit<PodMetrics, 'labels' | 'creationTimestampMs'>>(pod).map((slices) => ({
        resource: podMetrics,
        list: { slices },
      })),
    ),
    metadata,
  )
  .map(([{ resource, list }, of]) => ({ resource, list: of === undefined ? list : { ...list, metadata: of } }));

const fast = { version: 'v1', fastPath: true } as const;
const slow = { version: 'v1', fastPath: false } as const;
const table = { metaVersion: 'v1', version: 'v1', includeObject: 'Object', cells: 'exact' } as const;
const made: readonly [name: string, make: (of: ListCase) => EncodableInPieces][] = [
  ['metrics by the fast path', ({ resource, list }) => metricsInPieces(resource, list, fast)],
  ['metrics by the slow path', ({ resource, list }) => metricsInPieces(resource, list, slow)],
  ['a table', ({ resource, list }) => toTable(resource, list, table)],
  ['metadata alone', ({ list }) => partialObjectMetadata(list, 'v1')],
];

describe('any list has the same bytes in pieces and as a whole, as', () => {
  for (const [name, make] of made) {
    for (const form of forms) {
      test(`${name}, ${form}`, () => {
        fc.assert(
          fc.property(listCase, (of) => {
            assert.equal(joined(make(of).json(form, writer)).toString(), encodeJson(make(of).whole(), form).toString());
          }),
          { numRuns: 500 },
        );
      });
    }
  }

  test('a single object by the fast path', () => {
    fc.assert(
      fc.property(listCase, ({ resource, list }) => {
        for (const object of [...list.slices].flat()) {
          const encodable = metricsInPieces(resource, object, fast);
          assert.equal(joined(encodable.json('compact', writer)).toString(), encodeJson(encodable.whole()).toString());
        }
      }),
    );
  });
});

describe('a long list', () => {
  const labelsOfAll = new Map([['app', 'web']]);
  const items = Array.from(
    { length: 5_000 },
    (_, index): PodMetrics => ({
      namespace: 'shop',
      name: `web-${index}`,
      labels: index % 7 === 0 ? new Map([['index', String(index)]]) : labelsOfAll,
      creationTimestampMs: 1e12,
      timestampMs: 1e12 + index,
      windowMs: 15_000 + (index % 3),
      containers: [{ name: 'app', cpuNanocores: index * 1001, memoryBytes: index * 4096 }],
    }),
  );
  const slices = Array.from({ length: 50 }, (_, at) => items.slice(at * 100, at * 100 + 100));
  const long: ListCase = { resource: podMetrics, list: { slices } };

  for (const [name, make] of made) {
    for (const form of forms) {
      test(`is made in pieces as ${name}, ${form}`, () => {
        const pieces = piecesOf(make(long).json(form, writer));
        assert.ok(pieces.length > 2, `${pieces.length} pieces`);
        assert.ok(pieces.every(({ length }) => length < 2 * pieceBytes));
        assert.deepEqual(Buffer.concat(pieces), encodeJson(make(long).whole(), form));
      });
    }
  }

  test('is made in pieces in protobuf, with the total length at the beginning', () => {
    const pieces = piecesOf(metricsInPieces<PodMetrics>(podMetrics, { slices }, fast).protobuf());
    assert.ok(pieces.length > 2, `${pieces.length} pieces`);
    const inOneGo = joined(metricsInPieces<PodMetrics>(podMetrics, { slices: [items] }, fast).protobuf());
    assert.deepEqual(Buffer.concat(pieces), inOneGo);
    const [raw] = fieldsAfterTypeMeta(inOneGo);
    assert.deepEqual(
      encodeProtobuf('metrics.k8s.io/v1', 'PodMetricsList', (writer) => writer.raw(raw)),
      inOneGo,
    );
  });

  test('is made step by step: a slice is taken only at its step', () => {
    let taken = 0;
    function* counted(): Generator<readonly PodMetrics[]> {
      for (const slice of slices) {
        taken += 1;
        yield slice;
      }
    }
    const pieces = metricsInPieces<PodMetrics>(podMetrics, { slices: counted() }, fast).json('compact', writer);
    for (let step = 1; step <= 3; step += 1) {
      pieces.next();
      assert.equal(taken, step);
    }
  });
});

/** The bytes of field 2 of the envelope. */
function fieldsAfterTypeMeta(bytes: Buffer): [Buffer] {
  const start = 'k8s\0'.length;
  const typeMetaLength = bytes[start + 1] ?? 0;
  let at = start + 2 + typeMetaLength;
  assert.equal(bytes[at], 2 * 8 + 2);
  at += 1;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at] ?? 0;
    at += 1;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return [bytes.subarray(at, at + length)];
}
