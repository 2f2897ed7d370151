/** Bodies are the real server's; the quoting is that of go.yaml.in/yaml/v2. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { encodeYaml } from '../../../src/apimachinery/yaml.ts';

test('keys are sorted, sequences are not indented, undefined fields are omitted', () => {
  const value = {
    kind: 'L',
    items: [{ b: 1, a: ['x'] }],
    none: undefined,
    empty: {},
    nothing: null,
    list: [],
    t: true,
  };
  assert.equal(
    encodeYaml(value).toString(),
    'empty: {}\nitems:\n- a:\n  - x\n  b: 1\nkind: L\nlist: []\nnothing: null\nt: true\n',
  );
});

test('keys with numbers are sorted by their value', () => {
  const keys = ['a10', 'a9', 'a.1', 'a-b', 'ab', 'a', 'B', '1', '10', '2', 'a01', 'a1'];
  const map = new Map(keys.map((key) => [key, 'x']));
  assert.deepEqual(
    Object.keys(parse(encodeYaml(map).toString()) as object)
      .map(String)
      .sort(),
    [...keys].sort(),
  );
  assert.match(encodeYaml(map).toString(), /"1": x\n"2": x\n"10": x\nB: x\na: x\na-b: x\na.1: x\n/);
  assert.match(encodeYaml(map).toString(), /a9: x\na10: x\n/);
});

test('a message is quoted if it has a colon, and literal if it has several lines', () => {
  assert.equal(
    encodeYaml({ message: 'time: invalid duration "abc"' }).toString(),
    'message: \'time: invalid duration "abc"\'\n',
  );
  assert.equal(
    encodeYaml({ message: '406: Not Acceptable\n\nAvailable: application/json' }).toString(),
    'message: |-\n  406: Not Acceptable\n\n  Available: application/json\n',
  );
});

describe('text is', () => {
  const check = (text: string, expected: string) =>
    test(expected, () => assert.equal(encodeYaml({ a: text }).toString(), `a: ${expected}\n`));
  check('node-0', 'node-0');
  check('250m', '250m');
  check('9.81s', '9.81s');
  check('metrics.k8s.io/v1', 'metrics.k8s.io/v1');
  check(':34023', ':34023');
  check('node "nope" not found', 'node "nope" not found');
  check("it's", "it's");
  check("can't: x", "'can''t: x'");
  check('2026-11-22T23:07:55Z', '"2026-11-22T23:07:55Z"');
  check('2026-11-22', '"2026-11-22"');
  for (const odd of ['', '1', '0x1f', '1e3', '1_000', '.5', '1:30', 'yes', 'No', 'y', 'true', 'null', '~', '.inf']) {
    check(odd, `"${odd}"`);
  }
  for (const odd of ['- a', '#a', 'a #b', '*a', '&a', '{a', '[a', '!a', '%a', '@a', '"a', 'a: b', 'a:', ' a', '? a']) {
    check(odd, `'${odd}'`);
  }
  check('a\u0000b', '"a\\0b"');
});

test('any text is parsed as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, key) => {
      const written = encodeYaml(new Map([[key, [text]]])).toString();
      assert.deepEqual(parse(written, { mapAsMap: true }), new Map([[key, [text]]]), written);
    }),
  );
});
