import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { JsonWriter } from '../../../src/apimachinery/jsonwriter.ts';
import { inOnePiece, type Pieces } from '../../../src/apimachinery/pieces.ts';
import { bodyFromPieces, isStreamed } from '../../../src/server/streamedbody.ts';
import { createWriterPool } from '../../../src/server/writers.ts';

describe('a body', () => {
  test('that is short is copied, and its buffer is released at once', async () => {
    const bytes = Buffer.from('short');
    let given = 0;
    const body = await bodyFromPieces(inOnePiece(bytes), () => (given += 1));
    bytes.fill('x');
    assert.deepEqual(body, Buffer.from('short'));
    assert.equal(given, 1);
  });

  test('of one piece is complete, and keeps its buffer', async () => {
    let given = 0;
    const body = await bodyFromPieces(inOnePiece(Buffer.alloc(100_000)), () => (given += 1));
    assert.ok(isStreamed(body));
    assert.deepEqual([body.first.length, body.rest, given], [100_000, undefined, 0]);
  });

  test('of several pieces is encoded up to the first', async () => {
    let steps = 0;
    const pieces: Pieces = {
      next() {
        steps += 1;
        return { done: false, value: steps === 3 ? Buffer.alloc(100_000) : undefined };
      },
    };
    const body = await bodyFromPieces(pieces, () => assert.fail('it is needed'));
    assert.ok(isStreamed(body));
    assert.equal(body.rest, pieces);
    assert.equal(steps, 3);
  });

  test('that takes long to encode pauses for other work', async () => {
    let turns = 0;
    let steps = 0;
    let searching = true;
    const count = () => {
      turns += 1;
      if (searching) setImmediate(count);
    };
    setImmediate(count);
    const pieces: Pieces = {
      next() {
        steps += 1;
        const endMs = performance.now() + 1;
        while (performance.now() < endMs);
        return steps < 30 ? { done: false, value: undefined } : { done: true, value: Buffer.alloc(1) };
      },
    };
    await bodyFromPieces(pieces, () => undefined);
    searching = false;
    assert.ok(turns >= 5, `${turns} turns in ${steps} steps`);
  });
});

test('every slice of a body waits for its share of the event loop', async () => {
  const waiting: (() => void)[] = [];
  const enqueue = (step: () => void) => void waiting.push(step);
  const share = { enqueue, runOrEnqueue: () => false, turn: () => undefined };
  let steps = 0;
  const pieces: Pieces = {
    next() {
      steps += 1;
      const endMs = performance.now() + 3;
      while (performance.now() < endMs);
      return steps < 3 ? { done: false, value: undefined } : { done: true, value: Buffer.alloc(1) };
    },
  };
  const body = bodyFromPieces(pieces, () => undefined, share);
  for (const slice of [1, 2]) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    assert.deepEqual([steps, waiting.length], [slice, 1]);
    waiting.shift()?.();
  }
  assert.equal((await body) instanceof Buffer, true);
});

describe('writers', () => {
  test('are reused', () => {
    const writers = createWriterPool();
    const one = writers.acquire();
    assert.notEqual(writers.acquire(), one);
    writers.release(one);
    assert.equal(writers.acquire(), one);
  });

  test('are kept up to a limit, without those that a huge object has enlarged', () => {
    const writers = createWriterPool();
    const large = new JsonWriter();
    large.bytes(new Uint8Array(2 * 1024 * 1024));
    writers.release(large);
    assert.notEqual(writers.acquire(), large);
    const many = Array.from({ length: 10 }, () => new JsonWriter());
    for (const each of many) writers.release(each);
    const taken = many.map(() => writers.acquire());
    assert.equal(taken.filter((each) => many.includes(each)).length, 4);
  });
});
