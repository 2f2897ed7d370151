/** Holds that docs/doctor.md explains every code of every check, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { neededRights } from '../../src/doctor/apiside/rights.ts';
import { allChecks } from '../../src/doctor/checks.ts';
import { readPermissions, rightTexts } from '../cluster/permissions.ts';

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

test('the rights that doctor checks are those of docs/permissions.md', () => {
  const listed = readPermissions('Granted by manifests/base')
    .filter(({ isUnused }) => !isUnused)
    .flatMap(({ rights }) => rights)
    .filter(({ account }) => account !== 'users');
  const checked = neededRights.map(({ account, verb, group, resource, namespace, name, role }) => ({
    account: account === 'server' ? 'kubegauge' : 'kubegauge-kubelets',
    verb,
    group,
    resource,
    only: namespace === undefined ? (name ?? '') : `${namespace}/${name ?? '*'}`,
    by: `${role.kind} ${role.namespace === undefined ? '' : `${role.namespace}/`}${role.name}`,
  }));
  assert.deepEqual(rightTexts(checked), rightTexts(listed));
});
