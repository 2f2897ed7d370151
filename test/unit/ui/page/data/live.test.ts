import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, mock, test } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { repeat } from '../../../../../src/ui/page/data/live.js';

const document = Object.assign(new EventTarget(), { hidden: false });
let nowMs = 0;
async function pass(ms: number): Promise<void> {
  nowMs += ms;
  mock.timers.tick(ms);
  await settled();
}

describe('a reading that is repeated', () => {
  beforeEach(() => {
    Object.assign(globalThis, { document });
    nowMs = 0;
    mock.method(performance, 'now', () => nowMs);
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => {
    mock.reset();
    mock.timers.reset();
    Reflect.deleteProperty(globalThis, 'document');
  });

  test('another interval leaves a run alone, and counts from its end', async () => {
    const runs: { readonly signal: AbortSignal; readonly end: (succeeded: boolean) => void }[] = [];
    const repetition = repeat(5, (signal) => new Promise((resolve) => runs.push({ signal, end: resolve })));
    await pass(20_000);
    repetition.setInterval(15);
    await pass(20_000);
    assert.equal(runs.length, 1);
    assert.equal(runs[0]?.signal.aborted, false);
    runs[0]?.end(true);
    await settled();
    await pass(14_999);
    assert.equal(runs.length, 1);
    await pass(1);
    assert.equal(runs.length, 2);
    repetition.end();
    assert.equal(runs[1]?.signal.aborted, true);
  });

  test('a shorter interval begins the next run earlier, at once if it is over', async () => {
    let runs = 0;
    const repetition = repeat(15, async () => {
      runs += 1;
      return true;
    });
    await settled();
    await pass(2_000);
    repetition.setInterval(5);
    await pass(2_999);
    assert.equal(runs, 1);
    await pass(1);
    assert.equal(runs, 2);
    await pass(4_000);
    repetition.setInterval(1);
    await pass(0);
    assert.equal(runs, 3);
    repetition.end();
    await pass(60_000);
    assert.equal(runs, 3);
  });

  test('a run that failed is repeated sooner, whatever the interval', async () => {
    let runs = 0;
    const repetition = repeat(60, async () => {
      runs += 1;
      return false;
    });
    await settled();
    repetition.setInterval(30);
    await pass(3_000);
    assert.equal(runs, 2);
    repetition.end();
  });
});
