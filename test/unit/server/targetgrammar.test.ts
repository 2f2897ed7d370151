/** Request targets from their parts: percent-encoding does not change how they are parsed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestInfo, valuesOf } from '../../../src/server/requestinfo.ts';

/** Decides for each byte whether it is written as it is. */
const choices = fc.array(fc.boolean(), { minLength: 1 });

/** Every byte that could end a path or a part of a query is encoded, and of the others some. */
function encode(text: string, isPlain: readonly boolean[]): string {
  return [...Buffer.from(text)]
    .map((byte, index) => {
      const character = String.fromCharCode(byte);
      const mayBePlain = /[A-Za-z0-9._~$!*'(),:@-]/.test(character) || byte >= 0x80;
      return mayBePlain && isPlain[index % isPlain.length] === true
        ? character
        : `%${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

const text = fc
  .oneof(fc.constantFrom('a', 'b', 'labelSelector', 'app in (x)'), fc.string({ unit: 'grapheme', maxLength: 10 }))
  .map((each) => each.toWellFormed());
/** A path segment that is not empty and not a keyword of the grammar. */
const segment = text.filter((each) => each !== '' && !/\/|^(?:namespaces|watch|proxy|status|finalize)$/.test(each));
const version = fc.constantFrom('v1', 'v1beta1', 'v2');
const slashes = fc.constantFrom('', '/', '//');
const methods = new Map([
  ['GET', ['get', 'list']],
  ['HEAD', ['get', 'list']],
  ['POST', ['create', 'create']],
  ['PUT', ['update', 'update']],
  ['PATCH', ['patch', 'patch']],
  ['DELETE', ['delete', 'deletecollection']],
  ['OPTIONS', ['', '']],
]);

test('a path to a resource is parsed into its parts', () => {
  fc.assert(
    fc.property(
      fc.record({
        method: fc.constantFrom(...methods.keys()),
        version,
        namespace: fc.option(segment, { nil: undefined }),
        resource: segment,
        name: fc.option(segment, { nil: undefined }),
        before: slashes,
        after: slashes,
        choices,
      }),
      ({ method, version: asked, namespace, resource, name, before, after, choices: isPlain }) => {
        const segments = [
          ...(namespace === undefined ? [] : ['namespaces', namespace]),
          resource,
          ...(name === undefined ? [] : [name]),
        ];
        const path = ['apis', 'metrics.k8s.io', asked, ...segments].map((each) => encode(each, isPlain)).join('/');
        const info = requestInfo(method, `${before}/${path}${after}`);
        assert.deepEqual(info?.resource, {
          verb: methods.get(method)?.[name === undefined ? 1 : 0],
          group: 'metrics.k8s.io',
          version: asked,
          resource,
          subresource: '',
          namespace: namespace ?? '',
          name: name ?? '',
        });
        assert.equal(info?.shape, namespace === undefined ? 'cluster' : 'namespaced');
      },
    ),
    { numRuns: 500 },
  );
});

test('a query is parsed into its pairs, the first of each name, without malformed ones', () => {
  const good = fc.tuple(text, text, choices).map(([name, value, isPlain]) => ({
    written: `${encode(name, isPlain).replaceAll('%20', '+')}=${encode(value, isPlain).replaceAll('%20', '+')}`,
    pair: [name, value] as const,
  }));
  const bare = text
    .filter((each) => each !== '')
    .map((name) => ({ written: encode(name, [false]), pair: [name, ''] as const }));
  const malformed = fc
    .constantFrom('', 'a=%', 'b=%zz', '%f=x', 'a=1;b=2', ';')
    .map((written) => ({ written, pair: undefined }));
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 3, arbitrary: good }, bare, malformed)), (parts) => {
      const info = requestInfo('GET', `/?${parts.map(({ written }) => written).join('&')}`);
      assert.ok(info);
      const pairs = parts.flatMap(({ pair }) => (pair === undefined ? [] : [pair]));
      // Of two pairs with one name a Map keeps the last.
      assert.deepEqual(new Map(info.query), new Map(pairs.toReversed()));
      for (const [name] of pairs) {
        const all = pairs.filter(([other]) => other === name).map(([, value]) => value);
        assert.deepEqual(valuesOf(info, name), all);
      }
    }),
    { numRuns: 500 },
  );
});

test('a target of any bytes is parsed or refused', () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each).toString('latin1'));
  fc.assert(
    fc.property(bytes, bytes, (method, target) => {
      const info = requestInfo(method, `/apis/metrics.k8s.io/v1/${target}`);
      if (info === undefined) assert.match(target, /%/);
      else assert.ok(info.path.isWellFormed());
    }),
    { numRuns: 500 },
  );
});
