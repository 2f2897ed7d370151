/** Holds the house rule that imports point one way: down the ranks, or within a room. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const src = path.resolve(import.meta.dirname, '../../src');

/** A room is a folder below src, or a file directly in it. */
const ranks: readonly (readonly string[])[] = [
  ['point', 'clock', 'abort', 'version', 'ownfile', 'logoutput', 'redactor'],
  ['foreigntext'],
  ['batch', 'apimachinery', 'exposition', 'monitoring', 'logging'],
  ['dns'],
  ['options', 'tls'],
  ['client'],
  ['cluster', 'kubelet', 'storage', 'auth'],
  ['scrape'],
  ['api'],
  ['server'],
  ['command'],
  ['main'],
];

/** Rooms that must not see each other although the ranks would allow it: the write side and the read side. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  scrape: ['storage', 'auth'],
  api: ['storage', 'scrape', 'kubelet'],
  server: ['storage', 'scrape', 'kubelet'],
};

const rankOf = (room: string): number => ranks.findIndex((rooms) => rooms.includes(room));

test('every room has a rank', () => {
  for (const file of sourceFiles()) assert.notEqual(rankOf(roomOf(file)), -1, `${file}: give its room a rank`);
});

test('imports point down the ranks or stay in the room', () => {
  let checked = 0;
  for (const file of sourceFiles()) {
    for (const imported of importsOf(file)) {
      const from = roomOf(file);
      const to = roomOf(imported);
      checked += 1;
      if (from === to) continue;
      assert.ok(rankOf(to) < rankOf(from), `${file} (rank ${rankOf(from)}) imports ${imported} (rank ${rankOf(to)})`);
      assert.ok(!forbidden[from]?.includes(to), `${file} must not know ${to}`);
    }
  }
  assert.ok(checked > 0, 'no import was checked');
});

function sourceFiles(): string[] {
  return globSync('**/*.ts', { cwd: src });
}

function roomOf(file: string): string {
  return file.split(path.sep)[0]?.replace(/\.ts$/, '') ?? '';
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    path.relative(src, path.resolve(src, path.dirname(file), match[1] ?? '')),
  );
}
