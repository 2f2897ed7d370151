/** Holds that imports point one way, down the ranks or within a module, without cycles, and that ARCHITECTURE.md names ranks and files as they are. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const src = path.join(root, 'src');
const architecture = readFileSync(path.join(root, 'ARCHITECTURE.md'), 'utf8');

/** A module is a folder below src, or a file directly in it. */
const ranks: readonly (readonly string[])[] = [
  [
    'sample',
    'clock',
    'abort',
    'version',
    'ownfile',
    'namehash',
    'logoutput',
    'redactor',
    'messagecodes',
    'eventloopqueue',
  ],
  ['foreigntext', 'watchedfile'],
  ['apimachinery', 'exposition', 'monitoring', 'logging', 'terminal'],
  ['dns', 'decode', 'metricsource'],
  ['options', 'tls', 'rules'],
  ['client'],
  ['cluster', 'promql', 'kubelet', 'storage', 'auth', 'trustpublication'],
  ['scrape', 'history', 'kubeletsource', 'prometheussource'],
  ['api'],
  ['server', 'doctor'],
  ['view'],
  ['ui', 'top'],
  ['command'],
  ['main'],
];

/** Modules that must not import each other although the ranks would allow it: the write side and the read side. */
const forbidden: Readonly<Record<string, readonly string[]>> = {
  scrape: ['storage', 'auth'],
  api: ['storage', 'scrape', 'kubelet'],
  server: ['storage', 'scrape', 'kubelet'],
};

const rankOf = (module: string): number => ranks.findIndex((modules) => modules.includes(module));

test('every module has a rank', () => {
  for (const file of sourceFiles()) assert.notEqual(rankOf(moduleOf(file)), -1, `${file}: give its module a rank`);
});

test('imports point down the ranks or stay in the module', () => {
  let checked = 0;
  for (const file of sourceFiles()) {
    for (const imported of importsOf(file)) {
      const from = moduleOf(file);
      const to = moduleOf(imported);
      checked += 1;
      if (from === to) continue;
      assert.ok(rankOf(to) < rankOf(from), `${file} (rank ${rankOf(from)}) imports ${imported} (rank ${rankOf(to)})`);
      assert.ok(!forbidden[from]?.includes(to), `${file} must not import ${to}`);
    }
  }
  assert.ok(checked > 0, 'no import was checked');
});

test('no files import each other in a cycle, not even for types', () => {
  const imports = new Map(sourceFiles().map((file) => [file, importsOf(file)]));
  assert.deepEqual(cyclesIn(imports), []);
});

test('a cycle of imports is found, and a file that two others import is none', () => {
  const imports = new Map([
    ['a', ['b', 'd']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
  ]);
  assert.deepEqual(cyclesIn(imports), ['a b c']);
});

test('the code map of ARCHITECTURE.md has every module at its rank', () => {
  const rows = architecture.matchAll(/^\| (\d+) \| ((?:`[a-z]+(?:\.ts|\/)` ?)+)\|/gm);
  const mapped = [...rows].flatMap(([, rank, modules = '']) =>
    [...modules.matchAll(/`([a-z]+)(?:\.ts|\/)`/g)].map(([, module]) => `${rank} ${module}`),
  );
  const expected = ranks.flatMap((modules, rank) => modules.map((module) => `${rank} ${module}`));
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

/** Returns every cycle that a depth-first walk closes, as its files in alphabetical order. */
function cyclesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>();
  const finished = new Set<string>();
  const visit = (file: string, chain: readonly string[]): void => {
    if (chain.includes(file)) found.add(chain.slice(chain.indexOf(file)).toSorted().join(' '));
    if (chain.includes(file) || finished.has(file)) return;
    for (const imported of imports.get(file) ?? []) visit(imported, [...chain, file]);
    finished.add(file);
  };
  for (const file of imports.keys()) visit(file, []);
  return [...found].toSorted();
}

function sourceFiles(): string[] {
  return globSync('**/*.ts', { cwd: src });
}

function moduleOf(file: string): string {
  return file.split(path.sep)[0]?.replace(/\.ts$/, '') ?? '';
}

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
    path.relative(src, path.resolve(src, path.dirname(file), match[1] ?? '')),
  );
}
