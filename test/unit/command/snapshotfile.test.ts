import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { toBatch } from '../../../src/sample/batch.ts';
import {
  createSnapshotKeeper,
  type SnapshotAddition,
  type SnapshotOptions,
} from '../../../src/command/snapshotfile.ts';
import { createStorage } from '../../../src/storage/storage.ts';
import { createFakeClock } from '../../fakes/clock.ts';
import { createRecordingLog } from '../../fakes/recordinglog.ts';
import { until } from '../../fakes/until.ts';

const times = { intervalMs: 15_000, longestPauseMs: 45_000 };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function setUp(
  file = path.join(folder, 'snapshot'),
  more: Partial<Pick<SnapshotOptions, 'limitBytes' | 'addition' | 'storage' | 'oldestMs'>> = {},
) {
  const clock = createFakeClock(Date.parse('2026-11-22T20:00:00Z'));
  const storage = createStorage({ clock, resolutionMs: 15_000, stalenessMs: 45_000 });
  const known = new Set(['node-a', 'node-b']);
  const { log, lines } = createRecordingLog();
  const nodes = { synced: () => true, get: (name: string) => (known.has(name) ? ({ name } as never) : undefined) };
  const keeper = createSnapshotKeeper({ path: file, storage, nodes, ...times, ...more, clock, log });
  const scrape = (node: string) => {
    for (const at of [100, 115]) {
      const machine = { timestampMs: at * 1000, cpuSeconds: at, memoryBytes: 1 };
      storage.store(toBatch({ node, source: 'cadvisor', machine, hasSwap: undefined, pods: [] }));
    }
  };
  return { clock, storage, known, lines, keeper, scrape, file };
}

describe('the snapshot keeper', () => {
  test('writes at its interval and at the end, readable by its user only, and restores from that', async () => {
    const { clock, keeper, scrape, file } = setUp();
    scrape('node-a');
    const stop = new AbortController();
    const loop = keeper.run(stop.signal);
    await clock.advance(times.intervalMs);
    await until('the snapshot is there', () => readdirSync(folder).includes('snapshot'));
    assert.equal(statSync(file).mode & 0o777, 0o600);
    scrape('node-b');
    stop.abort();
    await loop;
    assert.deepEqual(readdirSync(folder), ['snapshot']);

    const after = setUp(file);
    await after.clock.advance(times.intervalMs);
    await after.keeper.load();
    assert.deepEqual(after.lines, ['info: restored what was stored before']);
    assert.deepEqual(
      ['node-a', 'node-b'].map((node) => after.storage.nodeUsage(node).kind),
      ['ready', 'ready'],
    );
  });

  test('writes and restores what another module adds, with its age', async () => {
    const added: unknown[] = [];
    const forgotten: string[] = [];
    const addition: SnapshotAddition = {
      saved: () => [{ of: 'node-a' }, [1, 2]],
      restore: (lines, thenMs) => void added.push(...lines, thenMs),
      forget: (node) => void forgotten.push(node),
    };
    const before = setUp(undefined, { addition });
    before.scrape('node-a');
    before.scrape('gone');
    await before.keeper.run(AbortSignal.abort());
    assert.deepEqual(forgotten, ['gone']);
    const after = setUp(undefined, { addition });
    await after.clock.advance(7_000);
    const nowMs = after.clock.monotonicMs();
    await after.keeper.load();
    assert.deepEqual(added, [{ of: 'node-a' }, [1, 2], nowMs - 7_000]);
    assert.equal(after.storage.nodeUsage('node-a').kind, 'ready');
    // A server without that module reads the rest.
    const without = setUp();
    await without.keeper.load();
    assert.equal(without.storage.nodeUsage('node-a').kind, 'ready');
  });

  test('restores nothing when what another module added cannot be', async () => {
    const addition: SnapshotAddition = {
      saved: () => [{}],
      restore: () => {
        throw new Error('a line of another module cannot be');
      },
      forget: () => undefined,
    };
    const before = setUp(undefined, { addition });
    before.scrape('node-a');
    await before.keeper.run(AbortSignal.abort());
    const after = setUp(undefined, { addition });
    await after.keeper.load();
    assert.deepEqual(after.lines, ['warn: the snapshot is of no use and is ignored']);
    assert.equal(after.storage.nodeUsage('node-a').kind, 'missing');
  });

  test('a file of additions alone is bounded, and as old as its module wants', async () => {
    const limits: number[] = [];
    const restored: unknown[] = [];
    const addition: SnapshotAddition = {
      saved(limitBytes) {
        limits.push(limitBytes);
        return ['points'];
      },
      restore: (lines) => void restored.push(...lines),
      forget: () => undefined,
    };
    const more = { addition, storage: undefined, limitBytes: 1_000, oldestMs: 3_600_000 };
    await setUp(undefined, more).keeper.run(AbortSignal.abort());
    assert.deepEqual(limits, [1_000]);
    const after = setUp(undefined, more);
    await after.clock.advance(3_000_000);
    await after.keeper.load();
    assert.deepEqual(restored, ['points']);
    await after.clock.advance(700_000);
    await after.keeper.load();
    assert.deepEqual(restored, ['points']);
    assert.deepEqual(after.lines.slice(1), ['warn: the snapshot is of no use and is ignored']);
  });

  test('writes no file above the limit, and keeps the old one', async () => {
    const { keeper, scrape, file } = setUp();
    scrape('node-a');
    await keeper.run(AbortSignal.abort());
    const before = readFileSync(file);

    const small = setUp(file, { limitBytes: before.length });
    small.scrape('node-a');
    small.scrape('node-b');
    await small.keeper.run(AbortSignal.abort());
    assert.deepEqual(readdirSync(folder), ['snapshot'], 'what was begun is removed');
    assert.deepEqual(readFileSync(file), before);
    assert.match(small.lines.join(), /^warn: cannot write the snapshot/);
  });

  test('omits nodes that left the cluster', async () => {
    const { storage, known, keeper, scrape, file } = setUp();
    scrape('node-a');
    scrape('node-b');
    known.delete('node-b');
    await keeper.run(AbortSignal.abort());
    assert.equal(storage.counts().nodes, 1);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /node-b/);
  });

  test('logs nothing without a snapshot, and a warning for a damaged one', async () => {
    const { keeper, storage, lines, file } = setUp();
    await keeper.load();
    assert.deepEqual(lines, []);
    writeFileSync(file, 'nonsense');
    await keeper.load();
    assert.deepEqual(lines, ['warn: the snapshot is of no use and is ignored']);
    assert.equal(storage.isWarm(), false);
  });

  test('warns at the start, once, of a folder that is missing or makes no files', async () => {
    writeFileSync(path.join(folder, 'file'), '');
    const targets = [path.join(folder, 'missing', 'snapshot'), path.join(folder, 'file', 'snapshot')];
    for (const target of [...targets, ...(process.platform === 'linux' ? ['/proc/snapshot'] : [])]) {
      const { keeper, lines } = setUp(target);
      await keeper.load();
      const warning = 'warn: cannot write the snapshot; does its folder exist, and may this user write to it?';
      assert.equal(lines.at(-1), warning, target);
      await keeper.run(AbortSignal.abort());
      assert.equal(lines.filter((line) => line === warning).length, 1, target);
    }
    const { keeper, lines } = setUp();
    await keeper.load();
    assert.deepEqual(lines, []);
    assert.deepEqual(readdirSync(folder), ['file']);
  });

  describe('reads no snapshot', () => {
    /** Seals lines as a snapshot is. */
    const sealed = (...lines: readonly string[]) => {
      const body = lines.map((line) => `${line}\n`).join('');
      return `${body}{"sha256":"${createHash('sha256').update(body).digest('hex')}"}\n`;
    };
    const written = async () => {
      const { keeper, scrape, file } = setUp();
      scrape('node-a');
      await keeper.run(AbortSignal.abort());
      return file;
    };
    const isRefused = async (file: string) => {
      const { keeper, storage, lines } = setUp(file);
      await keeper.load();
      assert.deepEqual(lines, ['warn: the snapshot is of no use and is ignored']);
      assert.equal(storage.counts().nodes, 0);
    };

    test('through a link', async () => {
      const file = await written();
      renameSync(file, `${file}-elsewhere`);
      symlinkSync(`${file}-elsewhere`, file);
      await isRefused(file);
    });

    test('that other users can write', async () => {
      const file = await written();
      chmodSync(file, 0o620);
      await isRefused(file);
    });

    test('from a FIFO, whose writer may never come', async () => {
      const file = path.join(folder, 'snapshot');
      execFileSync('mkfifo', [file]);
      await isRefused(file);
    });

    for (const [what, from, to] of [
      ['no list of pods', '"pods":[]', '"pods":{}'],
      ['a pod that is null', '"pods":[]', '"pods":[null]'],
      ['more cores than any machine', '"cpuNanocores":1000000000', '"cpuNanocores":1e300'],
      ['a window below zero', '"windowMs":15000', '"windowMs":-1'],
      ['a time that cannot be written', '"timestampMs":115000', '"timestampMs":1e18'],
      ['an unknown field', '"pods":[]', '"pods":[],"__proto__":{}'],
      ['a name with control characters', '"node":"node-a"', '"node":"node\\u001b"'],
    ] as const) {
      test(`with ${what}, although it is sealed`, async () => {
        const file = await written();
        const [header = '', node = ''] = readFileSync(file, 'utf8').split('\n');
        assert.ok(node.includes(from), node);
        writeFileSync(file, sealed(header, node.replaceAll(from, to)));
        await isRefused(file);
      });
    }

    test('without a header, although it is sealed', async () => {
      const file = await written();
      for (const text of [sealed(), sealed('null'), sealed('{'), sealed('[]', '{}')]) {
        writeFileSync(file, text);
        await isRefused(file);
      }
    });
  });

  test('removes the unfinished file of a killed process', async () => {
    const { keeper, file } = setUp();
    const left = `${file}.66bbaa5b-bd35-4f20-902f-f9e469f6c321.new`;
    writeFileSync(left, 'half');
    writeFileSync(`${file}.new`, 'not ours');
    await keeper.load();
    assert.deepEqual(readdirSync(folder), ['snapshot.new']);
  });

  test('warns once where it cannot write, and tries again', async () => {
    const { clock, keeper, lines } = setUp(path.join(folder, 'nowhere/snapshot'));
    const stop = new AbortController();
    const loop = keeper.run(stop.signal);
    await clock.advance(times.intervalMs);
    await until('a line is logged', () => lines.length > 0);
    stop.abort();
    await loop;
    assert.deepEqual(lines, ['warn: cannot write the snapshot; does its folder exist, and may this user write to it?']);
  });
});
