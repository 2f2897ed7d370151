/** Holds the kept samples against a computation over all samples there ever were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { historyLimit, SampleHistory } from '../../../src/kubeletsource/history.ts';
import { columnOf, type SeriesBatch, type WantedColumns } from '../../../src/sample/seriescolumns.ts';

const columns: WantedColumns = ['networkReceiveBytes'];
const windowMs = 60_000;
const most = { cores: 10, memory: 1e9 };
const limits = { windowMs, longestIntervalMs: 300_000, unreadMs: 45_000, most };

interface OneSample {
  readonly timeMs: number;
  readonly value: number;
  readonly parts?: number;
}

function add(history: SampleHistory, { timeMs, value, parts = 1 }: OneSample, of = columns, within = limits): boolean {
  const batch: SeriesBatch = {
    columns: of,
    cgroups: [{ kind: 'sandbox', namespace: 'shop', pod: 'web-0', podUid: undefined, id: 'a' }],
    timesMs: Float64Array.of(timeMs),
    values: Float64Array.from(of, () => value),
    parts: Float64Array.from(of, () => parts),
  };
  return history.add({ batch, cgroup: 0, indexes: [...of.keys()], shapes: of.map(columnOf) }, within);
}

/** Returns the rate's samples by the rules: over the window, since the last reset, pause or step of the clock. */
function naive(samples: readonly OneSample[]): { readonly amount: number; readonly intervalMs: number } | undefined {
  let kept: OneSample[] = [];
  /** The value before the last one, if that is lower. */
  let beforeFall = Number.NaN;
  for (const sample of samples) {
    const last = kept.at(-1);
    const intervalMs = sample.timeMs - (last?.timeMs ?? -Infinity);
    if (intervalMs <= 0 && intervalMs >= -10_000) continue;
    const hasOtherParts = last !== undefined && (sample.parts ?? 1) !== (last.parts ?? 1);
    const isCleared = intervalMs < 0 || intervalMs > limits.longestIntervalMs;
    const hasFallen = last !== undefined && !hasOtherParts && !isCleared && sample.value < last.value;
    const isOther = hasOtherParts || hasFallen || sample.value >= beforeFall;
    beforeFall = hasFallen ? last.value : Number.NaN;
    kept = isCleared || isOther ? [sample] : [...kept, sample];
  }
  const last = kept.at(-1);
  if (last === undefined || kept.length < 2) return undefined;
  const before = kept.filter(({ timeMs }) => timeMs <= last.timeMs - windowMs);
  const first = before.at(-1) ?? kept[0]!;
  return { amount: last.value - first.value, intervalMs: last.timeMs - first.timeMs };
}

const steps = fc.array(
  fc.record({
    // cAdvisor samples every 10 to 30 s; a scrape may repeat one, the clock may be set, the kubelet may pause.
    stepMs: fc.oneof(
      { weight: 20, arbitrary: fc.integer({ min: 9_000, max: 31_000 }) },
      fc.constantFrom(0, -1, -5_000, -60_000, 299_000, 301_000),
    ),
    increase: fc.oneof({ weight: 10, arbitrary: fc.integer({ min: 0, max: 1e6 }) }, fc.integer({ min: -1e6, max: -1 })),
    parts: fc.oneof({ weight: 20, arbitrary: fc.constant(1) }, fc.constantFrom(2, 3)),
  }),
  { maxLength: 60 },
);

test('increase and interval are those of a computation over all samples', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const history = new SampleHistory(columns);
      const samples: OneSample[] = [];
      let timeMs = 1_795_377_600_000;
      let value = 1e7;
      for (const { stepMs, increase, parts } of all) {
        const isIgnored = stepMs <= 0 && stepMs >= -10_000;
        value = Math.max(0, value + increase);
        samples.push({ timeMs: timeMs + stepMs, value, parts });
        // The next interval is that to the last kept sample, or samples would come faster than they can be kept.
        if (!isIgnored) timeMs += stepMs;
        add(history, samples.at(-1)!);
        assert.deepEqual(history.increase(0), naive(samples));
      }
    }),
  );
});

test('of samples that come faster than they can be kept, the increase is over the window and a little more', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 8_000 }), { minLength: 100, maxLength: 300 }), (stepsMs) => {
      const history = new SampleHistory(columns);
      let timeMs = 1_795_377_600_000;
      // One per millisecond: the increase is the interval.
      for (const stepMs of stepsMs) {
        timeMs += stepMs;
        add(history, { timeMs, value: timeMs });
        const counted = history.increase(0);
        if (counted !== undefined) assert.equal(counted.amount, counted.intervalMs);
      }
      const age = timeMs - 1_795_377_600_000 - stepsMs[0]!;
      const { intervalMs } = history.increase(0)!;
      const leastMs = Math.min(age, windowMs);
      assert.ok(intervalMs >= leastMs, `${intervalMs} of ${leastMs}`);
      assert.ok(intervalMs <= windowMs + windowMs / (historyLimit - 3) + 8_000, String(intervalMs));
    }),
  );
});

test('in a window of any length a counter has an increase from the second sample after a reset on', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 15_000, max: 3_600_000 }), (all, longMs) => {
      const within = { ...limits, windowMs: longMs, longestIntervalMs: Math.max(longMs, 300_000) };
      const history = new SampleHistory(columns);
      let timeMs = 1_795_377_600_000;
      let resetMs = timeMs;
      let before = Infinity;
      // One per millisecond since the reset: the increase is the interval.
      add(history, { timeMs, value: 0 }, columns, within);
      for (const { stepMs, increase } of all) {
        if (stepMs <= 0 || stepMs > 60_000) continue;
        // A counter that has not counted yet cannot be seen to fall.
        const isReset = increase < 0 && timeMs > resetMs;
        if (isReset) before = timeMs - resetMs;
        timeMs += stepMs;
        if (isReset) resetMs = timeMs;
        const value = timeMs - resetMs;
        add(history, { timeMs, value }, columns, within);
        const counted = history.increase(0);
        // The first sample after a fall may be wrong: one that goes on from before it begins anew.
        if (isReset || value >= before) assert.equal(counted, undefined);
        else assert.ok(counted !== undefined && counted.amount === counted.intervalMs, JSON.stringify(counted));
        if (!isReset) before = Infinity;
      }
    }),
  );
});

test('memory does not grow with samples', () => {
  const history = new SampleHistory(columns);
  const { bytes } = history;
  for (let sample = 0; sample < 1_000; sample += 1) add(history, { timeMs: 1e12 + sample * 10_000, value: sample });
  assert.equal(history.bytes, bytes);
  assert.ok(bytes <= 200);
});

test('a column that becomes wanted keeps the samples of the others, and begins with the sample at hand', () => {
  const narrow = new SampleHistory(columns);
  add(narrow, { timeMs: 1e12, value: 100 });
  add(narrow, { timeMs: 1e12 + 15_000, value: 200 });
  const both: WantedColumns = ['networkReceiveBytes', 'networkTransmitBytes'];
  const wide = new SampleHistory(both, narrow);
  add(wide, { timeMs: 1e12 + 15_000, value: 200 }, both);
  assert.deepEqual(wide.increase(0), { amount: 100, intervalMs: 15_000 });
  assert.equal(wide.last(1), 200);
  assert.equal(wide.increase(1), undefined);
  add(wide, { timeMs: 1e12 + 30_000, value: 260 }, both);
  assert.deepEqual(wide.increase(0), { amount: 160, intervalMs: 30_000 });
  assert.deepEqual(wide.increase(1), { amount: 60, intervalMs: 15_000 });
});
