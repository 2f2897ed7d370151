/** Error texts are those of the real server, captured. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { parseFieldSelector, requireKnownFields } from '../../../src/apimachinery/fields.ts';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { cpuMsOf } from '../../fakes/cputime.ts';

const objects = [
  { namespace: 'default', name: 'web-0' },
  { namespace: 'dev', name: 'web-0' },
  { namespace: '', name: 'node-a' },
];

describe('a selector matches', () => {
  chooses('', 'default/web-0', 'dev/web-0', '/node-a');
  chooses('=', 'default/web-0', 'dev/web-0', '/node-a');
  chooses('!=', 'default/web-0', 'dev/web-0', '/node-a');
  chooses(',', 'default/web-0', 'dev/web-0', '/node-a');
  chooses('metadata.name=web-0', 'default/web-0', 'dev/web-0');
  chooses('metadata.name==web-0', 'default/web-0', 'dev/web-0');
  chooses('metadata.name!=web-0', '/node-a');
  chooses('metadata.name=');
  chooses('metadata.namespace=', '/node-a');
  chooses('metadata.namespace=dev', 'dev/web-0');
  chooses('metadata.name=web-0,metadata.namespace!=dev', 'default/web-0');
  chooses(',metadata.name=web-0,,metadata.namespace=dev,', 'dev/web-0');
  chooses('metadata.name=web-0,metadata.name=web-1');
  chooses('metadata.name= web-0'); // blanks are part of the value
  chooses('metadata.name=a\\,b\\=c\\\\');
});

describe('a selector is a bad request', () => {
  refuses('spec.nodeName=x', unknown('spec.nodeName'));
  refuses('=x', unknown(''));
  refuses(' metadata.name=x', unknown(' metadata.name'));
  refuses('metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'");
  refuses('metadata.name in (a)', "invalid selector: 'metadata.name in (a)'; can't understand 'metadata.name in (a)'");
  refuses('x=1,foo', "invalid selector: 'x=1,foo'; can't understand 'foo'");
  refuses('metadata.name=\\d', 'invalid field selector: invalid escape sequence: \\d');
  refuses('metadata.name=x\\', 'invalid field selector: invalid escape sequence: \\');
  refuses('metadata.name=a=b', 'invalid field selector: unescaped character in value: 61');
  refuses('metadata.name===b', 'invalid field selector: unescaped character in value: 61');
  refuses('a'.repeat(65_537), 'field selector of 65537 characters: use at most 65536');
  refuses(
    Array.from({ length: 257 }, () => 'metadata.name!=a').join(),
    'field selector of 257 requirements: use at most 256',
  );
});

test('requirements have the form of a SubjectAccessReview, without escapes', () => {
  assert.deepEqual(parseFieldSelector('metadata.name=db-0,metadata.namespace!=x,a=b\\,c').requirements, [
    { key: 'a', operator: 'In', values: ['b,c'] },
    { key: 'metadata.name', operator: 'In', values: ['db-0'] },
    { key: 'metadata.namespace', operator: 'NotIn', values: ['x'] },
  ]);
});

test('a field that no object has is empty', () => {
  assert.ok(!parseFieldSelector('spec.nodeName=x').matches({ name: 'x', namespace: 'x' }));
  assert.ok(parseFieldSelector('spec.nodeName!=x').matches({ name: 'x', namespace: 'x' }));
});

const pieces = fc.constantFrom('metadata.name', 'a', '=', '!', ',', '\\', ' ', '\n', '\u{1f600}', '\ud800');
const selectors = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(pieces, { maxLength: 30 }).map((list) => list.join('')),
);

test('any text parses or is a bad request', () => {
  fc.assert(
    fc.property(selectors, (text) => {
      try {
        requireKnownFields(parseFieldSelector(text));
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error));
        assert.equal(error.code, 400);
      }
    }),
    { numRuns: 2000 },
  );
});

test('the longest and costliest selectors are parsed within the limit', () => {
  for (const piece of ['a', '=', '!', ',', '\\', '\\,', 'a=b,', '\\a', '!a']) {
    const tookMs = cpuMsOf(() => {
      try {
        parseFieldSelector(piece.repeat(65_536).slice(0, 65_536));
      } catch (error) {
        assert.ok(error instanceof StatusError, String(error));
      }
    });
    assert.ok(tookMs < 1000, `${piece}... took ${tookMs} ms`);
  }
});

function chooses(selector: string, ...names: string[]): void {
  test(`${JSON.stringify(selector)}: ${names.join(' ') || 'nothing'}`, () => {
    const parsed = parseFieldSelector(selector);
    requireKnownFields(parsed);
    assert.deepEqual(
      objects.filter((object) => parsed.matches(object)).map(({ namespace, name }) => `${namespace}/${name}`),
      names,
    );
  });
}

function refuses(selector: string, message: string): void {
  test(`${JSON.stringify(selector).slice(0, 40)}: ${message}`, () => {
    assert.throws(() => requireKnownFields(parseFieldSelector(selector)), { name: 'StatusError', code: 400, message });
  });
}

function unknown(key: string): string {
  return `"${key}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}
