import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerError } from '../../../../../src/ui/page/data/connection.js';
import {
  historyText,
  latestOf,
  lineOf,
  lonePoints,
  newestIn,
  ofPods,
  partsOf,
  stepFor,
  sumOf,
  whyEmpty,
  withGaps,
} from '../../../../../src/ui/page/data/series.js';
import type { ContainerView } from '../../../../../src/view/types.ts';
import { barePodView } from '../../../../fakes/clusterview.ts';

const series = {
  name: 'n',
  timeSeconds: [60, 120, 180],
  windowSeconds: [60, 60, 60],
  cpu: [1, 2, 3],
  memory: [4, 5, 6],
};

test("an object's current usage is the last point, if it is newer than the history", () => {
  const at = (timestampMs: number) => ({ timestampMs, cpu: { used: 9 }, memory: {} });
  assert.deepEqual(lineOf(series, 'cpu', at(200_000)), { times: [60, 120, 180, 200], values: [1, 2, 3, 9] });
  assert.deepEqual(lineOf(series, 'cpu', at(180_000)), { times: [60, 120, 180], values: [1, 2, 3] });
  assert.deepEqual(lineOf(series, 'memory', at(200_000)), { times: [60, 120, 180], values: [4, 5, 6] });
  assert.deepEqual(lineOf(undefined, 'cpu', undefined), { times: [], values: [] });
});

test('the history that the server keeps is of the pod as it is, whatever the clock of its node says', () => {
  const pod = { ...barePodView('web-0'), createdMs: 10_000_000 };
  const own = { ...series, name: 'shop/web-0/app' };
  assert.deepEqual(ofPods([own], [pod]), [{ ...own, isNeeded: false }]);
});

test("a pod's line has a gap where a container has no usage, unless it has ended well or is a debugger", () => {
  const at = (name: string, minutes: readonly number[], value: number) => ({
    name: `shop/web-0/${name}`,
    timeSeconds: minutes.map((minute) => minute * 60),
    windowSeconds: minutes.map(() => 60),
    cpu: minutes.map(() => value),
    memory: minutes.map(() => value),
  });
  const minutes = Array.from({ length: 10 }, (_, index) => index + 1);
  const all = [at('app', [1, 2, 8, 9, 10], 3), at('proxy', minutes, 1)];
  const lineWith = (app: Partial<ContainerView>) => {
    const containers = [
      { name: 'app', kind: 'container' as const, cpu: {}, memory: {}, restarts: 0, ...app },
      { name: 'proxy', kind: 'container' as const, cpu: {}, memory: {}, restarts: 0, state: 'running' },
    ];
    const known = ofPods(all, [barePodView('web-0', { containers })]);
    return partsOf(known, 'cpu', new Map([['web-0', 'web-0']]), 60).map(({ line }) => line.values);
  };
  const gap = [4, 4, 4, 4, null, null, null, 4, 4, 4];
  assert.deepEqual(lineWith({ state: 'running' }), [gap]);
  assert.deepEqual(lineWith({ state: 'waiting', reason: 'CrashLoopBackOff' }), [gap]);
  const fall = [4, 4, 4, 4, 1, 1, 1, 4, 4, 4];
  assert.deepEqual(lineWith({ state: 'terminated', reason: 'Completed' }), [fall]);
  assert.deepEqual(lineWith({ kind: 'ephemeral', state: 'running' }), [fall]);
});

test('a hole in the history is a gap, and a single missing minute is none', () => {
  assert.deepEqual(withGaps({ times: [0, 60, 120, 600, 660], values: [1, 1, 1, 2, 2] }), {
    times: [0, 60, 120, 360, 600, 660],
    values: [1, 1, 1, null, 2, 2],
  });
  assert.deepEqual(withGaps({ times: [0, 60, 180], values: [1, 1, 1] }).values, [1, 1, 1]);
});

test('a point that no line reaches is marked: the only one of a line, and one between gaps', () => {
  assert.deepEqual(lonePoints([undefined, 4, undefined]), [1]);
  assert.deepEqual(lonePoints([1, null, 2, undefined, null, 3, undefined, 4]), [0, 2]);
  assert.deepEqual(lonePoints([1, undefined, 2, 3]), []);
  assert.deepEqual(lonePoints([]), []);
});

test('a plot without points says whether they are read, could not be read, come soon or do not come', () => {
  const live = (data: unknown, error?: AnswerError) => ({ data, error });
  assert.equal(whyEmpty(live(undefined)), 'Reading …');
  const failed = live(undefined, new AnswerError(502, 'cannot list pods', undefined));
  assert.equal(whyEmpty(failed), 'The last hour could not be read: cannot list pods');
  assert.equal(whyEmpty(live({})), 'No points yet: the first comes within a minute.');
  assert.equal(whyEmpty(live({}), 'it has ended'), 'No points: it has ended');
});

test('the page says who keeps the history, and does not promise more than may be kept', () => {
  assert.equal(
    historyText({ keptBy: 'server', seconds: 3600 }),
    'kubegauge keeps up to the last 60 minutes, less if it has just started.',
  );
  const reason = 'history is collected for the first 5000 nodes and containers';
  assert.equal(
    historyText({ keptBy: 'unknown', seconds: 3600 }),
    'Who keeps the history is not known: the metrics server could not be asked.',
  );
  assert.equal(
    historyText({ keptBy: 'ui', seconds: 3600, reason }),
    `The metrics server keeps no history: plots begin with this program. ${reason}`,
  );
});

test('a sum takes the last value of a line whose minute is missing, for two minutes', () => {
  const steady = { times: [0, 60, 120, 180, 240], values: [1, 1, 1, 1, 1] };
  const ended = { times: [7, 67], values: [10, 20] };
  assert.deepEqual(sumOf([steady, ended]), { times: [0, 60, 120, 180, 240], values: [11, 21, 21, 21, 1] });
  assert.deepEqual(sumOf([]), { times: [], values: [] });
});

test('a sum of points in longer steps takes the last value of a line for one more step', () => {
  const steady = { times: [290, 590, 890, 950], values: [1, 1, 1, 2] };
  const ended = { times: [270, 310], values: [10, 20] };
  assert.deepEqual(sumOf([steady, ended], 300), { times: [300, 600, 900, 950], values: [11, 21, 21, 2] });
});

test('no point of a sum is later than the newest point, also while a step is not over', () => {
  assert.deepEqual(sumOf([{ times: [40, 100], values: [1, 1] }]), { times: [60, 100], values: [1, 1] });
  const of = (name: string, timeSeconds: number[]) => ({ ...series, name, timeSeconds });
  const containers = [of('shop/a/app', [120, 240, 300]), of('shop/b/app', [120, 240, 290])];
  const parts = new Map([
    ['a', 'a'],
    ['b', 'b'],
    ['c', 'c'],
  ]);
  const lines = partsOf([...containers, of('shop/c/app', [60])], 'cpu', parts, 120);
  assert.deepEqual(
    lines.map(({ line }) => line.times),
    [[120, 240, 300], [120, 240, 300], [120]],
    'lines of a plot have the same times',
  );
});

test('an answer for many lines has fewer points of each', () => {
  assert.deepEqual(
    [0, 1, 2_000, 2_001, 10_000, 100_000, 1_000_000].map((lines) => stepFor(lines)),
    [60, 60, 60, 120, 300, 3600, 3600],
  );
});

test('a part that has ended is last, and has no latest value', () => {
  const now = 1_700_000_040;
  const of = (name: string, fromMinutes: number, toMinutes: number, value: number) => {
    const timeSeconds = [];
    for (let at = now - fromMinutes * 60; at <= now - toMinutes * 60; at += 60) timeSeconds.push(at);
    const values = timeSeconds.map(() => value);
    return { name, timeSeconds, windowSeconds: timeSeconds.map(() => 60), cpu: values, memory: values };
  };
  const all = [of('shop/job-x/main', 55, 45, 4), of('shop/web-1/app', 59, 0, 0.1), of('shop/late/app', 9, 2, 0.2)];
  const parts = new Map(['job-x', 'web-1', 'late'].map((name) => [name, name]));
  const lines = partsOf(all, 'cpu', parts, 60);
  assert.deepEqual(
    lines.map(({ label, line }) => [label, latestOf(line, newestIn(all), 60)]),
    [
      ['late', 0.2],
      ['web-1', 0.1],
      ['job-x', undefined],
    ],
  );
  // With nothing else in the group, the namespace still says what is now.
  const [job] = partsOf(all, 'cpu', new Map([['job-x', 'job']]), 60);
  assert.equal(job && latestOf(job.line, newestIn(all), 60), undefined);
  // So it does where only the group was read.
  const own = [of('shop/old/app', 59, 50, 4), of('shop/new/app', 55, 45, 1)];
  const labels = new Map(['new', 'old'].map((name) => [name, name]));
  assert.deepEqual(
    [undefined, now].map((newest) => partsOf(own, 'cpu', labels, 60, newest).map(({ label }) => label)),
    [
      ['new', 'old'],
      ['old', 'new'],
    ],
  );
  assert.equal(latestOf({ times: [0, 400], values: [1, null] }, 400, 300), 1);
  assert.equal(latestOf({ times: [], values: [] }, 0), undefined);
});

test('parts are sums of their containers, the largest first, and other pods are left out', () => {
  const of = (name: string, cpu: number) => ({ ...series, name, cpu: [cpu, cpu, cpu] });
  const containers = [
    of('shop/web-1/app', 1),
    of('shop/web-1/proxy', 2),
    of('shop/cart-1/app', 9),
    of('shop/x/app', 5),
  ];
  const parts = new Map([
    ['web-1', 'web'],
    ['cart-1', 'cart'],
  ]);
  assert.deepEqual(
    partsOf(containers, 'cpu', parts, 60).map(({ label, line }) => [label, line.values]),
    [
      ['cart', [9, 9, 9]],
      ['web', [3, 3, 3]],
    ],
  );
});
