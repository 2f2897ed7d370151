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
  // By what they make of the source: two texts may cut out the same.
  const made = new Map<string, string>();
  for (const mutation of mutations) {
    const source = readFileSync(path.join(projectFolder, 'src', mutation.file), 'utf8');
    const key = `${mutation.file}\n${mutated(source, mutation)}`;
    assert.ok(!made.has(key), `${mutation.file}: "${mutation.why}" is the same mutation as "${made.get(key)}"`);
    made.set(key, mutation.why);
  }
});
