import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseNodeFacts } from '../../../../src/doctor/nodes/nodefacts.ts';

const cases: readonly (readonly [what: string, condition: object | undefined, expected: string | undefined])[] = [
  ['is ready', { status: 'True', reason: 'KubeletReady' }, undefined],
  ['is not ready for a reason', { status: 'Unknown', reason: 'NodeStatusUnknown' }, 'NodeStatusUnknown'],
  ['is not ready without a reason', { status: 'Unknown' }, 'Ready is Unknown'],
  ['has no such condition', undefined, 'no condition Ready'],
];
for (const [what, condition, expected] of cases) {
  test(`a node that ${what}`, () => {
    const conditions = condition === undefined ? [] : [{ type: 'Ready', ...condition }];
    assert.equal(parseNodeFacts({ metadata: { name: 'node-1' }, status: { conditions } })?.notReady, expected);
  });
}
