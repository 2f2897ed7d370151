/** Holds that docs/doctor.md explains every code of every check, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { allChecks } from '../../src/doctor/checks.ts';

const text = readFileSync(path.resolve(import.meta.dirname, '../../docs/doctor.md'), 'utf8');

test('docs/doctor.md has every check with its codes, in the order of the report', () => {
  const table = text.slice(text.indexOf('## Findings'));
  const rows = [...table.matchAll(/^\| (?:\*\*([a-z-]+)\*\*|`([a-z0-9-]+)`) \|/gm)].map(
    ([, check, code]) => check ?? code,
  );
  const expected = allChecks.flatMap(({ name, codes }) => [name, ...codes]);
  assert.deepEqual(rows, expected);
});

test('no two checks have the same name, and no code is of two checks', () => {
  const codes = allChecks.flatMap((check) => check.codes);
  assert.equal(new Set(codes).size, codes.length);
  assert.equal(new Set(allChecks.map(({ name }) => name)).size, allChecks.length);
});
