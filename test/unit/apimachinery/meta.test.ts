import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { encodeJson, formatTime } from '../../../src/apimachinery/meta.ts';

describe('JSON', () => {
  test('in the compact form ends with a newline', () => {
    assert.equal(encodeJson({ kind: 'X', items: [1, true, null] }).toString(), '{"kind":"X","items":[1,true,null]}\n');
  });

  test('in the pretty form is indented by two spaces, has empty values on one line, and ends without a newline', () => {
    const pretty = encodeJson({ a: { b: [1, { c: 'd' }] }, e: {}, f: [], g: new Map([['h', 'i']]) }, 'pretty');
    assert.equal(
      pretty.toString(),
      [
        '{',
        '  "a": {',
        '    "b": [',
        '      1,',
        '      {',
        '        "c": "d"',
        '      }',
        '    ]',
        '  },',
        '  "e": {},',
        '  "f": [],',
        '  "g": {',
        '    "h": "i"',
        '  }',
        '}',
      ].join('\n'),
    );
  });

  test('has the escapes of Go', () => {
    assert.equal(
      encodeJson('<a href="x">&</a>\u2028\u2029\n\\').toString(),
      '"\\u003ca href=\\"x\\"\\u003e\\u0026\\u003c/a\\u003e\\u2028\\u2029\\n\\\\"\n',
    );
  });

  test('is UTF-8', () => {
    assert.deepEqual(encodeJson('jos\u00e9'), Buffer.from('"jos\u00e9"\n'));
  });

  test('omits undefined fields', () => {
    assert.equal(encodeJson({ name: 'x', namespace: undefined }).toString(), '{"name":"x"}\n');
  });

  test('has the keys of a Map sorted by bytes, also those that look like numbers', () => {
    const labels = new Map([
      ['b', '1'],
      ['9', '2'],
      ['10', '3'],
      ['B', '4'],
      ['__proto__', '5'],
    ]);
    assert.equal(encodeJson(labels).toString(), '{"10":"3","9":"2","B":"4","__proto__":"5","b":"1"}\n');
  });

  test('of a list of several chunks is complete', () => {
    const items = Array.from({ length: 20_000 }, (_, index) => ({ name: `pod-\u00e9-${index}` }));
    assert.deepEqual(JSON.parse(encodeJson(items).toString()), items);
  });

  test('has equal values in both forms', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const meant: unknown = JSON.parse(JSON.stringify(value));
        assert.deepEqual(JSON.parse(encodeJson(value).toString()), meant);
        assert.deepEqual(JSON.parse(encodeJson(value, 'pretty').toString()), meant);
      }),
    );
  });
});

describe('time', () => {
  check(1_795_377_055_999, '2026-11-22T19:50:55Z');
  check(0, '1970-01-01T00:00:00Z');
  check(-5, '1970-01-01T00:00:00Z');
  check(Number.NaN, '1970-01-01T00:00:00Z');
  check(1e300, '9999-12-31T23:59:59Z');
  check(Number.POSITIVE_INFINITY, '9999-12-31T23:59:59Z');
});

function check(ms: number, text: string): void {
  test(`${ms} is ${text}`, () => assert.equal(formatTime(ms), text));
}
