/** Holds that imports point one way, down the ranks or within a room, and that ARCHITECTURE.md names ranks and files as they are. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const src = path.join(root, 'src');
const architecture = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');

/** A room is a folder below src, or a file directly in it. */
const ranks: readonly (readonly string[])[] = [
  ['sample', 'clock', 'abort', 'version', 'ownfile', 'namehash', 'logoutput', 'redactor'],
  ['foreigntext'],
  ['apimachinery', 'exposition', 'monitoring', 'logging'],
  ['dns', 'decode'],
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

test('the code map of ARCHITECTURE.md has every room at its rank', () => {
  const rows = architecture.matchAll(/^\| (\d+) \| ((?:`[a-z]+(?:\.ts|\/)` ?)+)\|/gm);
  const mapped = [...rows].flatMap(([, rank, rooms = '']) =>
    [...rooms.matchAll(/`([a-z]+)(?:\.ts|\/)`/g)].map(([, room]) => `${rank} ${room}`),
  );
  const expected = ranks.flatMap((rooms, rank) => rooms.map((room) => `${rank} ${room}`));
  assert.deepEqual(mapped.toSorted(), expected.toSorted());
});

test('every file and folder that ARCHITECTURE.md and the decisions name is there', () => {
  const decisions = globSync('docs/decisions/*.md', { cwd: root }).map((file) =>
    readFileSync(path.join(root, file), 'utf8'),
  );
  const names = [...[architecture, ...decisions].join('\n').matchAll(/`([a-z0-9/.*-]+(?:\.ts|\.json|\/))`/g)].map(
    ([, name = '']) => name,
  );
  const files = globSync('{src,test}/**/', { cwd: root, exclude: ['**/node_modules'] });
  const missing = names.filter(
    (name) =>
      !existsSync(path.join(root, name)) &&
      !files.some((folder) => name.includes('*') || existsSync(path.join(root, folder, name))),
  );
  assert.ok(names.length > 100, 'the names are read');
  assert.deepEqual(missing, []);
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
