/** Each statement of the reference has a case of test:custom, or tests elsewhere that are still there. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { aggregatedStatements } from '../../custom/aggregated.ts';
import { faults } from '../../custom/cases/faults.ts';
import { startCases } from '../../custom/cases/files.ts';
import { type RowName, rows } from '../../custom/differences.ts';
import { groups } from '../../custom/groups.ts';
import { proofs, statementCount } from '../../custom/statements.ts';

const cases = groups.flatMap((group) => group.cases);

test('every statement has a case, or a test elsewhere, and not both', () => {
  const covered = new Set([...cases, ...startCases].flatMap(({ statements }) => statements));
  for (const statement of aggregatedStatements) covered.add(statement);
  for (let statement = 1; statement <= statementCount; statement += 1) {
    assert.notEqual(covered.has(statement), proofs.has(statement), `statement ${statement}`);
  }
});

test('the tests elsewhere are there', () => {
  for (const [statement, tests] of proofs) {
    for (const { file, title } of tests) {
      const text = readFileSync(path.resolve(import.meta.dirname, '../..', file), 'utf8');
      assert.ok(text.includes(title), `statement ${statement}: ${file} has no test ${title}`);
    }
  }
});

test('every row of the table of differences is shown by a case', () => {
  const failing = faults.flatMap((fault) => fault.cases);
  const shown = new Set([...cases, ...failing, ...startCases].map(({ differs }) => differs?.row));
  for (const row of Object.keys(rows) as RowName[]) assert.ok(shown.has(row), row);
});

test('no two cases of a group have one name', () => {
  for (const { name, cases: members } of groups) {
    const seen = new Set<string>();
    for (const stated of members) {
      assert.ok(!seen.has(stated.name), `${name}: ${stated.name}`);
      seen.add(stated.name);
    }
  }
});
