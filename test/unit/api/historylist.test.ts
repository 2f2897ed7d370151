import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { historyPointLimit } from '../../../src/api/historypage.ts';
import { createNodeReader } from '../../../src/api/nodes.ts';
import { toJson } from '../../../src/api/encode.ts';
import { createPodReader, podMetrics, type PodReaderOptions } from '../../../src/api/pods.ts';
import { decodeContinue, type ListPosition } from '../../../src/apimachinery/continuetoken.ts';
import { parseFieldSelector } from '../../../src/apimachinery/fields.ts';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { field, items } from '../../../src/client/json.ts';
import type { Usage } from '../../../src/sample/point.ts';

const now = Date.parse('2026-11-30T01:00:00Z');
const range = { sinceSeconds: 600, stepSeconds: undefined };
const pods = [
  pod('default', 'web-0', 10),
  pod('default', 'web-1', 0),
  pod('default', 'web-2', 10),
  pod('team-a', 'db-0', 5),
];

function pod(namespace: string, name: string, points: number) {
  const labels = new Map([['app', name.slice(0, -2)]]);
  return { namespace, name, uid: `${name} ${points}`, configHash: undefined, node: 'node-a', labels };
}

/** A pod's UID ends in the number of its points. */
const pointsOf = ({ uid }: { readonly uid: string }) => Number(uid.split(' ')[1]);

function usageAt(index: number): Usage {
  return { timestampMs: now - index * 60_000, windowMs: 60_000, cpuNanocores: index, memoryBytes: 1 };
}

function readerOf(all: readonly ReturnType<typeof pod>[], history: PodReaderOptions['history'] = historyOf()) {
  return createPodReader({
    pods: {
      get: () => undefined,
      list: (namespace) => all.filter((each) => namespace === undefined || each.namespace === namespace),
    },
    usage: { podUsage: () => ({ kind: 'missing', reason: 'never-scraped' }) },
    history,
    troubleOf: () => undefined,
    now: () => now,
  });
}

function historyOf(): NonNullable<PodReaderOptions['history']> {
  return {
    countPod: pointsOf,
    pod: (of) =>
      Array.from({ length: pointsOf(of) }, (_, index) => {
        const usage = usageAt(pointsOf(of) - index);
        return { ...usage, containers: [{ name: 'app', ...usage }] };
      }),
  };
}

type Selection = Parameters<ReturnType<typeof readerOf>['list']>[0];

const list = (selection: Selection, all = pods) => readerOf(all).list({ history: range, ...selection });
const countsOf = (selection: Selection, all = pods) => {
  const counts = new Map<string, number>();
  for (const { name } of [...list(selection, all).slices].flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
};

describe('a list with its history', () => {
  test('has an item per point, oldest first per object, of the objects that have points', () => {
    const items = [...list({}).slices].flat();
    assert.deepEqual(countsOf({}), { 'web-0': 10, 'web-2': 10, 'db-0': 5 });
    assert.equal(list({}).metadata, undefined);
    const [first, second] = items;
    assert.deepEqual(first, {
      namespace: 'default',
      name: 'web-0',
      labels: new Map([['app', 'web']]),
      creationTimestampMs: now,
      timestampMs: now - 600_000,
      windowMs: 60_000,
      containers: [{ name: 'app', ...usageAt(10) }],
    });
    assert.equal(second?.timestampMs, now - 540_000);
  });

  test('has the selected objects', () => {
    assert.deepEqual(countsOf({ namespace: 'team-a' }), { 'db-0': 5 });
    assert.deepEqual(countsOf({ labelSelector: parseLabelSelector('app=web') }), { 'web-0': 10, 'web-2': 10 });
    assert.deepEqual(countsOf({ fieldSelector: parseFieldSelector('metadata.name=web-2') }), { 'web-2': 10 });
  });

  test('has pages of whole objects, and of one at least', () => {
    for (const [limit, pages] of [
      [1, [{ 'web-0': 10 }, { 'web-2': 10 }, { 'db-0': 5 }]],
      [15, [{ 'web-0': 10 }, { 'web-2': 10, 'db-0': 5 }]],
      [19, [{ 'web-0': 10 }, { 'web-2': 10, 'db-0': 5 }]],
      [20, [{ 'web-0': 10, 'web-2': 10 }, { 'db-0': 5 }]],
      [25, [{ 'web-0': 10, 'web-2': 10, 'db-0': 5 }]],
    ] as const) {
      let token: string | undefined;
      for (const [index, page] of pages.entries()) {
        const selection = { page: { limit, after: token === undefined ? undefined : decodeContinue(token) } };
        assert.deepEqual(countsOf(selection), page);
        token = list(selection).metadata?.continue;
        assert.equal(token === undefined, index === pages.length - 1);
        assert.equal(list(selection).metadata?.remainingItemCount, undefined);
      }
    }
  });

  test('is refused beyond the limit of an answer, and has a page up to it', () => {
    const many = Array.from({ length: historyPointLimit / 50 + 1 }, (_, index) =>
      pod('default', `web-${String(index).padStart(6, '0')}`, 50),
    );
    assert.throws(() => list({}, many), {
      code: 400,
      message:
        'sinceSeconds: more than 50000 points: ask for fewer objects, for a shorter time, for a larger stepSeconds, or for pages by limit',
    });
    const { slices, metadata } = list({ page: { limit: 1e9, after: undefined } }, many);
    assert.equal([...slices].flat().length, historyPointLimit);
    assert.notEqual(metadata?.continue, undefined);
    assert.equal([...list({}, many.slice(1)).slices].flat().length, historyPointLimit);
  });

  test('is refused where it looks at too many objects, and has pages of them', () => {
    const many = Array.from({ length: 60_000 }, (_, index) =>
      pod('default', `web-${String(index).padStart(6, '0')}`, 0),
    );
    assert.throws(() => list({}, many), { code: 400, message: /^sinceSeconds: too many objects to look at: ask for/ });
    // Those that a selector leaves out have no points to count.
    assert.deepEqual(countsOf({ labelSelector: parseLabelSelector('app=db') }, many), {});
    const all = [...many, pod('default', 'zoo-0', 3)];
    let pages = 0;
    let found = 0;
    for (let after: ListPosition | undefined; pages === 0 || after !== undefined; pages += 1) {
      const { slices, metadata } = list({ page: { limit: 500, after } }, all);
      found += [...slices].flat().length;
      after = metadata?.continue === undefined ? undefined : decodeContinue(metadata.continue);
    }
    assert.equal(found, 3);
    assert.ok(pages > 5 && pages < 10, `${pages} pages`);
  });

  test('has the source of each point that has one as an annotation, and no other annotations', () => {
    const history = historyOf();
    const reader = readerOf(pods, {
      ...history,
      pod: (of, all) => history.pod(of, all).map((point, at) => (at === 9 ? { ...point, source: 'resource' } : point)),
    });
    const found = [...reader.list({ history: range }).slices]
      .flat()
      .map(({ name, annotations }) => [name, annotations]);
    const source = new Map([['kubegauge.io/source', 'resource']]);
    assert.deepEqual(
      found.filter(([, annotations]) => annotations !== undefined),
      [
        ['web-0', source],
        ['web-2', source],
      ],
    );
    const [metadata] = items(field(toJson(podMetrics, reader.list({ history: range }), 'v1'), 'items')).slice(9);
    assert.deepEqual(Object.keys(field(metadata, 'metadata') as object), [
      'name',
      'namespace',
      'creationTimestamp',
      'labels',
      'annotations',
    ]);
  });

  test('is refused where none is kept', () => {
    const reader = createPodReader({
      pods: { get: () => undefined, list: () => pods },
      usage: { podUsage: () => ({ kind: 'missing', reason: 'never-scraped' }) },
      troubleOf: () => undefined,
      now: () => now,
    });
    assert.throws(() => reader.list({ history: range }), { code: 400, message: /--history=0/ });
  });

  test('of nodes has the points of each node', () => {
    const reader = createNodeReader({
      nodes: { get: () => undefined, list: () => [{ name: 'node-a', uid: 'u', labels: new Map() }] },
      usage: { nodeUsage: () => ({ kind: 'missing', reason: 'never-scraped' }) },
      history: { countNode: () => 3, node: ({ uid }) => (uid === 'u' ? [usageAt(3), usageAt(2), usageAt(1)] : []) },
      troubleOf: () => undefined,
      now: () => now,
    });
    const items = [...reader.list({ history: range }).slices].flat();
    assert.deepEqual(
      items.map(({ name, usage }) => [name, usage.cpuNanocores]),
      [
        ['node-a', 3],
        ['node-a', 2],
        ['node-a', 1],
      ],
    );
  });
});
