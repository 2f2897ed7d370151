import assert from 'node:assert/strict';
import { test } from 'node:test';
import { batchBytesLimit, batchNameLimit, NameBatches } from '../../../src/prometheussource/namebatches.ts';

const forever = new AbortController().signal;

function setUp() {
  const sent: {
    readonly names: readonly string[];
    readonly signal: AbortSignal;
    readonly end: (failure?: Error) => void;
  }[] = [];
  const run = (names: readonly string[], signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    sent.push({ names, signal, end: (failure) => (failure === undefined ? resolve(names.join()) : reject(failure)) });
    return promise;
  };
  const batches = new NameBatches<string>();
  const ask = (names: readonly string[], signal = forever, key = 'key') => batches.ask(key, names, run, signal);
  return { sent, ask };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('a single request is sent at once, and later ones gather behind it', async () => {
  const { sent, ask } = setUp();
  const answers = [ask(['b']), ask(['a']), ask(['c', 'a'])];
  assert.deepEqual(
    sent.map(({ names }) => names),
    [['b']],
  );
  sent[0]?.end();
  await settle();
  assert.deepEqual(
    sent.map(({ names }) => names),
    [['b'], ['a', 'c']],
  );
  sent[1]?.end();
  assert.deepEqual(await Promise.all(answers), ['b', 'a,c', 'a,c']);
});

test('a request whose objects are on their way joins it', async () => {
  const { sent, ask } = setUp();
  const answers = [ask(['a', 'b']), ask(['b'])];
  sent[0]?.end();
  assert.deepEqual(await Promise.all(answers), ['a,b', 'a,b']);
  assert.equal(sent.length, 1);
});

test('requests that differ in their key are separate', async () => {
  const { sent, ask } = setUp();
  const answers = [ask(['a'], forever, 'x'), ask(['a'], forever, 'y')];
  sent.forEach(({ end }) => end());
  await Promise.all(answers);
  assert.equal(sent.length, 2);
});

test('a failed query fails its own requests, and the next ones are sent', async () => {
  const { sent, ask } = setUp();
  const [first, second] = [ask(['a']), ask(['b'])];
  sent[0]?.end(new Error('away'));
  await assert.rejects(first, /away/);
  await settle();
  sent[1]?.end();
  assert.equal(await second, 'b');
});

test('the last caller that leaves ends the query, and later requests do not wait for it', async () => {
  const { sent, ask } = setUp();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = ask(['a'], one.signal);
  const joined = ask(['a'], two.signal);
  one.abort(new Error('left'));
  await assert.rejects(first, /left/);
  assert.equal(sent[0]?.signal.aborted, false);
  two.abort(new Error('left'));
  await assert.rejects(joined, /left/);
  assert.equal(sent[0]?.signal.aborted, true);
  const later = ask(['a']);
  await settle();
  sent[1]?.end();
  assert.equal(await later, 'a');
});

test('a gathering batch whose callers have left ends no later request', async () => {
  const { sent, ask } = setUp();
  const first = ask(['a']);
  const leaver = new AbortController();
  const left = ask(['b'], leaver.signal);
  leaver.abort(new Error('left'));
  await assert.rejects(left, /left/);
  const stayed = ask(['c']);
  sent[0]?.end();
  await first;
  await settle();
  sent[1]?.end();
  assert.equal(await stayed, 'c');
});

test('more objects than a query may have are asked for separately', async () => {
  const { sent, ask } = setUp();
  const many = (prefix: string) => Array.from({ length: batchNameLimit }, (_, index) => `${prefix}${index}`);
  const answers = [ask(['x']), ask(many('a')), ask(many('b'))];
  sent.forEach(({ end }) => end());
  await settle();
  assert.deepEqual(
    sent.map(({ names }) => names.length),
    [1, batchNameLimit, batchNameLimit],
  );
  sent.forEach(({ end }) => end());
  await Promise.all(answers);
});

test('names that are too long for one query are asked for in several at once', async () => {
  const { sent, ask } = setUp();
  const half = (prefix: string) => [`${prefix}${'.x'.repeat(batchBytesLimit / 8 - 2)}`];
  const answers = ['a', 'b', 'c', 'd', 'e'].map((prefix) => ask(half(prefix)));
  sent[0]?.end();
  await settle();
  assert.deepEqual(
    sent.map(({ names }) => names.map(([prefix]) => prefix).join('')),
    ['a', 'bc', 'de'],
  );
  sent[2]?.end();
  await Promise.all(answers.slice(3));
  // An answer that has come is not that of a later request.
  const later = ask(half('d'));
  sent[1]?.end();
  await settle();
  assert.equal(sent.length, 4);
  sent[3]?.end();
  await Promise.all([...answers, later]);
});
