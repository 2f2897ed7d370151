/** The fast path and the slow path show a sink the same samples, whatever bodies a sender sends one after the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { DelimitedReader, type DelimitedReaderOptions } from '../../../src/exposition/protobufreader.ts';
import { noRow, type SampleSink } from '../../../src/exposition/sample.ts';
import type { Identity } from '../../../src/exposition/sampleposition.ts';
import { SeriesMatcher } from '../../../src/exposition/seriesmatcher.ts';
import { encodeDelimited, type Family, type FamilySample } from '../../fakes/exposition.ts';

const names = ['a', 'b'];
const paths = [
  '',
  '/',
  '/kubepods',
  '/kubepods/pod1',
  '/kubepods/pod2',
  '/system.slice/kubelet.service/0123456789abcdef',
];

/** One sample as a sink gets it. */
interface Shown {
  readonly family: number;
  readonly id: string;
  readonly value: number;
  readonly timestampMs: number;
}

/** One sender's reader: a body's samples, and how many of them took the fast path. */
function createSender(identity: Identity, options: DelimitedReaderOptions, needsValue: (id: string) => boolean) {
  const matcher = new SeriesMatcher(identity, names.length);
  const rows: string[] = [];
  return { matcher, read };

  function read(chunks: readonly Buffer[]): { readonly shown: Shown[]; readonly fast: number } {
    const shown: Shown[] = [];
    let fast = 0;
    const sink: SampleSink = {
      visit(sample) {
        const { family, value, timestampMs } = sample;
        const id = sample.label('id');
        const cpu = sample.label('cpu');
        // Samples of details other than "total" have no row, as cores in the decoder.
        const key = `${id} ${sample.label('pod')}`;
        show(family, key, value, timestampMs);
        if (id === '' || (cpu !== '' && cpu !== 'total')) return noRow;
        if (!rows.includes(key)) rows.push(key);
        return rows.indexOf(key);
      },
      add(row, { family, value, timestampMs }) {
        fast += 1;
        show(family, rows[row] ?? 'no such row', value, timestampMs);
      },
      needsValue: (row) => needsValue(rows[row] ?? ''),
    };
    const show = (family: number, id: string, value: number, timestampMs: number) =>
      void shown.push(needsValue(id) ? { family, id, value, timestampMs } : { family, id, value: 0, timestampMs: 0 });
    const reader = new DelimitedReader(names, sink, { matcher, ...options });
    for (const chunk of chunks) reader.write(Buffer.from(chunk));
    reader.end();
    return { shown, fast };
  }
}

const value = fc.oneof(fc.double(), fc.constantFrom(0, -0, 1e300, Number.NaN, 12.5));
const timestampMs = fc.oneof(
  fc.constantFrom(1_795_377_600_000, 1_795_377_615_000, 0, -1, 2 ** 35, 2 ** 42, 2 ** 53),
  fc.nat(),
);
const anySample: fc.Arbitrary<FamilySample> = fc
  .tuple(
    fc.constantFrom(...paths),
    fc.constantFrom(undefined, 'total', 'cpu00', 'a longer one'),
    fc.constantFrom('web-0', 'web-1'),
    value,
    fc.option(timestampMs, { nil: undefined }),
  )
  .map(([id, cpu, pod, number, time]) => ({
    labels: { container: 'app', ...(cpu === undefined ? {} : { cpu }), id, pod },
    value: number,
    ...(time === undefined ? {} : { timestampMs: time }),
  }));

/** A change of a body: samples that come, go, or have other numbers. */
const anyChange = fc.record({
  kind: fc.constantFrom('insert' as const, 'remove' as const, 'numbers' as const),
  at: fc.nat(),
  sample: anySample,
});

function change(
  samples: readonly FamilySample[],
  { kind, at, sample }: typeof anyChange extends fc.Arbitrary<infer T> ? T : never,
) {
  const index = samples.length === 0 ? 0 : at % samples.length;
  if (kind === 'insert') return samples.toSpliced(index, 0, sample);
  if (kind === 'remove') return samples.toSpliced(index, 1);
  return samples.map((each, position) => (position === index ? { ...sample, labels: each.labels } : each));
}

const identities: readonly Identity[] = ['all labels', { label: 'id', detail: 'cpu' }];

for (const identity of identities) {
  test(`with the identity ${JSON.stringify(identity)}, both paths show the same samples`, () => {
    let fastSamples = 0;
    // By the label alone, samples of one path are one row: `pod` is read when the row is visited first.
    const samplesOf = (samples: readonly FamilySample[]) =>
      identity === 'all labels'
        ? samples
        : samples.map((each) => ({ ...each, labels: { ...each.labels, pod: 'web-0' } }));
    fc.assert(
      fc.property(
        fc.array(anySample, { maxLength: 8 }),
        fc.array(fc.array(anyChange, { maxLength: 3 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 3 }),
        fc.boolean(),
        (first, changes, cuts, needsAll) => {
          const needsValue = (id: string) => needsAll || !id.startsWith('/kubepods ');
          const fast = createSender(identity, {}, needsValue);
          const slow = createSender(identity, { fastPath: false }, needsValue);
          let samples: readonly FamilySample[] = first;
          for (const each of [[], ...changes, []]) {
            samples = each.reduce(change, samples);
            const families: Family[] = names.map((name) => ({
              name,
              help: '',
              type: 'gauge',
              samples: samplesOf(samples),
            }));
            const chunks = cut(encodeDelimited(families), cuts);
            const result = fast.read(chunks);
            const expected = slow.read(chunks);
            assert.deepEqual(result.shown, expected.shown);
            assert.equal(expected.fast, 0);
            assert.deepEqual([slow.matcher.changed, slow.matcher.complete], [true, false]);
            fastSamples += result.fast;
          }
        },
      ),
      { numRuns: 120 },
    );
    assert.ok(fastSamples > 300, `only ${fastSamples} samples took the fast path`);
  });
}

function cut(body: Buffer, cuts: readonly number[]): Buffer[] {
  const ends = [...cuts.map((each) => each % (body.length + 1)), body.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
}
