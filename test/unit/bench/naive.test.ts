import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { forms, makeBody } from '../../bench/body.ts';
import { containersIn, createNodeDecoder, decodeOnce, type Used } from '../../bench/decodeonce.ts';
import { mustBeTheSame, readNaively } from '../../bench/naive.ts';
import { nodeModel } from '../../bench/nodemodel.ts';

const nowMs = Date.parse('2026-11-22T20:00:00Z');

describe('what is decoded is what a naive reader finds', () => {
  const model = nodeModel('node-a', 3, nowMs);
  const expected = readNaively(makeBody('full-text', model, nowMs).bytes);

  test('the naive reader finds all containers of the node', () => {
    const used = model.pods.flatMap(({ containers }) => containers.map(({ memoryBytes }) => memoryBytes));
    assert.deepEqual(
      [...expected.values()].map(({ memoryBytes }) => memoryBytes).sort((a, b) => a - b),
      used.sort((a, b) => a - b),
    );
  });

  for (const form of forms) {
    test(form, () => {
      const batch = decodeOnce({ whole: makeBody(form, model, nowMs) }, nowMs, createNodeDecoder());
      mustBeTheSame(form, containersIn(batch), expected);
    });
  }

  const [key = ''] = expected.keys();
  fails('another value', (containers) => containers.set(key, { cpuSeconds: 1, memoryBytes: 1 }));
  fails('a container less', (containers) => containers.delete(key));

  function fails(what: string, change: (containers: Map<string, Used>) => void): void {
    test(`not with ${what}`, () => {
      const changed = new Map(expected);
      change(changed);
      const message = new RegExp(`a body: .*${key}.* a naive reader finds`);
      assert.throws(() => mustBeTheSame('a body', changed, expected), message);
    });
  }

  test('not with a container more', () => {
    const more = new Map([...expected, ['a/b/c', { cpuSeconds: 1, memoryBytes: 1 }]]);
    assert.throws(() => mustBeTheSame('a body', more, expected), /a\/b\/c was decoded as .* finds undefined/);
  });
});
