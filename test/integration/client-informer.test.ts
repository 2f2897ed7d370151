/** The informer against a real HTTPS server that pages, cuts, forgets, breaks down and comes back. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Change, createInformer, type Informer } from '../../src/client/informer.ts';
import { field, text } from '../../src/client/json.ts';
import { createRestClient, type RestClient } from '../../src/client/rest.ts';
import type { Clock } from '../../src/clock.ts';
import { systemClock } from '../../src/clock.ts';
import { createFakeApiServer, type FakeApiServer, type ReceivedRequest } from '../fakes/apiserver.ts';
import { node, pod } from '../fakes/kubeobjects.ts';
import { createRecordingLog, type RecordingLog } from '../fakes/recordinglog.ts';
import { until } from '../fakes/until.ts';

describe('the informer', () => {
  let fake: FakeApiServer;
  let rest: RestClient;
  let recording: RecordingLog;
  let informer: Informer<string>;
  let changes: string[];
  let pauses: number[];
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(async () => {
    fake = await createFakeApiServer();
    rest = createRestClient(fake.connection);
    recording = createRecordingLog();
    changes = [];
    pauses = [];
    stop = new AbortController();
    running = Promise.resolve();
    informer = createInformer({
      rest,
      clock: hasty(pauses),
      log: recording.log,
      path: '/api/v1/nodes',
      parse: colourOf,
      random: () => 0,
    });
    informer.onChange(({ type, key, value }: Change<string>) => changes.push(`${type} ${key} ${value}`));
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await rest[Symbol.asyncDispose]();
    await fake.close();
  });

  test('keeps existing objects, and follows changes', async () => {
    paint('a', 'red');
    await synced();
    assert.equal(informer.get('a'), 'red');
    paint('b', 'green');
    paint('a', 'blue');
    fake.objects.delete('Node', 'b');
    await until('b is deleted', () => changes.length === 4);
    assert.deepEqual(changes, ['set a red', 'set b green', 'set a blue', 'delete b green']);
    assert.deepEqual([...informer.values()], ['blue']);
    assert.equal(informer.size, 1);
    assert.deepEqual(recording.lines, ['info: listed']);
  });

  test('is not synced before it has seen the last page', async () => {
    for (let index = 0; index < 1200; index += 1) paint(`n${index}`, 'red');
    fake.faults.answer = ({ query }) => (query.get('continue') === null ? undefined : 500);
    start();
    await until('the second page was refused', () => pauses.length > 0);
    assert.equal(informer.synced(), false);
    fake.faults.answer = undefined;
    await until('synced', () => informer.synced());
    assert.equal(informer.size, 1200);
    assert.deepEqual(
      lists()
        .slice(-3)
        .map(({ query }) => query.get('limit')),
      ['500', '500', '500'],
    );
  });

  test('resumes a broken watch without a new list', async () => {
    await watching();
    for (let round = 1; round <= 3; round += 1) {
      fake.watches.cut();
      paint('a', `round ${round}`);
      await until(`round ${round} is there`, () => informer.get('a') === `round ${round}`);
      await watching();
    }
    assert.equal(lists().length, 1);
  });

  test('resumes from the last bookmark', async () => {
    await watching();
    fake.objects.set(pod('x', 'y'));
    fake.watches.bookmark();
    await until('the bookmark has arrived', () => {
      fake.watches.end();
      return watches().at(-1)?.query.get('resourceVersion') === String(fake.objects.version());
    });
    assert.equal(lists().length, 1);
  });

  test('requests bookmarks, and a watch of five to ten minutes', async () => {
    await watching();
    assert.equal(watches()[0]?.query.get('allowWatchBookmarks'), 'true');
    assert.equal(watches()[0]?.query.get('timeoutSeconds'), '300');
  });

  test('lists again when its version has expired, and finds deletions', async () => {
    for (const name of ['a', 'b', 'c']) paint(name, 'red');
    await watching();
    await fake.faults.down();
    fake.objects.delete('Node', 'b');
    paint('c', 'blue');
    paint('d', 'green');
    fake.objects.forget();
    changes.length = 0;
    await fake.faults.up();
    await until('d is there', () => informer.get('d') === 'green' && informer.get('b') === undefined);
    assert.ok(changes.includes('delete b red'));
    assert.deepEqual([...informer.values()].sort(), ['blue', 'green', 'red']);
    assert.equal(informer.synced(), true);
  });

  test('lists again after a 410 to the watch', async () => {
    paint('a', 'red');
    await watching();
    fake.faults.expire();
    await until('a second list', () => lists().length === 2);
    await watching();
    paint('a', 'blue');
    await until('a is blue', () => informer.get('a') === 'blue');
    assert.ok(!recording.lines.some((line) => line.startsWith('warn')), 'a 410 is part of the protocol');
  });

  test('starts over after a 410 to a page', async () => {
    for (let index = 0; index < 600; index += 1) paint(`n${index}`, 'red');
    let expired = false;
    fake.faults.answer = ({ query }) => {
      if (query.get('continue') === null || expired) return undefined;
      expired = true;
      fake.objects.forget();
      return undefined;
    };
    await synced();
    assert.equal(informer.size, 600);
    assert.deepEqual(
      lists().map(({ query }) => (query.get('continue') === null ? 'first' : 'next')),
      ['first', 'next', 'first', 'next'],
    );
  });

  test('waits for a server that is down at the start, and logs it once', async () => {
    paint('a', 'red');
    await fake.faults.down();
    start();
    await until('it has tried eight times', () => pauses.length >= 8);
    assert.equal(informer.synced(), false);
    // Nothing is burdened by it, and the server may be ready at any moment.
    assert.deepEqual(pauses.slice(0, 8), [500, 1000, 1000, 1000, 1000, 1000, 1000, 1000]);
    await fake.faults.up();
    await until('it says that it watches', () => recording.lines.length === 3);
    assert.equal(informer.get('a'), 'red');
    assert.deepEqual(recording.lines, [
      'warn: cannot list or watch; retries until it works',
      'info: listed',
      'info: watching again',
    ]);
  });

  test('keeps its objects while the server is down', async () => {
    paint('a', 'red');
    await watching();
    await fake.faults.down();
    await until('it has tried thrice', () => pauses.length >= 3);
    assert.equal(informer.synced(), true);
    assert.equal(informer.get('a'), 'red');
    await fake.faults.up();
    paint('a', 'blue');
    await until('a is blue', () => informer.get('a') === 'blue');
  });

  test('recovers from errors of every kind', async () => {
    start();
    for (const code of [500, 503, 403, 401, 429, 'hang up'] as const) {
      fake.faults.answer = () => code;
      fake.watches.cut();
      const before = pauses.length;
      await until(`${code} was answered`, () => pauses.length > before + 1);
    }
    fake.faults.answer = undefined;
    paint('a', 'red');
    await until('a is there', () => informer.get('a') === 'red');
  });

  test('backs off exponentially when watches end at once', async () => {
    await watching();
    pauses.length = 0;
    await until('it has tried six times', () => {
      fake.watches.end();
      return pauses.length >= 6;
    });
    for (let index = 1; index < 6; index += 1)
      assert.ok((pauses[index] ?? 0) > (pauses[index - 1] ?? 0), pauses.join());
  });

  test('resets its backoff after an event', async () => {
    await fake.faults.down();
    start();
    await until('it has tried five times', () => pauses.length >= 5);
    await fake.faults.up();
    await watching();
    paint('a', 'red');
    await until('a is there', () => informer.size === 1);
    pauses.length = 0;
    fake.watches.end();
    await until('it pauses', () => pauses.length > 0);
    assert.equal(pauses[0], 500);
  });

  test('drops an object that parse no longer keeps', async () => {
    paint('a', 'red');
    await watching();
    fake.objects.set(node('a'));
    await until('a is dropped', () => informer.size === 0);
    assert.deepEqual(changes, ['set a red', 'delete a red']);
  });

  test('ends at once when its signal aborts, in any state', async () => {
    fake.faults.delayMs = 60_000;
    start();
    await until('a list is under way', () => lists().length === 1);
    stop.abort();
    await running;

    fake.faults.delayMs = 0;
    stop = new AbortController();
    start();
    await watching();
    stop.abort();
    await running;
  });

  function start(): void {
    running = informer.run(stop.signal);
  }

  async function synced(): Promise<void> {
    start();
    await until('synced', () => informer.synced());
  }

  /** Starts it, if need be, and waits for its watch. */
  async function watching(): Promise<void> {
    if (fake.requests.length === 0) start();
    await until('a watch is open', () => fake.watches.count() > 0);
  }

  function paint(name: string, colour: string): void {
    fake.objects.set(node(name, { annotations: { colour } }));
  }

  function lists(): ReceivedRequest[] {
    return fake.requests.filter(({ query }) => query.get('watch') === null);
  }

  function watches(): ReceivedRequest[] {
    return fake.requests.filter(({ query }) => query.get('watch') === 'true');
  }
});

function colourOf(object: unknown): string | undefined {
  return text(field(field(field(object, 'metadata'), 'annotations'), 'colour'));
}

/** A clock that wakes everybody at once and writes down how long they wanted to sleep. */
function hasty(pauses: number[]): Clock {
  return {
    ...systemClock,
    sleep: async (ms, signal) => {
      pauses.push(ms);
      await turn(undefined, signal === undefined ? {} : { signal });
    },
  };
}
