import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { othersMayRead, othersMayWrite, readOwnFile } from '../../src/ownfile.ts';

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

  test('is refused where others can write it, or read what is secret', async () => {
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

  test('is refused where it is too large', async () => {
    writeFileSync(file, 'texts');
    await assert.rejects(read(), /has 5 bytes, more than 4/);
  });

  test('is no link', async () => {
    writeFileSync(`${file}-elsewhere`, 'text');
    symlinkSync(`${file}-elsewhere`, file);
    await assert.rejects(read(), { code: 'ELOOP' });
  });

  test('is no FIFO, which is not waited for', async () => {
    execFileSync('mkfifo', ['-m', '600', file]);
    await assert.rejects(read(), /is no regular file/);
  });
});
