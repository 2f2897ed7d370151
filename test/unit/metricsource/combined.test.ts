import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLabelSelector } from '../../../src/apimachinery/labels.ts';
import { combineCustomSources, combineExternalSources } from '../../../src/metricsource/combined.ts';
import type { CustomMetric, CustomMetricSource, ExternalMetricSource } from '../../../src/metricsource/source.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';

const pods = { group: '', resource: 'pods' };
const { signal } = new AbortController();

test('each metric is read from the source that has it, and one that two have from the first', async () => {
  const { log } = createRecordingLog();
  const first = customSource(['a', 'both'], 1n);
  const second = customSource(['both', 'b'], 2n);
  const all = combineCustomSources(
    [
      { name: 'one', source: first },
      { name: 'two', source: second },
    ],
    log,
  );
  assert.deepEqual(
    all.list().map(({ metric }) => metric),
    ['a', 'both', 'b'],
  );
  assert.deepEqual(await Promise.all(['a', 'both', 'b'].map((metric) => valueOf(all, metric))), [1n, 1n, 2n]);
});

test('a metric that two sources have is logged once', () => {
  const { log, lines } = createRecordingLog();
  const second = customSource(['both'], 2n);
  const all = combineCustomSources(
    [
      { name: 'one', source: customSource(['both'], 1n) },
      { name: 'two', source: second },
    ],
    log,
  );
  all.list();
  second.metrics = [...second.metrics, metricOf('more')];
  assert.equal(all.list().length, 2);
  assert.equal(lines.filter((line) => line.includes('two sources')).length, 1);
});

test('the list is the same array until a source has another list', () => {
  const second = customSource(['b'], 2n);
  const all = combineCustomSources(
    [
      { name: 'one', source: customSource(['a'], 1n) },
      { name: 'two', source: second },
    ],
    createRecordingLog().log,
  );
  const before = all.list();
  assert.equal(all.list(), before);
  second.metrics = [];
  assert.deepEqual(
    all.list().map(({ metric }) => metric),
    ['a'],
  );
});

test('external metrics of several sources are combined in the same way', async () => {
  const source = (names: readonly string[], valueMilli: bigint): ExternalMetricSource => ({
    list: () => names,
    get: async () => [{ labels: undefined, timestampMs: 0, valueMilli }],
  });
  const lists = { one: ['a', 'both'], two: ['both', 'b'] };
  const all = combineExternalSources(
    [
      { name: 'one', source: source(lists.one, 1n) },
      { name: 'two', source: source(lists.two, 2n) },
    ],
    createRecordingLog().log,
  );
  assert.deepEqual(all.list(), ['a', 'both', 'b']);
  const caller = { kind: 'user', name: 'alice' } as const;
  const question = { metric: 'both', namespace: 'shop', selector: parseLabelSelector(''), caller };
  assert.equal((await all.get(question, signal))[0]?.valueMilli, 1n);
});

test('a metric that has gone since its list was read has no samples', async () => {
  const second = customSource(['b'], 2n);
  const { log } = createRecordingLog();
  const all = combineCustomSources(
    [
      { name: 'one', source: customSource(['a'], 1n) },
      { name: 'two', source: second },
    ],
    log,
  );
  assert.equal(all.list().length, 2);
  second.metrics = [];
  assert.equal(await valueOf(all, 'b'), undefined);
  const none: ExternalMetricSource = { list: () => [], get: async () => assert.fail('it has no metric') };
  const external = combineExternalSources(
    [
      { name: 'one', source: none },
      { name: 'two', source: none },
    ],
    log,
  );
  const caller = { kind: 'user', name: 'alice' } as const;
  const question = { metric: 'b', namespace: 'shop', selector: parseLabelSelector(''), caller };
  assert.deepEqual(await external.get(question, signal), []);
});

interface Changeable extends CustomMetricSource {
  metrics: readonly CustomMetric[];
}

function metricOf(metric: string): CustomMetric {
  return { resource: pods, namespaced: true, metric };
}

function customSource(names: readonly string[], valueMilli: bigint): Changeable {
  return {
    metrics: names.map(metricOf),
    list() {
      return this.metrics;
    },
    get: async ({ names: [name = ''] }) => ({ samples: [{ name, timestampMs: 0, valueMilli }] }),
  };
}

async function valueOf(source: CustomMetricSource, metric: string): Promise<bigint | undefined> {
  const resource = { ...pods, version: 'v1', kind: 'Pod', singular: 'pod', namespaced: true };
  const question = {
    metric,
    resource,
    namespace: 'shop',
    names: ['web-0'],
    isNamed: true,
    metricSelector: parseLabelSelector(''),
    caller: { kind: 'user', name: 'alice' } as const,
  };
  return (await source.get(question, signal)).samples[0]?.valueMilli;
}
