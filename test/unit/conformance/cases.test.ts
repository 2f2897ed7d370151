/** The table of conformance cases is whole: every statement, every difference, every gap. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groups, statementCount, titleOf } from '../../conformance/cases.ts';
import { differences, type DifferenceName, type Reason, reasons } from '../../conformance/differences.ts';
import { statementsOf } from '../../conformance/differencetable.ts';
import { elsewhere } from '../../conformance/elsewhere.ts';
import { gaps } from '../../conformance/gaps.ts';

const all = [...groups].flatMap(([group, cases]) => cases.map((stated) => ({ title: titleOf(group, stated), stated })));

test('every statement of the contract has a case, or a reason why it has none', () => {
  const covered = new Set(all.flatMap(({ stated }) => stated.statements));
  for (let statement = 1; statement <= statementCount; statement += 1) {
    assert.notEqual(covered.has(statement), elsewhere.has(statement), `statement ${statement}`);
  }
  assert.equal(covered.size + elsewhere.size, statementCount);
});

test('no two cases have one title', () => {
  const seen = new Set<string>();
  for (const { title } of all) {
    assert.ok(!seen.has(title), title);
    seen.add(title);
  }
});

test('every difference is shown by a case, and every reason by a difference', () => {
  const shown = new Set(all.map(({ stated }) => stated.differs));
  for (const name of Object.keys(differences) as DifferenceName[]) assert.ok(shown.has(name), name);
  for (const reason of Object.keys(reasons) as Reason[]) assert.ok(statementsOf(reason).length > 0, reason);
});

test('every gap is about a case', () => {
  const titles = new Set(all.map(({ title }) => title));
  for (const title of gaps.keys()) assert.ok(titles.has(title), title);
});
