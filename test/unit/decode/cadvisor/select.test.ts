import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseCgroup } from '../../../../src/decode/cadvisor/cgroup.ts';
import type { CgroupCandidate } from '../../../../src/decode/cadvisor/candidate.ts';
import { select, type SelectionState } from '../../../../src/decode/cadvisor/select.ts';

const nowMs = 1795377600000;
const uidA = '66bbaa5b-bd35-4f20-902f-f9e469f6c321';
const uidB = 'd265aed6-99f7-409a-90ec-6fe07ee9cb11';
const idOf = (digit: string): string => digit.repeat(64);
const pathOf = (uid: string, digit: string): string => `/kubepods/pod${uid}/${idOf(digit)}`;

interface Row {
  readonly path: string;
  readonly name?: string;
  readonly pod?: string;
  readonly ageMs?: number;
  readonly memoryBytes?: number;
  readonly startTimeMs?: number | undefined;
  readonly hasCpu?: boolean;
  /** Found, but without values yet. */
  readonly unsampled?: boolean;
}

const usual = { name: 'app', pod: 'web-0', ageMs: 3_000, memoryBytes: 1e6, hasCpu: true, unsampled: false };

function candidate(row: Row): CgroupCandidate {
  const { path, name, pod, ageMs, memoryBytes, hasCpu, unsampled } = { ...usual, ...row };
  // A row may say that it has none.
  const startTimeMs = 'startTimeMs' in row ? row.startTimeMs : 1e12;
  const cgroup = parseCgroup(path);
  const point = {
    name,
    containerId: cgroup.containerId,
    startTimeMs,
    timestampMs: nowMs - ageMs,
    cpuSeconds: 1,
    memoryBytes,
  };
  return { namespace: 'shop', pod, path, cgroup, hasCpu, point: unsampled ? undefined : point };
}

/** Returns the selected containers as pod/uid/container=first digit of the container ID. */
function selected(...rows: readonly Row[]): string[] {
  return select(rows.map(candidate), nowMs)
    .pods.flatMap((pod) =>
      pod.containers.map((point) => `${pod.name}/${pod.uid}/${point.name}=${point.containerId[0]}`),
    )
    .sort();
}

test('no candidates make no pods', () => assert.deepEqual(select([], nowMs).pods, []));

test('the younger of two rows decides what is old on the node', () => {
  const live = { path: pathOf(uidA, '1') };
  const dead = { path: pathOf(uidB, '2'), pod: 'web-1', ageMs: 600_000 };
  assert.deepEqual(selected(live, dead), [`web-0/${uidA}/app=1`]);
});

test('a container with one row has the point of that row', () => {
  const row = candidate({ path: pathOf(uidA, '1') });
  assert.deepEqual(select([row], nowMs).pods, [
    { namespace: 'shop', name: 'web-0', uid: uidA, containers: [row.point] },
  ]);
});

test('a nested cgroup is dropped, also where its victim has just ended, if any row of the node is where it belongs', () => {
  const nested = { path: `${pathOf(uidA, '1')}/${idOf('2')}`, name: 'victim', pod: 'victim-0' };
  assert.deepEqual(selected({ path: pathOf(uidA, '1') }, nested), [`web-0/${uidA}/app=1`]);
});

test('all rows count if none is where it belongs: the layout is unknown', () => {
  assert.deepEqual(selected({ path: `/vm/${idOf('1')}` }, { path: `/vm/${idOf('2')}`, name: 'side' }), [
    'web-0/undefined/app=1',
    'web-0/undefined/side=2',
  ]);
});

test('the shorter of two paths of a container is chosen, then the lesser', () => {
  const inner = candidate({ path: `/docker/x/kubepods/pod${uidA}/${idOf('1')}`, memoryBytes: 2 });
  const outer = candidate({ path: pathOf(uidA, '1'), memoryBytes: 1 });
  const leaked = candidate({ path: `/jobs/pod${uidA}/${idOf('1')}`, memoryBytes: 3 });
  for (const rows of [
    [inner, outer],
    [outer, inner],
    [leaked, inner],
  ]) {
    const [pod] = select(rows, nowMs).pods;
    assert.equal(pod?.containers.length, 1);
    assert.equal(pod.containers[0]?.memoryBytes, rows.includes(outer) ? 1 : 3);
  }
  assert.equal(select([outer, leaked], nowMs).pods[0]?.containers[0]?.memoryBytes, 3);
});

test('the usable one of two paths of a container is chosen if the other is odd from the start, or for long', () => {
  const inner = { path: `/docker/x/kubepods/pod${uidA}/${idOf('1')}`, memoryBytes: 2 };
  const outer = { path: pathOf(uidA, '1'), memoryBytes: 1 };
  const odd = { ...outer, memoryBytes: Number.NaN };
  const chosenIn = (...scrapes: readonly (readonly Row[])[]) => {
    let state: SelectionState | undefined;
    return scrapes.map((rows) => {
      const selection = select(rows.map(candidate), nowMs, state);
      ({ state } = selection);
      return selection.pods.flatMap(({ containers }) => containers.map((point) => point.memoryBytes));
    });
  };
  assert.deepEqual(chosenIn([inner, odd], [inner, odd]), [[2], [2]]);
  assert.deepEqual(chosenIn([inner, outer], [inner, odd], [inner, odd], [inner, outer]), [[1], [Number.NaN], [2], [1]]);
});

test('an instance that has gone is followed by one that started earlier, but not at once', () => {
  const last = { path: pathOf(uidA, '1'), startTimeMs: 2e12 };
  const older = { path: pathOf(uidA, '2'), startTimeMs: 1e12 };
  let { state } = select([last, older].map(candidate), nowMs);
  const chosen = [1, 2, 3].map(() => {
    const selection = select([candidate(older)], nowMs, state);
    ({ state } = selection);
    return selection.pods.length;
  });
  assert.deepEqual(chosen, [0, 1, 1]);
});

test('pods of one name and different UID stay apart', () => {
  assert.deepEqual(selected({ path: pathOf(uidA, '1') }, { path: pathOf(uidB, '2') }), [
    `web-0/${uidA}/app=1`,
    `web-0/${uidB}/app=2`,
  ]);
});

test('an instance with CPU and memory wins over a fresher and younger one without', () => {
  const live = { path: pathOf(uidA, '1'), ageMs: 9_800 };
  assert.deepEqual(selected(live, { path: pathOf(uidA, '2'), memoryBytes: 0, ageMs: 2_300, startTimeMs: 2e12 }), [
    `web-0/${uidA}/app=1`,
  ]);
  assert.deepEqual(selected(live, { path: pathOf(uidA, '2'), hasCpu: false, ageMs: 2_300, startTimeMs: 2e12 }), [
    `web-0/${uidA}/app=1`,
  ]);
});

test('the instance started last wins, then the one sampled last', () => {
  assert.deepEqual(
    selected({ path: pathOf(uidA, '1'), ageMs: 0 }, { path: pathOf(uidA, '2'), startTimeMs: 1e12 + 1000 }),
    [`web-0/${uidA}/app=2`],
  );
  assert.deepEqual(
    selected({ path: pathOf(uidA, '1'), startTimeMs: undefined }, { path: pathOf(uidA, '2'), startTimeMs: 1 }),
    [`web-0/${uidA}/app=2`],
  );
  for (const [first, second] of [
    ['1', '2'],
    ['2', '1'],
  ] as const) {
    assert.deepEqual(selected({ path: pathOf(uidA, first), ageMs: 1 }, { path: pathOf(uidA, second), ageMs: 2 }), [
      `web-0/${uidA}/app=${first}`,
    ]);
  }
});

test('a row much older than its neighbours is dead, alone or as a rival', () => {
  const neighbours = [
    { path: pathOf(uidB, '7'), pod: 'other' },
    { path: pathOf(uidB, '8'), pod: 'other', name: 'side' },
  ];
  const kept = [`other/${uidB}/app=7`, `other/${uidB}/side=8`];
  assert.deepEqual(selected({ path: pathOf(uidA, '1'), ageMs: 91_000 }, ...neighbours), kept);
  assert.deepEqual(selected({ path: pathOf(uidA, '1'), ageMs: 89_000 }, ...neighbours), [
    ...kept,
    `web-0/${uidA}/app=1`,
  ]);
  assert.deepEqual(
    selected({ path: pathOf(uidA, '1'), ageMs: 91_000, startTimeMs: 2e12 }, { path: pathOf(uidA, '2') }, ...neighbours),
    [...kept, `web-0/${uidA}/app=2`],
  );
});

test('no row is dead if all are old, as with --housekeeping-interval=5m', () => {
  assert.deepEqual(
    selected(
      { path: pathOf(uidA, '1'), ageMs: 500_000 },
      { path: pathOf(uidA, '2'), name: 'b', ageMs: 200_000 },
      { path: pathOf(uidA, '3'), name: 'c', ageMs: 180_000 },
    ),
    [`web-0/${uidA}/app=1`, `web-0/${uidA}/b=2`, `web-0/${uidA}/c=3`],
  );
  assert.deepEqual(selected({ path: pathOf(uidA, '1'), ageMs: 3_600_000 }), [`web-0/${uidA}/app=1`]);
});

test('a container that has no values yet keeps its pod out, of its UID only, and only where it is trusted', () => {
  const old = { path: pathOf(uidA, '1') };
  assert.deepEqual(selected(old, { path: pathOf(uidA, '2'), unsampled: true }), []);
  assert.deepEqual(selected(old, { path: pathOf(uidA, '2'), name: 'side', unsampled: true }), []);
  assert.deepEqual(selected(old, { path: pathOf(uidB, '2'), unsampled: true }), [`web-0/${uidA}/app=1`]);
  assert.deepEqual(selected(old, { path: `${pathOf(uidB, '2')}/pod${uidA}/${idOf('3')}`, unsampled: true }), [
    `web-0/${uidA}/app=1`,
  ]);
});

test('a start time that moves forward does not make a dead container its own successor', () => {
  const dead = { path: pathOf(uidA, '1'), startTimeMs: 1e12 };
  const moved = { ...dead, startTimeMs: 3e12 };
  const live = { path: pathOf(uidA, '2'), startTimeMs: 2e12 };
  const chosenAfter = (...scrapes: readonly (readonly Row[])[]) => {
    let selection = select([], nowMs);
    for (const rows of scrapes) selection = select(rows.map(candidate), nowMs, selection.state);
    return selection.pods.flatMap(({ containers }) => containers.map(({ containerId }) => containerId[0]));
  };
  assert.deepEqual(chosenAfter([dead], [dead, live], [moved, live], [moved, live]), ['2']);
  assert.deepEqual(chosenAfter([dead], [moved, live]), ['2']);
  // Nothing is known of a time before, as after our own start: then it is as reported.
  assert.deepEqual(chosenAfter([moved, live]), ['1']);
});

test('any rows in any order make one container per pod UID and name, each with the point of one of the rows', () => {
  const row = fc.record({
    path: fc
      .tuple(
        fc.constantFrom('', '/docker/x', '/pids'),
        fc.constantFrom(uidA, uidB),
        fc.constantFrom('1', '2', '3', '4'),
        fc.constantFrom('', `/${idOf('5')}`, `/pod${uidA}/${idOf('1')}`, `/pod${uidB}.slice:crio:${idOf('2')}`, '/"\n'),
      )
      .map(([prefix, uid, digit, nested]) => `${prefix}${pathOf(uid, digit)}${nested}`),
    name: fc.constantFrom('app', 'side'),
    pod: fc.constantFrom('web-0', 'web-1'),
    ageMs: fc.constantFrom(-1_000, 1_000, 2_000, 100_000),
    memoryBytes: fc.constantFrom(0, 1),
    startTimeMs: fc.constantFrom(undefined, 1, 2),
    hasCpu: fc.boolean(),
    unsampled: fc.constantFrom(false, false, false, true),
  });
  const rows = fc.uniqueArray(row, { maxLength: 12, selector: ({ path, name, pod }) => `${path} ${name} ${pod}` });
  const startTimes = fc.dictionary(fc.constantFrom(idOf('1'), idOf('2')), fc.constantFrom(1, 2));
  fc.assert(
    fc.property(
      rows.chain((array) => fc.tuple(fc.constant(array), fc.shuffledSubarray(array, { minLength: array.length }))),
      startTimes,
      ([one, another], before) => {
        const memory = { startTimes: new Map(Object.entries(before)), contested: new Map(), fine: new Set<string>() };
        const candidates = one.map(candidate);
        const { pods } = select(candidates, nowMs, memory);
        const keys = pods.flatMap(({ namespace, name, uid, containers }) =>
          containers.map((point) => `${namespace}/${name}/${uid}/${point.name}`),
        );
        assert.equal(new Set(keys).size, keys.length);
        const points = pods.flatMap(({ containers }) => containers);
        assert.ok(points.every((point) => candidates.some((each) => each.point === point)));
        assert.deepEqual(
          new Set(points),
          new Set(select(another.map(candidate), nowMs, memory).pods.flatMap(({ containers }) => containers)),
        );
      },
    ),
    { numRuns: 2000 },
  );
});
