/** Sources of usages: when they are read again, and how long a view waits for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceOf } from '../../../src/view/historyreader.ts';
import { createSourceReader } from '../../../src/view/sources.ts';
import { createFakeClock } from '../../fakes/clock.ts';

/** Reads every five seconds for some minutes, as an open page does. */
async function watch(sourceOf: SourceOf, minutes: number) {
  const clock = createFakeClock();
  const readAtMs: number[] = [];
  const history = {
    sources: async (): Promise<SourceOf> => {
      readAtMs.push(clock.monotonicMs());
      return sourceOf;
    },
  };
  const reader = createSourceReader(history, clock, false);
  for (const endMs = minutes * 60_000; clock.monotonicMs() < endMs; clock.jump(5_000)) {
    await reader.refresh();
    reader.expect(['node-a', 'node-b']);
  }
  return { reader, readAtMs, clock };
}

test('the first view has the sources of a server that answers at once', async () => {
  const { reader, readAtMs } = await watch(() => 'cadvisor', 0.05);
  assert.equal(reader.of('node-a'), 'cadvisor');
  assert.deepEqual(readAtMs, [0]);
});

test('a view does not wait for a server that is slow', async () => {
  const clock = createFakeClock();
  const answer = Promise.withResolvers<SourceOf>();
  const reader = createSourceReader({ sources: () => answer.promise }, clock, false);
  let isOver = false;
  const refreshed = reader.refresh().then(() => (isOver = true));
  await clock.advance(99);
  assert.equal(isOver, false);
  await clock.advance(1);
  await refreshed;
  assert.equal(reader.of('node-a'), undefined);
  answer.resolve(() => 'resource');
  await reader.refresh();
  assert.equal(reader.of('node-a'), 'resource');
});

test('sources that are known are read every 15 seconds', async () => {
  const { readAtMs } = await watch(() => 'cadvisor', 2);
  assert.deepEqual(
    readAtMs,
    Array.from({ length: 8 }, (_, index) => index * 15_000),
  );
});

test('while a node with usage has no source, sources are read by each view for a minute, then every 15 seconds', async () => {
  const { readAtMs } = await watch((node) => (node === 'node-a' ? 'cadvisor' : undefined), 3);
  const soon = Array.from({ length: 15 }, (_, index) => index * 5_000);
  assert.deepEqual(readAtMs.slice(0, 15), soon);
  assert.deepEqual(
    readAtMs.slice(15),
    readAtMs.slice(15).map((_, index) => 85_000 + index * 15_000),
  );
});

test('a slow reading without sources, as the first one, is repeated after 15 seconds, and a slow one with them after a minute', async () => {
  const clock = createFakeClock();
  const readAtMs: number[] = [];
  const history = {
    sources: async (): Promise<SourceOf> => {
      readAtMs.push(clock.monotonicMs());
      clock.jump(1_000);
      return readAtMs.length > 2 ? () => 'cadvisor' : () => undefined;
    },
  };
  const reader = createSourceReader(history, clock, false);
  while (clock.monotonicMs() < 120_000) {
    await reader.refresh();
    reader.expect(['node-a']);
    clock.jump(1_000);
  }
  assert.deepEqual(readAtMs, [0, 16_000, 32_000, 93_000]);
});

test('a source that is missing again, as after a change, is read soon again', async () => {
  let source: string | undefined = 'cadvisor';
  const { reader, readAtMs, clock } = await watch(() => source, 1);
  const known = readAtMs.length;
  source = undefined;
  clock.jump(15_000);
  for (let count = 0; count < 3; count += 1, clock.jump(5_000)) {
    await reader.refresh();
    reader.expect(['node-a']);
  }
  assert.equal(readAtMs.length, known + 3);
});
