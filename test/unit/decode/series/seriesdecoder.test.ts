/** A decoder that recognises series of the previous body reads the same as one that has seen none, and as one of text. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerTime } from '../../../../src/decode/sampletime.ts';
import {
  createSeriesDecoder,
  type SeriesDecoder,
  type SeriesResult,
} from '../../../../src/decode/series/seriesdecoder.ts';
import type { WantedColumns } from '../../../../src/sample/seriescolumns.ts';
import { type Encoded, encodeFamilies, type Family } from '../../../fakes/exposition.ts';
import { familiesOf, type NodeRows } from '../../kubeletsource/nodescrapes.ts';

const startMs = 1_795_377_600_000;
const wanted: WantedColumns = [
  'cpuQuota',
  'cpuUsage',
  'cpuWaiting',
  'majorPageFaults',
  'networkReceiveBytes',
  'sockets',
];

function read(
  decoder: SeriesDecoder,
  { bytes, contentType }: Encoded,
  nowMs: number,
  pieceBytes = bytes.length,
  columns = wanted,
): SeriesResult {
  const reading = decoder.begin(contentType, columns);
  assert.ok(reading);
  for (let at = 0; at < bytes.length; at += pieceBytes) reading.write(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  return reading.finish(answerTime(nowMs, nowMs));
}

/** Returns values by cgroup and column, in an order of their own. */
function valuesIn(result: SeriesResult): readonly string[] {
  assert.ok(result.kind === 'series', JSON.stringify(result));
  const { cgroups, columns, values, timesMs, parts } = result.batch;
  return cgroups
    .map((cgroup, row) => {
      const numbers = columns.map((name, column) => {
        const place = row * columns.length + column;
        return `${name}=${values[place]} of ${parts[place]}`;
      });
      return `${JSON.stringify(cgroup)} at ${timesMs[row]}: ${numbers.join(', ')}`;
    })
    .sort();
}

const podsOfNode = fc.array(
  fc.record({
    pod: fc.integer({ min: 0, max: 6 }),
    attempt: fc.integer({ min: 1, max: 2 }),
    interfaces: fc.subarray(['eth0', 'net1', 'tunl0', 'enP1s1'], { minLength: 0 }),
    value: fc.integer({ min: 0, max: 1e9 }),
    limited: fc.boolean(),
  }),
  { maxLength: 7 },
);

const scrapes = fc.array(
  fc.record({ pods: podsOfNode, pieceBytes: fc.integer({ min: 50, max: 5_000 }), same: fc.boolean() }),
  { minLength: 1, maxLength: 6 },
);

function rowsOf(pods: typeof podsOfNode extends fc.Arbitrary<infer T> ? T : never): NodeRows {
  const distinct = [...new Map(pods.map((each) => [each.pod, each])).values()];
  return {
    runtime: 'containerd',
    machine: [{ family: 'container_network_receive_bytes_total', value: 7, labels: { interface: 'eth0' } }],
    pods: distinct.map(({ pod, attempt, interfaces, value, limited }) => ({
      namespace: 'shop',
      name: `web-${pod}`,
      sandboxAttempt: attempt,
      attempts: { app: attempt },
      own: [{ family: 'container_pressure_cpu_waiting_seconds_total', value: value / 1e6 }],
      sandbox: interfaces.map((each) => ({
        family: 'container_network_receive_bytes_total',
        value,
        labels: { interface: each },
      })),
      containers: {
        app: [
          { family: 'container_sockets', value: value % 9 },
          ...(limited ? [{ family: 'container_spec_cpu_quota', value: 50_000, untimed: true }] : []),
          ...['container', 'hierarchy'].flatMap((scope) =>
            ['pgfault', 'pgmajfault'].map((failure) => ({
              family: 'container_memory_failures_total',
              value: value + failure.length,
              labels: { failure_type: failure, scope },
            })),
          ),
        ],
      },
    })),
  };
}

test('what is recognised by position is what is parsed, whatever comes and goes', () => {
  fc.assert(
    fc.property(scrapes, (all) => {
      const decoder = createSeriesDecoder();
      let families: Family[] = [];
      for (const [scrape, { pods, pieceBytes, same }] of all.entries()) {
        const nowMs = startMs + scrape * 15_000;
        if (!same || scrape === 0) families = familiesOf(rowsOf(pods), nowMs - 2_000);
        const protobuf = encodeFamilies(families, true);
        const fresh = valuesIn(read(createSeriesDecoder(), protobuf, nowMs));
        assert.deepEqual(valuesIn(read(decoder, protobuf, nowMs, pieceBytes)), fresh);
        assert.deepEqual(valuesIn(read(createSeriesDecoder(), encodeFamilies(families, false), nowMs)), fresh);
      }
    }),
  );
});

test('after a broken body, or other wanted series, nothing is recognised', () => {
  const decoder = createSeriesDecoder();
  const pod = { pod: 1, attempt: 1, interfaces: ['eth0'], value: 5, limited: true };
  const body = encodeFamilies(familiesOf(rowsOf([pod]), startMs - 2_000), true);
  const fresh = valuesIn(read(createSeriesDecoder(), body, startMs));
  assert.deepEqual(valuesIn(read(decoder, body, startMs)), fresh);
  const cut = { ...body, bytes: body.bytes.subarray(0, -5) };
  assert.equal(read(decoder, cut, startMs).kind, 'refused');
  assert.deepEqual(valuesIn(read(decoder, body, startMs)), fresh);
  const fewer: WantedColumns = ['sockets'];
  const other = read(decoder, body, startMs, body.bytes.length, fewer);
  assert.ok(other.kind === 'series');
  assert.deepEqual(other.batch.columns, fewer);
  assert.deepEqual(valuesIn(read(decoder, body, startMs)), fresh);
});

test('a body without any wanted series is a batch without cgroups', () => {
  const body = encodeFamilies(
    [{ name: 'container_other', help: '', type: 'gauge', samples: [{ labels: { id: '/' }, value: 1 }] }],
    true,
  );
  const result = read(createSeriesDecoder(), body, startMs);
  assert.ok(result.kind === 'series');
  assert.deepEqual(result.batch.cgroups, []);
});

test('of any bytes, and of any damage to a body, there are series or a refusal', () => {
  const pod = { pod: 1, attempt: 1, interfaces: ['eth0', 'net1'], value: 5, limited: true };
  const families = familiesOf(rowsOf([pod]), startMs - 2_000);
  const damages = fc.array(fc.record({ at: fc.nat(20_000), byte: fc.nat(255) }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.boolean(), damages, fc.uint8Array({ maxLength: 300 }), (protobuf, damaged, noise) => {
      const whole = encodeFamilies(families, protobuf);
      const decoder = createSeriesDecoder();
      read(decoder, whole, startMs);
      const bytes = Buffer.from(whole.bytes);
      for (const { at, byte } of damaged) bytes[at % bytes.length] = byte;
      for (const body of [bytes, Buffer.from(noise), whole.bytes]) {
        const result = read(decoder, { ...whole, bytes: body }, startMs, 700);
        assert.ok(result.kind === 'series' || result.reason !== '');
      }
      assert.deepEqual(valuesIn(read(decoder, whole, startMs)), valuesIn(read(createSeriesDecoder(), whole, startMs)));
    }),
  );
});

test('cgroups with more text than the limit are refused: their names are kept until the next body', () => {
  const name = 'n'.repeat(200);
  const samples = Array.from({ length: 10_000 }, (_, index) => ({
    labels: {
      container: 'c',
      id: `/kubepods/burstable/pod${'a'.repeat(850)}/${String(index).padStart(64, '0')}`,
      name: String(index),
      namespace: name,
      pod: name,
    },
    value: 1,
    timestampMs: startMs,
  }));
  const body = encodeFamilies([{ name: 'container_sockets', help: '', type: 'gauge', samples }], true);
  const result = read(createSeriesDecoder(), body, startMs);
  // A comparison of the whole batch would print it.
  assert.equal(result.kind === 'refused' && result.reason, 'more than 8388608 characters of cgroups');
});
