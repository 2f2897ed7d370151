/** Numbers and times of one kubelet, whatever they are, make no snapshot unreadable: it holds all nodes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { toPoints } from '../../../src/sample/batch.ts';
import { dateOf } from '../../../src/kubelet/http/responsehead.ts';
import { cadvisor } from '../../../src/decode/cadvisor/cadvisor.ts';
import { createDecoder } from '../../../src/decode/decoder.ts';
import { resource } from '../../../src/decode/resource/resource.ts';
import { answerTime } from '../../../src/decode/sampletime.ts';
import { readSnapshot, writeSnapshot } from '../../../src/storage/snapshot.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { encodeFamilies, type Family } from '../../fakes/exposition.ts';
import { createPointStorage } from '../storage/pointstorage.ts';

const startMs = 1_795_000_000_000;
const dayMs = 86_400_000;
const yearOneMs = -62_135_596_800_000;
const latestMs = Date.UTC(9999, 11, 31, 23, 59, 59);
const path = `/kubepods/pod3a2d7564-baee-4918-9ebc-7b65084aabd1/${'e'.repeat(64)}`;
const machineLabels = { cadvisor: { id: '/' }, resource: {} };
const appLabels = { namespace: 'shop', pod: 'web-0', container: 'app' };

/** Milliseconds relative to the answer, or a time of its own. */
const sampleMs = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -30_000, max: 5_000 }).map((ms) => ({ ms, isRelative: true })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(60_000, dayMs, -dayMs, 20 * 365 * dayMs).map((ms) => ({ ms, isRelative: true })),
  },
  fc.constantFrom(0, 1, yearOneMs, latestMs, latestMs + 60_000, 2 ** 53).map((ms) => ({ ms, isRelative: false })),
  fc.constant(undefined),
);
const date = fc.oneof(
  { weight: 4, arbitrary: fc.constant('ours') },
  fc
    .constantFrom(0, yearOneMs - dayMs, yearOneMs, latestMs - dayMs, latestMs, latestMs + dayMs, 8.64e15, -8.64e15)
    .map((ms) => new Date(ms).toUTCString()),
  fc.constant('no date'),
);
const cpuSeconds = fc.oneof(
  { weight: 3, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) },
  fc.constantFrom(0, 1e9, 1e15, 2 ** 60, 2 ** 59 + 10_240, 2 ** 59, 2 ** 61, -1, Number.NaN, Infinity),
);
const memoryBytes = fc.oneof(
  { weight: 3, arbitrary: fc.nat() },
  fc.constantFrom(0, 0, 2 ** 60, 2 ** 64, -1, Number.NaN, Infinity),
);
const startSeconds = fc.constantFrom(undefined, 0, 1, startMs / 1000, 1e12, 1e15, 2 ** 60, -1, Number.NaN, Infinity);
const answer = fc.record({
  date,
  sampleMs,
  cpuSeconds,
  memoryBytes,
  startSeconds,
  swapBytes: memoryBytes,
  passedMs: fc.constantFrom(1, 10_000, 15_000, 60_000, 400_000, 40 * dayMs),
});
type Answer = typeof answer extends fc.Arbitrary<infer T> ? T : never;

for (const [source, decoderOf] of [
  ['cadvisor', () => createDecoder(cadvisor, 'node-a')],
  ['resource', () => createDecoder(resource, 'node-a')],
] as const) {
  test(`a snapshot can be read whatever numbers /metrics/${source} has`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { minLength: 2, maxLength: 6 }), fc.boolean(), async (answers, protobuf) => {
        const clock = createFakeClock(startMs);
        const storage = createPointStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000 });
        const decoder = decoderOf();
        for (const each of answers) {
          await clock.advance(each.passedMs);
          const ourMs = clock.wallMs();
          const time = answerTime(dateOf(each.date === 'ours' ? new Date(ourMs).toUTCString() : each.date), ourMs);
          const { contentType, bytes } = encodeFamilies(familiesOf(source, each, time.nodeTimeMs), protobuf);
          const decoding = decoder.begin(contentType) ?? assert.fail();
          decoding.write(bytes);
          const result = decoding.finish(time);
          if (result.kind === 'batch') storage.store(toPoints(result.batch));
          const now = { wallMs: ourMs, monotonicMs: clock.monotonicMs() };
          readSnapshot([...writeSnapshot(storage.states(), now)].join(''), now, 60_000);
        }
      }),
      { numRuns: 500 },
    );
  });
}

function familiesOf(source: 'cadvisor' | 'resource', each: Answer, nodeTimeMs: number): Family[] {
  const { sampleMs: at } = each;
  const timestampMs = at === undefined ? undefined : Math.trunc(at.isRelative ? nodeTimeMs + at.ms : at.ms);
  const sample = (labels: Readonly<Record<string, string>>, value: number) => ({
    labels,
    value,
    ...(timestampMs === undefined ? {} : { timestampMs }),
  });
  const family = (name: string, samples: Family['samples']): Family => ({ name, help: '', type: 'gauge', samples });
  const [machine, node] = [machineLabels[source], source === 'cadvisor' ? 'container' : 'node'];
  const app = source === 'cadvisor' ? { ...appLabels, id: path } : appLabels;
  const swap = source === 'cadvisor' ? 'container_memory_swap' : 'container_swap_usage_bytes';
  const rows = (name: string, value: number) => [
    family(`${node}_${name}`, [sample(machine, value), ...(source === 'cadvisor' ? [sample(app, value)] : [])]),
    ...(source === 'cadvisor' ? [] : [family(`container_${name}`, [sample(app, value)])]),
  ];
  return [
    ...rows('cpu_usage_seconds_total', each.cpuSeconds),
    ...rows('memory_working_set_bytes', each.memoryBytes),
    family(swap, [sample(app, each.swapBytes)]),
    ...(each.startSeconds === undefined
      ? []
      : [family('container_start_time_seconds', [sample(app, each.startSeconds)])]),
  ];
}
