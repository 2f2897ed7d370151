/** Texts are those of the real server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { StatusError } from '../../../src/apimachinery/status.ts';
import { checkGetOptions, parseListOptions } from '../../../src/server/listoptions.ts';
import { requestInfo } from '../../../src/server/requestinfo.ts';

const queryOf = (text: string) => requestInfo('GET', `/?${text}`)?.query ?? new Map<string, string>();

describe('a list is requested by', () => {
  const check = (query: string) => test(query, () => assert.equal(parseListOptions(queryOf(query)).watch, false));
  for (const limit of ['1', '-1', '0', '%2B5', '9223372036854775807']) check(`limit=${limit}`);
  for (const version of ['0', '1', 'abc', '999999', '-5', '']) check(`resourceVersion=${version}`);
  for (const seconds of ['0', '1', '-1']) check(`timeoutSeconds=${seconds}`);
  for (const no of ['0', 'false', 'False', 'FALSE']) check(`watch=${no}`);
  check('continue=abc');
  check('limit=1&limit=abc');
  check('resourceVersion=1&resourceVersionMatch=Exact');
  check('resourceVersion=0&resourceVersionMatch=NotOlderThan');
  check('resourceVersionMatch=');
  check('dryRun=x&allowWatchBookmarks=abc&shardSelector=foo&unknown=1&export=1&pretty=abc');
});

describe('a watch is requested by', () => {
  const check = (query: string) => test(query, () => assert.equal(parseListOptions(queryOf(query)).watch, true));
  for (const yes of ['true', '1', 'abc', '']) check(`watch=${yes}`);
  check('watch');
  check('watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan');
});

describe('options that cannot be parsed are refused in the order of parsing', () => {
  const check = (query: string, message: string) =>
    test(query, () => assert.throws(() => parseListOptions(queryOf(query)), { reason: 'BadRequest', message }));
  const integer = (text: string, problem = 'invalid syntax') => `strconv.ParseInt: parsing "${text}": ${problem}`;
  check('limit=abc', integer('abc'));
  check('limit=1.5', integer('1.5'));
  check('limit=', integer(''));
  check('limit=%0a', integer('\\n'));
  check('limit=9223372036854775808', integer('9223372036854775808', 'value out of range'));
  check('limit=-9223372036854775809', integer('-9223372036854775809', 'value out of range'));
  check('limit=abc&limit=1', integer('abc'));
  check('timeoutSeconds=', integer(''));
  check('limit=abc&timeoutSeconds=1.5&labelSelector=a%20b', integer('1.5'));
  check('limit=abc&labelSelector=a%20b', integer('abc'));
  check('watch=1&limit=abc', integer('abc'));
  check(
    'labelSelector=a%20b&fieldSelector=a',
    "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
  );
  check('resourceVersionMatch=Exact&fieldSelector=a', "invalid selector: 'a'; can't understand 'a'");
  check('watch=1&fieldSelector=a=b', '"a" is not a known field selector: only "metadata.name", "metadata.namespace"');
});

describe('contradictory options are refused', () => {
  const check = (query: string, ...problems: string[]) =>
    test(query, () => {
      const all = problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`;
      assert.throws(() => parseListOptions(queryOf(query)), {
        code: 422,
        message: `ListOptions.meta.k8s.io "" is invalid: ${all}`,
      });
    });
  const match = 'resourceVersionMatch: Forbidden: resourceVersionMatch';
  const unknown = 'resourceVersionMatch: Unsupported value:';
  check('resourceVersionMatch=Exact', `${match} is forbidden unless resourceVersion is provided`);
  check('resourceVersionMatch=Exact&fieldSelector=a=b', `${match} is forbidden unless resourceVersion is provided`);
  check('resourceVersion=0&resourceVersionMatch=Exact', `${match} "exact" is forbidden for resourceVersion "0"`);
  check(
    'resourceVersionMatch=Foo',
    `${match} is forbidden unless resourceVersion is provided`,
    `${unknown} "Foo": supported values: "Exact", "NotOlderThan", ""`,
  );
  check('resourceVersion=5&resourceVersionMatch=Exact&continue=x', `${match} is forbidden when continue is provided`);
  check('sendInitialEvents=false', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list');
  check(
    'watch=1&sendInitialEvents=true',
    'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
  );
  check(
    'watch=1&resourceVersionMatch=Exact',
    `${match} is forbidden for watch unless sendInitialEvents is provided`,
    `${unknown} "Exact": supported values: "NotOlderThan"`,
  );
  check(
    'watch=1&resourceVersionMatch=NotOlderThan&continue=a',
    `${match} is forbidden for watch unless sendInitialEvents is provided`,
    `${match} is forbidden when continue is provided`,
  );
});

test('an export of one object is refused', () => {
  const message = 'the export parameter, deprecated since v1.14, is no longer supported';
  for (const query of ['export=1', 'export', 'export=abc']) {
    assert.throws(() => checkGetOptions(queryOf(query)), { reason: 'BadRequest', message });
  }
  for (const query of ['', 'export=0', 'export=False', 'limit=abc']) checkGetOptions(queryOf(query));
});

test('any query is parsed or refused with a reason', () => {
  const name = fc.constantFrom('limit', 'watch', 'resourceVersionMatch', 'continue', 'labelSelector', 'fieldSelector');
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(name, fc.string()), fc.string())), (pairs) => {
      try {
        parseListOptions(new Map(pairs));
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code < 500);
      }
    }),
  );
});
