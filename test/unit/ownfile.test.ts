import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  folderProblem,
  folderProblemOf,
  makeFolder,
  othersMayRead,
  othersMayWrite,
  readOwnFile,
} from '../../src/ownfile.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'kubegauge-'));
  file = path.join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true }));

const read = (forbiddenMode = othersMayWrite) => readOwnFile(file, { forbiddenMode, sizeLimitBytes: 4 });

describe('a file of our own', () => {
  test('is read', async () => {
    writeFileSync(file, 'text', { mode: 0o644 });
    assert.equal(await read(), 'text');
  });

  test('is rejected where others can write it, or read a secret', async () => {
    writeFileSync(file, 'text');
    for (const [mode, forbidden] of [
      [0o620, othersMayWrite],
      [0o602, othersMayWrite],
      [0o640, othersMayRead],
    ] as const) {
      chmodSync(file, mode);
      await assert.rejects(read(forbidden), /could be changed or read by other users/);
    }
  });

  test('is rejected above the size limit', async () => {
    writeFileSync(file, 'texts');
    await assert.rejects(read(), /has 5 bytes, more than 4/);
  });

  test('is rejected if it is a link', async () => {
    writeFileSync(`${file}-elsewhere`, 'text');
    symlinkSync(`${file}-elsewhere`, file);
    await assert.rejects(read(), { code: 'ELOOP' });
  });

  test('is rejected if it is a FIFO, without waiting for its writer', async () => {
    execFileSync('mkfifo', ['-m', '600', file]);
    await assert.rejects(read(), /is not a regular file/);
  });
});

describe('a folder that is made', () => {
  test('is made with its parents, for this user only, and is left as it is if it is there', async () => {
    const deep = path.join(folder, 'a', 'b');
    for (let times = 0; times < 2; times += 1) await makeFolder(deep);
    for (const each of [deep, path.dirname(deep)]) assert.equal(statSync(each).mode & 0o777, 0o700);
    chmodSync(deep, 0o755);
    await makeFolder(deep);
    assert.equal(statSync(deep).mode & 0o777, 0o755);
  });

  test('is refused in a file, or where a file has its name', async () => {
    writeFileSync(file, 'text');
    await assert.rejects(makeFolder(path.join(file, 'a')), { code: 'ENOTDIR' });
    await assert.rejects(makeFolder(file), { code: 'EEXIST' });
  });

  test('is refused where the file system makes none', { skip: process.platform !== 'linux' }, async () => {
    for (const each of ['/proc/nope', '/proc/nope/deep']) await assert.rejects(makeFolder(each), { code: 'ENOENT' });
  });
});

describe('a folder', () => {
  const own = 1000;
  const problemOf = (ownerUid: number, mode: number, isVolume = false) =>
    folderProblemOf({ ownerUid, mode: 0o40_000 | mode, isVolume, ownUid: own });

  test('is accepted if only we or root can replace its files', () => {
    for (const [owner, mode] of [
      [own, 0o700],
      [own, 0o755],
      [0, 0o755],
      [0, 0o1777],
      [own, 0o1777],
    ] as const) {
      assert.equal(problemOf(owner, mode), undefined, mode.toString(8));
    }
  });

  test('is rejected with a remedy if another user can', () => {
    for (const mode of [0o777, 0o775, 0o2777, 0o757]) assert.match(problemOf(own, mode) ?? '', /chmod go-w/);
    assert.match(problemOf(0, 0o777) ?? '', /chmod go-w/);
    for (const mode of [0o700, 0o755, 0o1777]) assert.match(problemOf(1001, mode) ?? '', /user 1001.*of user 1000/);
  });

  test('is accepted if it is a volume: an emptyDir, with an fsGroup, in memory, a claim', () => {
    for (const mode of [0o777, 0o2777, 0o1777, 0o2775]) assert.equal(problemOf(0, mode, true), undefined);
    assert.equal(problemOf(65_534, 0o777, true), undefined);
  });

  test('is checked by its facts on disk', async () => {
    assert.equal(await folderProblem(folder), undefined);
    assert.equal(await folderProblem(path.join(folder, 'nowhere')), undefined);
    chmodSync(folder, 0o777);
    assert.match((await folderProblem(folder)) ?? '', /chmod go-w/);
    writeFileSync(file, '');
    assert.match((await folderProblem(file)) ?? '', /not a folder/);
    // Mounted on every Linux.
    assert.equal(await folderProblem('/dev'), undefined);
  });
});
