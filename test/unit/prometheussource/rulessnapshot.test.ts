/** Last values of rules and lists of series as lines of a snapshot. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ExternalSample, MetricSample } from '../../../src/metricsource/source.ts';
import { wholeAnswerLimit } from '../../../src/prometheussource/savedvalues.ts';
import { SavedValuesError } from '../../../src/prometheussource/valuecodecs.ts';
import { createProcess, maxAgeMs } from './rulesprocess.ts';

const sample = (value: number): MetricSample => ({ timestampMs: 1_700_000_000_123, valueMilli: BigInt(value) });
const series = { shapes: [{ name: 'requests', labels: ['namespace', 'pod'] }], lastSuccessMs: 1_700_000_000_000 };

suite('last values of rules over a restart', () => {
  test('all kinds of values are restored as they were, with the lists of series', () => {
    const first = createProcess();
    first.setLists(new Map([['main requests', { ...series, text: 'requests\tnamespace\tpod' }]]));
    const customValues = new Map([
      ['web-0', sample(1500)],
      ['web-1', sample(-7)],
    ]);
    first.custom.inLane('system').keep('q', [], customValues);
    const externalValues = new Map<string, ExternalSample>([
      [
        '0',
        {
          ...sample(12_000),
          labels: new Map([
            ['queue', 'orders'],
            ['__proto__', 'x'],
          ]),
        },
      ],
      ['1', { ...sample(3_000), labels: undefined }],
    ]);
    first.external.inLane('users').keep('q', [], externalValues);
    const usage = { timestampMs: 1_700_000_000_123, windowMs: 300_000, cpuNanocores: 5, memoryBytes: 4_096 };
    const containers = [
      { name: 'app', ...usage },
      { name: 'proxy', ...usage, timestampMs: 1_700_000_000_000 },
    ];
    const podValue = { uid: 'uid', usage: { timestampMs: 1_700_000_000_000, windowMs: 300_000, containers } };
    first.pods.inLane('strangers').keep('q', [], new Map([['web-0', podValue]]));

    const second = createProcess({ clock: first.clock });
    second.snapshot.restore(first.lines(), first.clock.monotonicMs());
    assert.deepEqual(second.custom.inLane('system').of('q'), customValues);
    assert.deepEqual(second.external.inLane('users').of('q'), externalValues);
    assert.deepEqual(second.pods.inLane('strangers').of('q'), new Map([['web-0', podValue]]));
    assert.deepEqual(second.lists(), first.lists());
    assert.deepEqual(second.lines(), first.lines());
  });

  test('values of one lane are in no other one', () => {
    const first = createProcess();
    first.custom.inLane('users').keep('q', [], new Map([['web-0', sample(1)]]));
    const second = createProcess({ clock: first.clock });
    second.snapshot.restore(first.lines(), first.clock.monotonicMs());
    assert.deepEqual(
      (['system', 'users', 'strangers'] as const).map((lane) => second.custom.inLane(lane).of('q').size),
      [0, 1, 0],
    );
  });

  test('a value is no younger for restarts, and is dropped at the maximum age', () => {
    const first = createProcess();
    const { clock } = first;
    first.custom.inLane('system').keep('q', [], new Map([['old', sample(1)]]));
    clock.jump(30_000);
    first.custom.inLane('system').keep('q', [], new Map([['new', sample(2)]]));
    const lines = first.lines();
    // The file is read 25 s later.
    const thenMs = clock.monotonicMs();
    clock.jump(25_000);
    const second = createProcess({ clock });
    second.snapshot.restore(lines, thenMs);
    assert.deepEqual([...second.custom.inLane('system').of('q').keys()], ['old', 'new']);
    const third = createProcess({ clock });
    clock.jump(5_001);
    third.snapshot.restore(second.lines(), clock.monotonicMs());
    assert.deepEqual([...third.custom.inLane('system').of('q').keys()], ['new']);
    assert.equal(third.custom.inLane('system').size, second.custom.inLane('system').size - 1);
    const late = createProcess({ clock });
    clock.jump(maxAgeMs);
    late.snapshot.restore(lines, thenMs);
    assert.equal(late.custom.inLane('system').size, 0);
  });

  test('values of another configuration of engines are refused', () => {
    const first = createProcess();
    first.custom.inLane('system').keep('q', [], new Map([['web-0', sample(1)]]));
    const other = createProcess({ clock: first.clock, engines: 'tenant b' });
    assert.throws(() => other.snapshot.restore(first.lines(), 0), /it is of other engines/);
    assert.equal(other.custom.inLane('system').size, 0);
  });

  test('a file beyond its limit has the values of controllers, the newest first', () => {
    const first = createProcess();
    const many = (of: number) => new Map(Array.from({ length: 1_000 }, (_, index) => [`web-${index}`, sample(of)]));
    first.custom.inLane('system').keep('old', [], many(1));
    first.custom.inLane('users').keep('q', [], many(2));
    first.custom.inLane('system').keep('new', [], many(3));
    const oneLine = Buffer.byteLength(JSON.stringify(first.lines()[1]));
    const lines = first.lines(2.5 * oneLine);
    assert.deepEqual(
      lines.slice(1).map((line) => (line as readonly unknown[]).slice(1, 4)),
      [
        ['custom', 'system', 'new'],
        ['custom', 'system', 'old'],
      ],
    );
    // Lists take half of it at most.
    const shapes = Array.from({ length: 5_000 }, (_, index) => ({ name: `requests_${index}`, labels: [] }));
    first.setLists(new Map([['main requests', { ...series, shapes, text: '' }]]));
    const kinds = first.lines(2.5 * oneLine).map((line) => (line as readonly unknown[])[0]);
    assert.deepEqual([kinds.includes('series'), kinds.filter((kind) => kind === 'values').length], [true, 1]);
    // A part of a list would be a metric that there is not, without a cause.
    const second = createProcess({ clock: first.clock });
    second.snapshot.restore(first.lines(2.5 * oneLine), first.clock.monotonicMs());
    assert.deepEqual([second.lists().size, second.custom.inLane('system').of('new').size], [0, 1_000]);
  });

  test('an empty list comes back as one that succeeded', () => {
    const first = createProcess();
    first.setLists(new Map([['main requests', { ...series, shapes: [], text: '' }]]));
    const second = createProcess({ clock: first.clock });
    second.snapshot.restore(first.lines(), first.clock.monotonicMs());
    assert.deepEqual(second.lists().get('main requests')?.shapes, []);
  });

  test('objects of a long question are in several lines, and come back in their order', () => {
    const first = createProcess();
    const names = Array.from({ length: 2_500 }, (_, index) => `web-${index}`);
    first.custom.inLane('system').keep('q', [], new Map(names.map((name) => [name, sample(1)])));
    assert.equal(first.lines().length, 1 + 3);
    const second = createProcess({ clock: first.clock });
    second.snapshot.restore(first.lines(), first.clock.monotonicMs());
    assert.deepEqual([...second.custom.inLane('system').of('q').keys()], names);
    assert.equal(second.custom.inLane('system').size, first.custom.inLane('system').size);
  });

  test('a part of an external answer would be another answer: it is written whole, or not at all', () => {
    const first = createProcess();
    const answer = (length: number) =>
      new Map(Array.from({ length }, (_, index) => [String(index), { ...sample(1), labels: new Map() }]));
    first.external.inLane('system').keep('long', [], answer(wholeAnswerLimit + 1));
    first.external.inLane('system').keep('whole', [], answer(wholeAnswerLimit));
    const second = createProcess({ clock: first.clock });
    second.snapshot.restore(first.lines(), first.clock.monotonicMs());
    const of = (question: string) => second.external.inLane('system').of(question).size;
    assert.deepEqual([of('long'), of('whole')], [0, wholeAnswerLimit]);
  });

  const engines = ['engines', 'salt', 'main salt'];
  const good = ['values', 'custom', 'system', 'q', [['web-0', 1, 1_700_000_000_000, '1500']]];
  const value = (...parts: unknown[]) => ['values', 'custom', 'system', 'q', [parts]];
  const external = (labels: unknown) => [
    'values',
    'external',
    'system',
    'q',
    [['0', 1, 1_700_000_000_000, '1', labels]],
  ];
  const pod = (...parts: unknown[]) => ['values', 'pods', 'system', 'q', [['web-0', 1, ...parts]]];
  const bad: Readonly<Record<string, readonly unknown[]>> = {
    'no lines': [],
    'no engines first': [good],
    'an object': [engines, good, {}],
    'an unknown store': [engines, good, ['values', 'other', 'system', 'q', []]],
    'an unknown lane': [engines, good, ['values', 'custom', 'lists', 'q', []]],
    'a lane of all objects': [engines, good, ['values', 'custom', 'constructor', 'q', []]],
    'more fields': [engines, good, [...good, 1]],
    'no name': [engines, good, value(1, 1, 1_700_000_000_000, '1')],
    'an age below zero': [engines, good, value('a', -1, 1_700_000_000_000, '1')],
    'an age of null': [engines, good, value('a', null, 1_700_000_000_000, '1')],
    'a time beyond RFC 3339': [engines, good, value('a', 1, 1e18, '1')],
    'a value that is no integer': [engines, good, value('a', 1, 1_700_000_000_000, '1.5')],
    'a value beyond a quantity': [engines, good, value('a', 1, 1_700_000_000_000, '9999999999999999999')],
    'a number as value': [engines, good, value('a', 1, 1_700_000_000_000, 1)],
    'a value with more': [engines, good, value('a', 1, 1_700_000_000_000, '1', 1)],
    'half a label': [engines, good, external(['queue'])],
    'a label twice': [engines, good, external(['queue', 'a', 'queue', 'b'])],
    'a label that is no text': [engines, good, external(['queue', 1])],
    'a pod without containers': [engines, good, pod('uid')],
    'a container twice': [engines, good, pod('uid', ['a', 1, 1, 1, 1], ['a', 1, 1, 1, 1])],
    'a usage below zero': [engines, good, pod('uid', ['a', 1, 1, -1, 1])],
    'a series without a name': [engines, good, ['series', 'main requests', 1, 1, [[]]]],
    'a list without a time': [engines, good, ['series', 'main requests', null, 1, [['requests']]]],
    'a list without its number': [engines, good, ['series', 'main requests', 1, '1', [['requests']]]],
  };
  for (const [what, lines] of Object.entries(bad)) {
    test(`nothing is restored of a file with ${what}`, () => {
      const { snapshot, custom, lists } = createProcess();
      assert.throws(() => snapshot.restore(lines, 0), SavedValuesError);
      assert.deepEqual([custom.inLane('system').size, lists().size], [0, 0]);
    });
  }

  test('lists beyond the limits of an answer are refused', () => {
    const { snapshot, lists } = createProcess();
    const shapes = Array.from({ length: 20_001 }, (_, index) => [`requests_${index}`]);
    assert.throws(
      () => snapshot.restore([engines, ['series', 'main', 1, shapes.length, shapes]], 0),
      /more than 20000/,
    );
    assert.equal(lists().size, 0);
  });
});
