/** The rules of files that another program replaces, on real files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { describeError } from '../../src/logging.ts';
import { watchFile, type WatchedFileOptions } from '../../src/watchedfile.ts';
import { createFakeClock } from '../fakes/clock.ts';

describe('a watched file', () => {
  let folder = '';
  let file = '';
  let parsed: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kubegauge-watched-'));
    file = path.join(folder, 'file');
    parsed = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const watch = (options: Partial<WatchedFileOptions<{ readonly text: string }>> = {}) =>
    watchFile({
      path: file,
      what: 'the bundle',
      remedy: 'mount it',
      maxAgeMs: 0,
      parse: (text) => {
        parsed.push(text);
        if (text.startsWith('half')) throw new Error('it ends too early');
        return { text };
      },
      ...options,
    });

  test('is parsed again only when its text changes', () => {
    writeFileSync(file, 'one');
    const watched = watch();
    const value = watched.read();
    writeFileSync(file, 'one');
    assert.equal(watched.read(), value);
    writeFileSync(file, 'two');
    assert.equal(watched.read().text, 'two');
    assert.deepEqual(parsed, ['one', 'two']);
  });

  test('is used when two looks have met a change, where half of it could be parsed', () => {
    writeFileSync(file, 'one');
    const watched = watch({ isConfirmed: true });
    watched.read();
    const texts = ['tw', 'two', 'one', 'two', 'two', 'half', 'half'].map((text) => {
      writeFileSync(file, text);
      return watched.read().text;
    });
    assert.deepEqual(texts, ['one', 'one', 'one', 'one', 'two', 'two', 'two']);
    assert.deepEqual(parsed, ['one', 'two', 'half']);
    assert.throws(() => watched.reload(), /cannot use/);
  });

  test('is seen to change where it has the same size and was written a moment ago', () => {
    writeFileSync(file, 'a0');
    const watched = watch();
    for (let at = 0; at < 10; at += 1) {
      writeFileSync(file, `a${at}`);
      assert.equal(watched.read().text, `a${at}`);
    }
  });

  test('is seen to change where its times are old', () => {
    const watched = watch();
    for (const text of ['one', 'two']) {
      writeFileSync(file, text);
      utimesSync(file, 1_000_000, 1_000_000 + parsed.length);
      assert.equal(watched.read().text, text);
    }
  });

  test('is looked at only after its age, unless it is expired', async () => {
    const clock = createFakeClock();
    writeFileSync(file, 'one');
    const watched = watch({ maxAgeMs: 10_000, clock });
    assert.equal(watched.read().text, 'one');
    writeFileSync(file, 'two');
    await clock.advance(9_999);
    assert.equal(watched.read().text, 'one');
    await clock.advance(1);
    assert.equal(watched.read().text, 'two');
    writeFileSync(file, 'three');
    watched.expire();
    assert.equal(watched.read().text, 'three');
  });

  test('is followed through a rename', () => {
    writeFileSync(file, 'one');
    const watched = watch();
    watched.read();
    writeFileSync(`${file}.next`, 'two');
    renameSync(`${file}.next`, file);
    assert.equal(watched.read().text, 'two');
  });

  test("is followed through the symbolic links of a kubelet's projected volume", () => {
    for (const version of ['one', 'two']) {
      mkdirSync(path.join(folder, version));
      writeFileSync(path.join(folder, version, 'file'), version);
    }
    symlinkSync('one', path.join(folder, '..data'));
    symlinkSync('..data/file', file);
    const watched = watch();
    assert.equal(watched.read().text, 'one');
    symlinkSync('two', path.join(folder, '..data_tmp'));
    renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
    assert.equal(watched.read().text, 'two');
  });

  /** Each makes the file into something that cannot be used. */
  const problems: ReadonlyMap<string, readonly [make: () => void, message: RegExp]> = new Map<
    string,
    readonly [() => void, RegExp]
  >([
    ['missing', [() => rmSync(file, { force: true }), /^cannot read the bundle .*file; mount it: ENOENT/]],
    [
      'half-written',
      [() => replaceBy(() => writeFileSync(file, 'half')), /^cannot use the bundle .*: it ends too early/],
    ],
    [
      'larger than its limit',
      [() => replaceBy(() => writeFileSync(file, 'x'.repeat(101))), /it has more than 100 bytes/],
    ],
    ['a directory', [() => replaceBy(() => mkdirSync(file)), /it is a directory/]],
    ['a FIFO', [() => replaceBy(() => execFileSync('mkfifo', [file])), /it is not a regular file/]],
    ['a link to nothing', [() => replaceBy(() => symlinkSync('nowhere', file)), /ENOENT/]],
    ['a link to itself', [() => replaceBy(() => symlinkSync('file', file)), /ELOOP/]],
    ...(process.geteuid?.() === 0
      ? []
      : [['unreadable', [() => replaceBy(() => (writeFileSync(file, 'x'), chmodSync(file, 0))), /EACCES/]] as const]),
  ]);

  function replaceBy(make: () => void): void {
    rmSync(file, { force: true, recursive: true });
    make();
  }

  for (const [what, [make, message]] of problems) {
    test(`that is ${what} keeps its last good value, and is reported once`, () => {
      const reports: string[] = [];
      writeFileSync(file, 'one');
      const watched = watch({ limitBytes: 100, onProblem: (error) => reports.push(describeError(error)) });
      const value = watched.read();
      make();
      for (let at = 0; at < 3; at += 1) assert.equal(watched.read(), value);
      assert.equal(reports.length, 1, String(reports));
      assert.match(reports[0] ?? '', message);
      assert.throws(
        () => watched.reload(),
        (error) => message.test(describeError(error)),
      );
      replaceBy(() => writeFileSync(file, 'two'));
      assert.equal(watched.read().text, 'two');
    });

    test(`that is ${what} from the beginning throws, until it is mended`, () => {
      make();
      const watched = watch({ limitBytes: 100 });
      assert.throws(
        () => watched.read(),
        (error) => message.test(describeError(error)),
      );
      replaceBy(() => writeFileSync(file, 'two'));
      assert.equal(watched.read().text, 'two');
    });

    test(`that is optional and ${what} from the beginning is empty, until it is mended`, () => {
      make();
      const watched = watch({ limitBytes: 100, isOptional: true });
      for (let at = 0; at < 2; at += 1) assert.equal(watched.read().text, '');
      replaceBy(() => writeFileSync(file, 'two'));
      assert.equal(watched.read().text, 'two');
    });
  }

  test('that could not be read for lack of file descriptors is read at the next look', () => {
    const source = path.resolve(import.meta.dirname, '../../src/watchedfile.ts');
    // Times long ago, as of a file that was rotated between two looks.
    const script = `
      import { closeSync, openSync, utimesSync, writeFileSync } from 'node:fs';
      import { watchFile } from '${source}';
      const write = (text, time) => (writeFileSync('${file}', text), utimesSync('${file}', time, time));
      // The kernel sets the change time, so the clock moves on instead.
      const now = Date.now;
      Date.now = () => now() + 60_000;
      write('one', 1);
      const watched = watchFile({ path: '${file}', what: '', remedy: '', maxAgeMs: 0, parse: (text) => text });
      const texts = [watched.read()];
      write('two', 2);
      const open = [];
      try {
        for (;;) open.push(openSync('/dev/null'));
      } catch {}
      texts.push(watched.read());
      for (const each of open) closeSync(each);
      texts.push(watched.read());
      console.log(texts.join());`;
    const command = 'ulimit -n 60 && exec "$0" --input-type=module --eval "$1"';
    const output = execFileSync('/bin/sh', ['-c', command, process.execPath, script], { encoding: 'utf8' });
    assert.equal(output.trim(), 'one,one,two');
  });

  test('that is optional is empty after it was removed', () => {
    writeFileSync(file, 'one');
    const watched = watch({ isOptional: true });
    assert.equal(watched.read().text, 'one');
    rmSync(file);
    assert.equal(watched.read().text, '');
  });

  test('is read up to its limit, and no further', () => {
    writeFileSync(file, 'x'.repeat(100));
    assert.equal(watch({ limitBytes: 100 }).read().text.length, 100);
    writeFileSync(file, 'x'.repeat(101));
    assert.throws(() => watch({ limitBytes: 100 }).read(), /cannot read/);
  });
});
