/** Holds that a type's name has one meaning, and that comments and messages name actors. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const src = path.resolve(import.meta.dirname, '../../src');
const files = globSync('**/*.ts', { cwd: src }).toSorted();
const textOf = (file: string): string => readFileSync(path.join(src, file), 'utf8');

/** Names of exported types that a second file declares, too; with the reason why both are the same kind of thing. */
const allowedRepeats: Readonly<Record<string, string>> = {};

test('the name of an exported type is declared in one file', () => {
  const declared = files.flatMap((file) =>
    [...textOf(file).matchAll(/^(export )?(?:abstract )?(?:interface|type|class|enum) (\w+)/gm)].map(
      ([, exported, name = '']) => ({ name, file, isExported: exported !== undefined }),
    ),
  );
  assert.ok(declared.length > 300, 'the declarations are read');
  const repeated = [...Map.groupBy(declared, ({ name }) => name)]
    .filter(([, all]) => new Set(all.map(({ file }) => file)).size > 1 && all.some(({ isExported }) => isExported))
    .map(([name, all]) => `${name}: ${all.map(({ file }) => file).join(', ')}`);
  assert.deepEqual(
    repeated.filter((line) => !Object.hasOwn(allowedRepeats, line.replace(/:.*/, ''))),
    [],
  );
});

test('comments and messages name the actor', () => {
  const vague = files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .map((line, index) => `${file}:${index + 1} ${line.trim()}`)
      .filter((line) => /\b(?:whoever|nobody|somebody|tell|tells|told)\b/i.test(line)),
  );
  assert.deepEqual(vague, []);
});
