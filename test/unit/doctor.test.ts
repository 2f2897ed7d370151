/** Holds that docs/doctor.md explains every code of every check, and no other. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { valueApis } from '../../src/doctor/custommetrics/valueapis.ts';
import { rightsOfServer } from '../../src/doctor/custommetrics/valuerights.ts';
import { type NeededRight, neededRights } from '../../src/doctor/apiside/rights.ts';
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
  const checked = neededRights.map((right) =>
    granted(right.account === 'server' ? 'kubegauge' : 'kubegauge-kubelets', right),
  );
  assert.deepEqual(rightTexts(checked), rightTexts(listed));
});

test('the rights that doctor checks for custom metrics are those of docs/permissions.md', () => {
  const listed = readPermissions('Granted by components').flatMap(({ rights }) => rights);
  const server = { namespace: 'kube-system', command: [], args: ['--kubelet-service-account=kubegauge-kubelets'] };
  const checked = valueApis.flatMap((api) => rightsOfServer(api, server, { kubelet: true, config: true }));
  assert.deepEqual(
    rightTexts(checked.map((right) => granted('kubegauge', right))),
    rightTexts(listed.filter(({ by }) => /-metrics(-ca-bundle)?$/.test(by))),
  );
});

function granted(account: string, right: Omit<NeededRight, 'account' | 'neededBy'>) {
  const { verb, group, resource, namespace, name, role } = right;
  return {
    account,
    verb,
    group,
    resource,
    only: namespace === undefined ? (name ?? '') : `${namespace}/${name ?? '*'}`,
    by: `${role.kind} ${role.namespace === undefined ? '' : `${role.namespace}/`}${role.name}`,
  };
}
