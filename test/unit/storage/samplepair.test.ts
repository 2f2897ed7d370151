import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unknownContainerId } from '../../../src/sample/containerid.ts';
import type { ContainerPoint, Point } from '../../../src/sample/point.ts';
import type { SampleLimits } from '../../../src/storage/samplerules.ts';
import * as samplepair from '../../../src/storage/samplepair.ts';
import { nanocores } from '../../../src/storage/rate.ts';
import { type SamplePair, podUsageOf, usageOf } from '../../../src/storage/samplepair.ts';

const limits: SampleLimits = { mostCores: 16, mostMemoryBytes: 1e12, longestWindowMs: 300_000, stalenessMs: 45_000 };
const addMachineSample = (pair: SamplePair | undefined, next: Point) => samplepair.addMachineSample(pair, next, limits);
const addContainerSample = (
  pair: SamplePair<ContainerPoint> | undefined,
  next: ContainerPoint,
  youngerThanMs: number,
) => samplepair.addContainerSample(pair, next, youngerThanMs, limits);

const point = (timestampMs: number, cpuSeconds: number, memoryBytes = 1000): Point => ({
  timestampMs,
  cpuSeconds,
  memoryBytes,
});
const container = (timestampMs: number, cpuSeconds: number, rest: Partial<ContainerPoint> = {}): ContainerPoint => ({
  name: 'app',
  containerId: 'a',
  startTimeMs: undefined,
  ...point(timestampMs, cpuSeconds),
  ...rest,
});
const containerAfter = (...points: ContainerPoint[]): SamplePair<ContainerPoint> | undefined =>
  points.reduce<SamplePair<ContainerPoint> | undefined>(
    (pair, next) => addContainerSample(pair, next, 15_000),
    undefined,
  );

describe('the rate between two samples', () => {
  test('is counted over their own interval', () => {
    const usage = usageOf(
      addMachineSample(addMachineSample(undefined, point(1_000, 10)), point(11_005, 12.5, 4096)),
      false,
    );
    assert.deepEqual(usage, {
      kind: 'ready',
      value: {
        timestampMs: 11_005,
        windowMs: 10_005,
        cpuNanocores: 249_875_062,
        memoryBytes: 4096,
      },
    });
  });

  test('is exact to the nanocore on a counter of years', () => {
    const pair = addMachineSample(addMachineSample(undefined, point(0, 400_000_000)), point(10_000, 400_000_001));
    const usage = usageOf(pair, false);
    assert.equal(usage.kind === 'ready' && usage.value.cpuNanocores, 100_000_000);
  });

  test('is zero, not negative, where the kernel took back some nanoseconds', () => {
    const usage = usageOf(addMachineSample(addMachineSample(undefined, point(0, 5)), point(10_000, 5 - 5e-7)), false);
    assert.equal(usage.kind === 'ready' && usage.value.cpuNanocores, 0);
  });
});

test('swap is served in whole bytes if the node has some and the kubelet reports how much', () => {
  const swapOf = (swapBytes: number | undefined, hasSwap: boolean) => {
    const pair = addMachineSample(addMachineSample(undefined, point(0, 1)), { ...point(10_000, 2), swapBytes });
    const usage = usageOf(pair, hasSwap);
    return usage.kind === 'ready' ? usage.value.swapBytes : assert.fail(usage.reason);
  };
  assert.equal(swapOf(4096.5, true), 4096);
  assert.equal(swapOf(0, true), 0);
  assert.equal(swapOf(undefined, true), undefined);
  assert.equal(swapOf(0, false), undefined);
});

describe('one sample', () => {
  test('is not enough', () => {
    assert.deepEqual(usageOf(addMachineSample(undefined, point(1, 1)), false), {
      kind: 'missing',
      reason: 'one-sample',
    });
  });

  test('scraped twice is still one', () => {
    const pair = containerAfter(container(1_000, 1), container(1_000, 1));
    assert.deepEqual(pair && usageOf(pair, false), { kind: 'missing', reason: 'one-sample' });
  });

  test('is enough for a container started between 10 s and one resolution before it', () => {
    const pair = containerAfter(container(12_000, 3, { startTimeMs: 0 }));
    const usage = pair && usageOf(pair, false);
    assert.ok(usage?.kind === 'ready');
    assert.equal(usage.value.windowMs, 12_000);
    assert.equal(usage.value.cpuNanocores, 250_000_000);
  });

  test('is not enough where more was used than any machine has: then the start time has moved', () => {
    const pair = containerAfter(container(12_000, 12 * 1_024 + 1, { startTimeMs: 0 }));
    assert.equal(pair?.base, 'one-sample');
  });

  test('is not enough for one younger than 10 s or older than one resolution', () => {
    for (const ageMs of [9_999, 15_000]) {
      const pair = containerAfter(container(ageMs, 3, { startTimeMs: 0 }));
      assert.equal(pair?.base, 'one-sample', `${ageMs} ms`);
    }
  });
});

describe('a repeated or older sample', () => {
  test('keeps the window that there is', () => {
    const pair = containerAfter(container(0, 1), container(10_000, 2), container(10_000, 2), container(5_000, 1.5));
    const usage = pair && usageOf(pair, false);
    assert.equal(usage?.kind === 'ready' && usage.value.windowMs, 10_000);
  });
});

describe('a clock', () => {
  test('that was set back by an hour costs two samples, not an hour', () => {
    const hourMs = 3_600_000;
    const pair = containerAfter(
      container(hourMs, 1),
      container(hourMs + 10_000, 2),
      container(0, 3),
      container(10_000, 4),
    );
    const usage = pair && usageOf(pair, false);
    assert.equal(usage?.kind === 'ready' && usage.value.timestampMs, 10_000);
  });
});

describe('a time that is not what the kubelet wrote', () => {
  const guessed = (timestampMs: number, rawTimestampMs: number, cpuSeconds: number) =>
    container(timestampMs, cpuSeconds, { rawTimestampMs });
  const untimed = (timestampMs: number, cpuSeconds: number) => container(timestampMs, cpuSeconds, { isUntimed: true });
  const rateOf = (pair: SamplePair | undefined) => {
    const usage = pair && usageOf(pair, false);
    return usage?.kind === 'ready' ? [usage.value.windowMs, usage.value.cpuNanocores] : usage?.reason;
  };

  test('does not make the same sample a newer one after a step back of the clock', () => {
    const pair = containerAfter(container(100_000, 1), container(115_000, 2), guessed(60_000, 115_000, 2));
    assert.deepEqual(rateOf(pair), [15_000, 66_666_666]);
    assert.equal(containerAfter(guessed(0, 70_000, 1), guessed(15_000, 70_000, 1))?.base, 'one-sample');
  });

  test('does not change the interval: it is counted by what the kubelet wrote', () => {
    assert.deepEqual(rateOf(containerAfter(guessed(0, 70_000, 1), guessed(30_000, 80_000, 2))), [10_000, 100_000_000]);
    assert.deepEqual(rateOf(containerAfter(container(0, 1), guessed(2_000, 10_000, 2))), [10_000, 100_000_000]);
    assert.deepEqual(rateOf(containerAfter(guessed(2_000, 10_000, 2), container(20_000, 3))), [10_000, 100_000_000]);
  });

  test('is counted from a true start time by what the kubelet wrote, too', () => {
    const pair = containerAfter(container(2_000, 3, { rawTimestampMs: 12_000, startTimeMs: 0 }));
    assert.deepEqual(rateOf(pair), [12_000, 250_000_000]);
  });

  test('makes no rate with a true one where the kubelet wrote none: the sample may be much older', () => {
    const both = [container(0, 1), untimed(10_000, 30)] as const;
    assert.equal(rateOf(containerAfter(...both)), 'one-sample');
    assert.deepEqual(rateOf(containerAfter(...both, container(10_100, 31))), [10_100, 2_970_297_029]);
    assert.deepEqual(rateOf(containerAfter(...both, untimed(20_000, 31))), [10_000, 100_000_000]);
  });
});

describe('a restart', () => {
  test('is another id; nothing of the old container counts', () => {
    const pair = containerAfter(
      container(0, 100),
      container(10_000, 101),
      container(20_000, 0.5, { containerId: 'b' }),
    );
    assert.deepEqual(pair && usageOf(pair, false), { kind: 'missing', reason: 'restarted' });
  });

  test('is not a start time that moved', () => {
    const pair = containerAfter(
      container(100_000, 1, { startTimeMs: 0 }),
      container(110_000, 2, { startTimeMs: 105_000 }),
    );
    assert.equal(pair && usageOf(pair, false).kind, 'ready');
  });

  test('is also a counter that falls for the same ID', () => {
    const pair = containerAfter(container(0, 100), container(10_000, 1));
    assert.deepEqual(pair && usageOf(pair, false), { kind: 'missing', reason: 'restarted' });
  });
});

describe('a pod', () => {
  const ready = (name: string, atMs: number, windowMs: number): [string, SamplePair] => [
    name,
    addMachineSample(addMachineSample(undefined, point(atMs - windowMs, 1)), point(atMs, 2)),
  ];

  test('has the time and the window of its oldest container, and its containers by name', () => {
    const usage = podUsageOf(new Map([ready('b', 20_000, 10_000), ready('a', 15_000, 12_000)]), false);
    assert.ok(usage.kind === 'ready');
    assert.equal(usage.value.timestampMs, 15_000);
    assert.equal(usage.value.windowMs, 12_000);
    assert.deepEqual(
      usage.value.containers.map(({ name }) => name),
      ['a', 'b'],
    );
  });

  test('has none while one of its containers has none', () => {
    const usage = podUsageOf(
      new Map([ready('a', 20_000, 10_000), ['b', addMachineSample(undefined, point(0, 0))]]),
      false,
    );
    assert.deepEqual(usage, { kind: 'missing', reason: 'one-sample' });
  });
});

describe('a sample without a value', () => {
  const cpuOf = (pair: SamplePair | undefined) => {
    const usage = pair && usageOf(pair, false);
    return usage?.kind === 'ready' ? usage.value.cpuNanocores / 1e9 : usage?.reason;
  };

  test('is no news, and the next rate is counted from the last real one', () => {
    const before = containerAfter(container(10_000, 1_000), container(20_000, 1_010));
    const missing = addContainerSample(before, container(30_000, 0), 0);
    assert.deepEqual(missing, { ...before, lacksValue: true });
    assert.equal(cpuOf(addContainerSample(missing, container(40_000, 1_030), 0)), 1);
  });

  test('is a working set of 0 where there was one, and one that is missing', () => {
    const before = containerAfter(container(10_000, 1), container(20_000, 2));
    for (const memoryBytes of [0, Number.NaN]) {
      const lacking = addContainerSample(before, container(30_000, 3, { memoryBytes }), 0);
      assert.deepEqual(lacking, { ...before, lacksValue: true });
      assert.equal(cpuOf(lacking), 'stale');
    }
  });

  test('is no news while the clock is set back either', () => {
    const before = containerAfter(container(100_000, 1_000), container(110_000, 1_010));
    assert.deepEqual(addContainerSample(before, container(50_000, 0), 0), { ...before, lacksValue: true });
  });

  test('is over when the last sample is repeated', () => {
    const before = containerAfter(container(10_000, 1), container(20_000, 2));
    const lacking = addContainerSample(before, container(30_000, 0), 0);
    assert.deepEqual(addContainerSample(lacking, container(20_000, 2), 0), before);
  });

  test('is never counted from', () => {
    const odd = { memoryBytes: Number.NaN };
    const after = containerAfter(container(10_000, 1, odd), container(20_000, 2), container(30_000, 3));
    assert.equal(cpuOf(containerAfter(container(10_000, 1, odd), container(20_000, 2))), 'one-sample');
    assert.equal(cpuOf(after), 0.1);
  });

  test('is a restart where the container started after the last sample', () => {
    const before = containerAfter(container(10_000, 1), container(20_000, 2));
    const restarted = addContainerSample(before, container(30_000, 0, { startTimeMs: 25_000 }), 0);
    assert.equal(cpuOf(addContainerSample(restarted, container(40_000, 5, { startTimeMs: 25_000 }), 0)), 0.5);
  });

  test('makes the next sample the first one, where an old container had it', () => {
    const old = { startTimeMs: 1_000 };
    const first = containerAfter(container(100_000, 0, old), container(110_000, 90, old));
    assert.equal(cpuOf(first), 'restarted');
    assert.equal(cpuOf(addContainerSample(first, container(120_000, 95, old), 0)), 0.5);
  });
});

describe('one wrong sample between good ones', () => {
  const rateOf = (...points: ContainerPoint[]) => {
    const pair = containerAfter(...points);
    const usage = pair && usageOf(pair, false);
    return usage?.kind === 'ready' ? [usage.value.windowMs, usage.value.cpuNanocores / 1e9] : usage?.reason;
  };
  const good = [container(100_000, 100), container(110_000, 101)] as const;

  for (const [what, odd, now] of [
    ['a counter that was lower', container(120_000, 70), 'restarted'],
    ['a counter of next to nothing', container(120_000, 0.5), 'restarted'],
    ['a time of a minute ago', container(50_000, 102), [10_000, 0.1]],
    ['a time of an hour ago', container(-3_500_000, 102), [10_000, 0.1]],
    ['a time of hours from now', container(9_000_000, 102, { rawTimestampMs: 9_000_000 }), 'restarted'],
  ] as const) {
    test(`is ${what}: the next rate leaves it out`, () => {
      assert.deepEqual(rateOf(...good, odd), now);
      assert.deepEqual(rateOf(...good, odd, container(130_000, 103)), [20_000, 0.1]);
      assert.deepEqual(rateOf(...good, odd, container(130_000, 103), container(140_000, 104)), [10_000, 0.1]);
    });
  }

  test('is none where the next sample follows it: the counter or the clock is another one', () => {
    assert.deepEqual(rateOf(...good, container(120_000, 1), container(130_000, 3)), [10_000, 0.2]);
    assert.deepEqual(rateOf(...good, container(50_000, 102), container(60_000, 104)), [10_000, 0.2]);
  });
});

describe('a first counter of 0', () => {
  const rateOf = (...points: ContainerPoint[]) => {
    const pair = points.reduce<SamplePair<ContainerPoint> | undefined>(
      (before, next) => addContainerSample(before, next, 60_000),
      undefined,
    );
    const usage = pair && usageOf(pair, false);
    return usage?.kind === 'ready' ? [usage.value.windowMs, usage.value.cpuNanocores / 1e9] : usage?.reason;
  };

  test('is not what a container has used since its start', () => {
    assert.equal(rateOf(container(50_000, 0, { startTimeMs: 0 })), 'one-sample');
  });

  test('is not what its next rate is counted from, but its start is', () => {
    const young = { startTimeMs: 10_000 };
    assert.deepEqual(rateOf(container(50_000, 0, young), container(60_000, 100, young)), [50_000, 2]);
  });

  test('leaves no rate to its next sample where nothing says when it started', () => {
    const points = [container(50_000, 0), container(60_000, 100)] as const;
    assert.equal(rateOf(...points), 'restarted');
    assert.deepEqual(rateOf(...points, container(70_000, 102)), [10_000, 0.2]);
  });
});

test('the first sample without a start time is another container than one that cAdvisor reported', () => {
  const pair = containerAfter(container(10_000, 1), container(20_000, 2, { containerId: unknownContainerId }));
  assert.deepEqual(pair && usageOf(pair, false), { kind: 'missing', reason: 'restarted' });
});

test('a start time that is away for one sample is no restart', () => {
  const pair = containerAfter(
    container(10_000, 1, { containerId: 'start:7' }),
    container(20_000, 2, { containerId: unknownContainerId }),
    container(30_000, 4, { containerId: 'start:7' }),
  );
  const usage = pair && usageOf(pair, false);
  assert.equal(usage?.kind === 'ready' && usage.value.cpuNanocores, 2e8);
});

describe('more CPU than the node has', () => {
  const coresOf = (pair: SamplePair) => {
    const usage = usageOf(pair, false);
    return usage.kind === 'ready' ? usage.value.cpuNanocores / 1e9 : usage.reason;
  };
  const machineAfter = (...points: Point[]) =>
    points.reduce<SamplePair | undefined>((pair, next) => addMachineSample(pair, next), undefined)!;

  test('in one sample is not served, and the next rate leaves it out', () => {
    const points = [point(10_000, 100), point(20_000, 110), point(30_000, 1.73e9)];
    assert.equal(coresOf(machineAfter(...points)), 1);
    assert.equal(coresOf(machineAfter(...points, point(40_000, 150))), 2);
  });

  test('in every sample from now on is another machine, served from its second sample on', () => {
    const points = [point(10_000, 100), point(20_000, 110), point(30_000, 5e6), point(40_000, 5e6 + 30)];
    assert.equal(coresOf(machineAfter(...points)), 3);
  });

  test('in the first interval is not served', () => {
    assert.equal(coresOf(machineAfter(point(10_000, 100), point(20_000, 900))), 'one-sample');
  });
});

test('an interval longer than the longest window is a restart', () => {
  const pair = containerAfter(container(10_000, 1), container(20_000, 2), container(320_001, 3));
  assert.deepEqual(pair && usageOf(pair, false), { kind: 'missing', reason: 'restarted' });
});

test('a counter that falls by a millisecond has restarted', () => {
  const pair = containerAfter(container(10_000, 1), container(20_000, 2), container(30_000, 1.999));
  assert.deepEqual(pair && usageOf(pair, false), { kind: 'missing', reason: 'restarted' });
});

test('a container that has ended long ago counts as restarted and uses nothing', () => {
  const before = containerAfter(container(10_000, 1), container(20_000, 2));
  const after = addContainerSample(before, container(400_000, 0, { memoryBytes: 0 }), 0);
  assert.deepEqual(usageOf(after, false), { kind: 'missing', reason: 'restarted' });
  const usage = usageOf(addContainerSample(after, container(415_000, 0, { memoryBytes: 0 }), 0), false);
  assert.equal(usage.kind === 'ready' && usage.value.cpuNanocores, 0);
});

test('an ended container uses nothing since its last sample, also by a clock of the future that it kept', () => {
  const futureMs = Date.UTC(9999);
  const toldAfter = (ms: number) => ({ rawTimestampMs: futureMs + ms });
  const before = containerAfter(container(10_000, 1, toldAfter(0)), container(20_000, 2, toldAfter(10_000)));
  const after = addContainerSample(before, container(70_000, 0, { memoryBytes: 0, ...toldAfter(60_000) }), 0);
  const usage = usageOf(after, false);
  assert.deepEqual(usage.kind === 'ready' && [usage.value.windowMs, usage.value.cpuNanocores], [50_000, 0]);
});

test('no counter, however large, makes more cores than any node has', () => {
  // Both are exact; as nanoseconds they are not.
  const baseSeconds = 738_486_231_231_055_600;
  assert.equal(nanocores(baseSeconds + 10_240, baseSeconds, 10_000), 1_024e9);
});
