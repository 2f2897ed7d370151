import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { mutations } from '../../mutations/mutations.ts';
import { mutated, projectFolder } from '../../mutations/run.ts';

test('every mutation applies to the sources as they are, exactly once, and changes them', () => {
  assert.ok(mutations.length >= 90, `${mutations.length} mutations`);
  for (const mutation of mutations) {
    const { file, search, replace } = mutation;
    const source = readFileSync(path.join(projectFolder, 'src', file), 'utf8');
    const changed = mutated(source, mutation);
    assert.ok(changed !== undefined, `src/${file} does not have this text exactly once: ${search}`);
    assert.notEqual(search, replace);
  }
});

test('the tests that must notice a mutation are there', () => {
  for (const pattern of new Set(mutations.flatMap(({ tests }) => tests))) {
    assert.notDeepEqual(globSync(pattern, { cwd: projectFolder }), [], pattern);
  }
});

test('no mutation is there twice', () => {
  const keys = mutations.map(({ file, search, replace }) => JSON.stringify([file, search, replace]));
  assert.equal(new Set(keys).size, keys.length);
});
